import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { type NodeSettings } from "../../components/node/nodeSettings";
import { Host } from "./host";
import { shells, wanted as image } from "./script";
import { builtBefore, itWith } from "./toolchain";
import { CONTAINERD } from "../../lab/toolchain/versions";

interface Node {
  what: string;
  /** Versions of containerd that it needs. */
  containerd: string[];
  set(host: Host): void;
  settings?: Partial<NodeSettings>;
  /** Paths below the node's root. */
  changed: string[];
  restarted: string[];
  before: string;
}

const registry = image.split("/")[0] ?? "";
const config = "--config @DIR@/root/config.yaml --private-registry @DIR@/root/registries.yaml --data-dir=@DIR@/data";
const caPem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const login = { username: "robot", password: "hunter2" };

const nodes: Node[] = [
  {
    what: "containerd 1.7, its main file",
    containerd: [CONTAINERD.one],
    set: (host) => {
      host.containerd(
        CONTAINERD.one,
        'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "registry.k8s.io/pause:3.8"\n' +
          '  [plugins."io.containerd.grpc.v1.cri".registry]\n    config_path = "@DIR@/root/certs.d"\n',
      );
    },
    settings: { login, ca: caPem },
    changed: [
      `certs.d/${registry}/hosts.toml`,
      `certs.d/${registry}/pause-sandbox-ca.crt`,
      "containerd/config.toml",
      "kubelet/kubeadm-flags.env",
    ],
    restarted: ["containerd", "kubelet"],
    before: "registry.k8s.io/pause:3.8",
  },
  {
    what: "containerd 2, a drop-in of ours",
    containerd: [CONTAINERD.newest],
    set: (host) => {
      host.containerd(CONTAINERD.newest, 'version = 3\nimports = ["@DIR@/root/containerd/conf.d/*.toml"]\n', "1.35.1");
    },
    changed: ["containerd/conf.d/zz-pause-sandbox.toml"],
    restarted: ["containerd"],
    before: "registry.k8s.io/pause:3.10.2",
  },
  {
    what: "k3s with a login",
    containerd: [],
    set: (host) => {
      host.unit("k3s", config, "k3s version v1.33.4+k3s1 (abc)");
      host.write("root/config.yaml", "node-label:\n  - a=b\n");
      host.write(
        "data/agent/etc/containerd/config.toml",
        'version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\nsandbox = "a.b/c:1"\n',
      );
      host.write("running", "a.b/c:1");
    },
    settings: { login },
    changed: ["config.yaml.d/zz-pause-sandbox.yaml", "registries.yaml"],
    restarted: ["k3s"],
    before: "a.b/c:1",
  },
  {
    what: "cri-dockerd",
    containerd: [],
    set: (host) => {
      host.unit("cri-docker", "", "cri-dockerd 0.3.17 (abc)");
      host.write("cri-docker.argv", "cri-dockerd\n--pod-infra-container-image=a.b/c:2\n");
      host.write("running", "a.b/c:2");
    },
    changed: ["cri-docker.service.d/zz-pause-sandbox.conf"],
    restarted: ["cri-docker"],
    before: "a.b/c:2",
  },
];

/** What a plan keeps while it runs is in memory; all of it goes. */
const scratch = ({ memory = "" }: Host): string[] => fs.readdirSync(memory);

