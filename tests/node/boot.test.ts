import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { Host } from "./host";
import { shells } from "./script";
import { describeWith } from "./toolchain";
import { CONTAINERD } from "../../lab/toolchain/versions";

const CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "k8s.gcr.io/pause:3.5"\n';
const FLAG = "--pod-infra-container-image=";

for (const shell of shells) {
  describeWith(CONTAINERD.one)(`${shell.join(" ")}: a node before its kubelet's first start`, function () {
    this.timeout(60_000);
    let host: Host;
    beforeEach(() => {
      host = new Host(shell);
      host.containerd(CONTAINERD.one, CONFIG);
    });
    afterEach(() => {
      fs.rmSync(host.dir, { recursive: true });
    });

    /** The kubelet's unit is there, and in this state. */
    const kubelet = (state: string, words = "$KUBELET_KUBEADM_ARGS"): void => {
      const env = path.join(host.dir, "root/kubelet/kubeadm-flags.env");
      const files = `EnvironmentFiles=${env} (ignore_errors=yes)\nFragmentPath=@DIR@/root/systemd/kubelet.service\n`;
      host.unit("kubelet", words, "Kubernetes v1.34.2", `${files}ActiveState=${state}\n`);
      host.write("units", "containerd\n");
      fs.rmSync(path.join(host.dir, "kubelet.argv"));
      host.write("root/systemd/kubelet.service", host.read("kubelet.cat"));
    };
    const bootUnit = (): void => {
      host.write("root/systemd/pause-sandbox-boot.service", "[Service]\n");
    };

    it("a kubelet that is not started is left to systemd, which reads its files at its start", () => {
      kubelet("inactive");
      const { status, did, changed, restarted } = host.done("apply");
      assert.equal(status, "changed");
      assert.deepEqual(restarted, ["containerd"]);
      assert.ok(!did.some((one) => one.includes("kubelet")), did.join());
      assert.ok(changed.some((file) => file.endsWith("kubeadm-flags.env")));
      assert.match(host.read("root/kubelet/kubeadm-flags.env"), new RegExp(FLAG));
      // Once for containerd, once for the kubelet.
      assert.equal(host.read("reloads"), "daemon-reload\ndaemon-reload\n");
      assert.equal(host.done("apply").status, "unchanged");
    });

    it("a kubelet that starts again and again, because nobody has joined the node, is not waited for", () => {
      kubelet("activating", "--config=@DIR@/root/kubelet/none.yaml $KUBELET_KUBEADM_ARGS");
      assert.deepEqual(host.done("apply").restarted, ["containerd"]);
    });

    it("a kubelet that fails with its configuration there is restarted", () => {
      host.write("root/kubelet/own.yaml", "kind: KubeletConfiguration\n");
      kubelet("activating", "--config=@DIR@/root/kubelet/own.yaml $KUBELET_KUBEADM_ARGS");
      assert.deepEqual(host.done("apply").restarted, ["containerd", "kubelet"]);
    });

    it("a node without a kubelet is changed", () => {
      fs.rmSync(path.join(host.dir, "kubelet.show"));
      host.write("units", "containerd\n");
      const { status, restarted } = host.done("apply");
      assert.deepEqual([status, restarted], ["changed", ["containerd"]]);
    });

    it("a kubelet whose start waits for our boot unit is restarted past it", () => {
      bootUnit();
      assert.ok(host.done("apply").did.includes("restart kubelet --job-mode=ignore-dependencies"));
    });

    it("restore takes the boot unit out of the kubelet's start, so that the node is not changed again", () => {
      bootUnit();
      host.done("apply");
      assert.ok(host.done("restore").did.includes("disable pause-sandbox-boot.service pause-sandbox-retry.service"));
    });

    it("restore does so on a node that the boot unit has not changed yet", () => {
      bootUnit();
      assert.ok(host.done("restore").did.includes("disable pause-sandbox-boot.service pause-sandbox-retry.service"));
    });

    it("a restore that leaves the node as it is leaves the boot unit too", () => {
      bootUnit();
      host.done("apply", { owner: "p/s/new" });
      assert.deepEqual(host.done("restore", { owner: "p/s/old" }).did, []);
    });
  });

  describeWith(CONTAINERD.one)(`${shell.join(" ")}: apply without an owner, as at boot`, function () {
    this.timeout(60_000);
    let host: Host;
    beforeEach(() => {
      host = new Host(shell);
      host.containerd(CONTAINERD.one, CONFIG);
    });
    afterEach(() => {
      fs.rmSync(host.dir, { recursive: true });
    });
    const owner = "project/stack/node";
    const owned = (): string =>
      /^owner (.*)$/m.exec(fs.readFileSync(path.join(host.dir, "home/state"), "utf8"))?.[1] ?? "";

    it("is adopted by a stack without a change, and does nothing at the next boot", () => {
      assert.equal(host.done("apply", { node: undefined }).status, "changed");
      const adopted = host.done("apply", { owner });
      assert.deepEqual([adopted.status, adopted.changed, adopted.restarted], ["unchanged", [], []]);
      const boot = host.run("apply", { node: undefined });
      assert.match(boot.stderr, /nothing to do/);
      assert.deepEqual([boot.status, boot.did, owned()], [0, [], owner]);
      assert.equal(host.done("restore", { owner }).status, "changed");
    });

    it("heals what came undone on a node that a stack manages by now, and leaves it to the stack", () => {
      host.done("apply", { owner });
      fs.writeFileSync(path.join(host.dir, "root/containerd/config.toml"), CONFIG);
      assert.equal(host.done("apply", { node: undefined }).status, "changed");
      assert.equal(owned(), owner);
    });

    it("leaves a node to a stack that has it on another image by now", () => {
      const other = "registry.example.org:5000/pause:2";
      host.done("apply", { owner, image: other });
      fs.appendFileSync(path.join(host.dir, "root/containerd/config.toml"), "# a person\n");
      const boot = host.run("apply", { node: undefined });
      assert.match(boot.stderr, new RegExp(`left as it is: '${owner}' manages this node, with image ${other}`));
      assert.deepEqual([boot.status, boot.did, owned()], [0, [], owner]);
      assert.match(boot.stdout, /"status":"unchanged"/);
    });
  });
}