for (const shell of shells) {
  describe(`${shell.join(" ")}: plan`, function () {
    this.timeout(60_000);
    builtBefore(CONTAINERD.one, CONTAINERD.newest);
    let host: Host;
    beforeEach(() => {
      host = new Host(shell);
      host.memory = fs.mkdtempSync("/dev/shm/pause-sandbox-host-");
    });
    afterEach(() => {
      fs.rmSync(host.memory ?? "", { recursive: true });
      fs.rmSync(host.dir, { recursive: true });
    });

    for (const node of nodes) {
      itWith(...node.containerd)(`says what apply then does, and writes nothing: ${node.what}`, () => {
        node.set(host);
        host.hasImage();
        const { settings } = node;
        const before = host.files(".");
        const plan = host.run("plan", settings);
        assert.equal(plan.status, 0, plan.stderr);
        assert.deepEqual(host.files("."), before);
        assert.deepEqual([plan.did, scratch(host)], [[], []]);
        assert.match(
          plan.stderr,
          node.what === "cri-dockerd"
            ? /whether the registry has .* is unknown: cri-dockerd cannot ask without a pull/
            : /the registry has .*: ctr asked for its manifest with .*, and nothing was pulled/,
        );
        const said = JSON.parse(plan.stdout) as Record<string, unknown>;
        const changed = node.changed.map((file) => path.join(host.dir, "root", file));
        assert.deepEqual(
          [said.status, said.image, said.previousImage, said.changed, said.restarted],
          ["would-change", image, node.before, changed, node.restarted],
        );
        for (const file of changed) assert.match(plan.stderr, new RegExp(`would (create|change) ${file}$`, "m"));
        assert.match(plan.stderr, /^\+.*pause:1\.0\.0/m, "a diff for people");

        const { did, ...done } = host.done("apply", settings);
        assert.notDeepEqual(did, []);
        assert.deepEqual({ ...said, status: "changed" }, done);
        const after = host.files(".");
        const again = JSON.parse(host.run("plan", settings).stdout) as Record<string, unknown>;
        assert.deepEqual(
          [again.status, again.previousImage, again.changed, again.restarted],
          ["unchanged", node.before, [], []],
        );
        assert.deepEqual(host.files("."), after);
      });

      itWith(...node.containerd)(`shows no login: ${node.what}`, () => {
        node.set(host);
        const { stdout, stderr } = host.run("plan", node.settings);
        assert.doesNotMatch(stdout + stderr, /hunter2|cm9ib3Q6aHVudGVyMg|robot|Basic/);
        if (node.settings?.login) assert.match(stderr, /^\+\(not shown: it may hold a login\)$/m);
      });
    }

    itWith(CONTAINERD.one)("shows no login of others that stands beside what changes", () => {
      const auth =
        '[plugins."io.containerd.grpc.v1.cri".registry.configs."x".auth]\n  username = "me"\n  password = "p4ss"\n';
      host.containerd(CONTAINERD.one, `version = 2\n${auth}`);
      const { status, stderr } = host.run("plan");
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stderr, /p4ss/);
    });

    it("reports what the next run would undo of a killed one, and leaves it", () => {
      nodes[3]?.set(host);
      host.write("home/journal/files", `${host.dir}/root/a b"c\n`);
      host.write("home/journal/restart-cri-docker", "");
      const before = host.files(".");
      const run = host.run("plan");
      assert.equal(run.status, 0, run.stderr);
      const said = JSON.parse(run.stdout) as Record<string, unknown>;
      assert.deepEqual(
        [said.status, said.changed, said.restarted],
        ["would-change", [`${host.dir}/root/a b"c`], ["cri-docker"]],
      );
      assert.match(run.stderr, /an earlier run was killed: the next run undoes/);
      assert.deepEqual(host.files("."), before);
    });

    it("plans on what a run had committed that was killed while it cleared up", () => {
      nodes[3]?.set(host);
      host.done("apply");
      fs.mkdirSync(path.join(host.dir, "home/commit"));
      fs.renameSync(path.join(host.dir, "home/state"), path.join(host.dir, "home/commit/state"));
      const before = host.files(".");
      const said = JSON.parse(host.run("plan").stdout) as Record<string, unknown>;
      assert.deepEqual([said.status, said.changed], ["unchanged", []]);
      assert.deepEqual(host.files("."), before);
    });

    it("counts a pull as a change: of an image that was collected, and of one with other bytes", () => {
      nodes[3]?.set(host);
      host.done("apply");
      const planned = () => {
        const { stdout, stderr } = host.run("plan");
        return { said: JSON.parse(stdout) as Record<string, unknown>, stderr };
      };
      host.hasImage(`sha256:${"b".repeat(64)}`);
      const moved = planned();
      assert.deepEqual([moved.said.status, moved.said.changed, moved.said.restarted], ["would-change", [], []]);
      assert.match(moved.stderr, /would pull .* again: this node has sha256:b+, and the settings ask for sha256:a+/);
      host.write("images", "");
      const collected = planned();
      assert.deepEqual([collected.said.status, collected.said.digest], ["would-change", ""]);
      assert.match(collected.stderr, /would pull .*: it is not on this node/);
    });

    it("is refused as apply is, with the node untouched", () => {
      host.unit("docker", "", "Docker version 20.10.24");
      const before = host.files(".");
      const run = host.run("plan");
      assert.deepEqual([run.status, run.stdout], [3, ""]);
      assert.match(run.stderr, /PS-N005/);
      assert.deepEqual([host.files("."), scratch(host)], [before, []]);
    });

    it("does without diff, and says so", () => {
      nodes[3]?.set(host);
      host.write(
        "script.sh",
        `${host.read("script.sh")}\ndifferences_on=1\ncommand() { [ "$2" != diff ] && type "$2" >/dev/null 2>&1; }\n`,
      );
      const run = host.run("plan");
      assert.equal(run.status, 0, run.stderr);
      assert.match(run.stderr, /diff is not on PATH/);
    });

    for (const verb of ["apply", "plan"] as const) {
      it(`leaves another run's journal alone when its settings are refused: ${verb}`, () => {
        nodes[3]?.set(host);
        host.write("home/journal/files", `${host.dir}/root/victim\n`);
        host.write("root/victim", "a\n");
        const before = host.files(".");
        assert.equal(host.run(verb, { image: "nonsense" }).status, 2);
        assert.deepEqual(host.files("."), before);
      });
    }
  });
}
