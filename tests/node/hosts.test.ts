/**
 * The runtimes that no published module builds, on nodes that are made up: their own programs are not there, so that what
 * they make of their files is this test's word. Real nodes are in the suite `nodes`.
 */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { parse } from "yaml";

import { type NodeReport, type NodeSettings, parseReport, settingsText } from "../../components/node/nodeScript";
import { joinedScript } from "../../node/pack";
import { type Run, shells, wanted as image } from "./script";

const digest = `sha256:${"a".repeat(64)}`;
const caPem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const registry = image.split("/")[0] ?? "";

class Host {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-host-"));

  constructor(private readonly shell: readonly string[]) {
    this.write("script.sh", joinedScript({ run: false }));
    this.write("os-release", "ID=debian\n");
    this.write("units", "");
    this.write("did", "");
    fs.mkdirSync(path.join(this.dir, "root"));
  }

  write(name: string, content: string, mode = 0o644): string {
    const file = path.join(this.dir, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content.replaceAll("@DIR@", this.dir), { mode });
    return file;
  }

  /** A unit that is active, and whose program answers `--version`. */
  unit(name: string, args: string, version: string, more = ""): void {
    const program = this.write(`bin-${name}`, `#!/bin/sh\necho '${version}'\n`, 0o755);
    const line = `${program} ${args}`.replaceAll("@DIR@", this.dir);
    this.write(`${name}.show`, `ExecStart={ path=${program} ; argv[]=${line} ; }\nLoadState=loaded\n${more}`);
    this.write(`${name}.cat`, `# /lib/systemd/system/${name}.service\n[Service]\nExecStart=${line}\n`);
    fs.appendFileSync(path.join(this.dir, "units"), `${name}\n`);
  }

  run(verb: "apply" | "restore", settings: Partial<NodeSettings> = {}): Run & { did: string[] } {
    const [program = "sh", ...args] = this.shell;
    fs.writeFileSync(path.join(this.dir, "did"), "");
    const input = settingsText({ node: "n", image, digest, ...settings });
    const script = path.join(__dirname, "host.sh");
    const run = spawnSync(program, [...args, script, this.dir, verb], { encoding: "utf8", input });
    return { ...run, did: this.read("did").split("\n").filter(Boolean) };
  }

  done(verb: "apply" | "restore", settings: Partial<NodeSettings> = {}): NodeReport & { did: string[] } {
    const run = this.run(verb, settings);
    assert.equal(run.status, 0, run.stderr);
    return { ...parseReport(run.stdout), did: run.did };
  }

  read(name: string): string {
    return fs.readFileSync(path.join(this.dir, name), "utf8");
  }

  /** Every file of the node's, with mode and content. */
  files(): Record<string, string> {
    const root = path.join(this.dir, "root");
    const names = fs.readdirSync(root, { recursive: true, encoding: "utf8" });
    return Object.fromEntries(
      names.sort().map((name) => {
        const { mode } = fs.statSync(path.join(root, name));
        return [
          name,
          fs.statSync(path.join(root, name)).isDirectory() ? "/" : `${mode.toString(8)} ${this.read(`root/${name}`)}`,
        ];
      }),
    );
  }
}

for (const shell of shells) {
  describe(`${shell.join(" ")}: a node that is made up`, function () {
    this.timeout(30_000);
    let host: Host;
    beforeEach(() => {
      host = new Host(shell);
    });
    afterEach(() => {
      fs.rmSync(host.dir, { recursive: true });
    });

    for (const [unit, name] of [
      ["k3s", "k3s"],
      ["rke2-agent", "rke2"],
    ] as const) {
      describe(`of ${unit}`, () => {
        beforeEach(() => {
          const config = "--config @DIR@/root/config.yaml --private-registry @DIR@/root/registries.yaml";
          host.unit(unit, `${config} --data-dir=@DIR@/data`, `${name} version v1.33.4+${name}1 (abc)`);
          host.write("root/config.yaml", "node-label:\n  - a=b\n");
          host.write("data/agent/etc/containerd/config.toml", "version = 3\n");
          host.write("running", "rancher/mirrored-pause:3.6");
        });

        it("gets a file of our own, is restarted once, and is given back", () => {
          const before = host.files();
          const report = host.done("apply");
          assert.deepEqual(
            [report.runtime, report.runtimeVersion, report.image, report.restarted],
            [name, `1.33.4+${name}1`, image, [unit]],
          );
          assert.deepEqual(parse(host.read("root/config.yaml.d/zz-pause-sandbox.yaml")), { "pause-image": image });
          const again = host.done("apply");
          assert.deepEqual([again.status, again.did], ["unchanged", []]);
          const back = host.done("restore");
          assert.deepEqual([back.image, back.did], ["rancher/mirrored-pause:3.6", [`restart ${unit}`]]);
          assert.deepEqual(host.files(), before);
        });

        it("learns of CA, mirrors and login in registries.yaml, after the image was pulled with them", () => {
          const before = host.files();
          const settings = { caPem, mirrors: ["https://m.example.com"], login: { username: "u", password: "p" } };
          const { did } = host.done("apply", settings);
          assert.equal(did[0], `ctr pull ${image} by "https://m.example.com" "https://${registry}" `);
          const ca = path.join(host.dir, "root/pause-sandbox-ca.crt");
          const tls = { ca_file: ca };
          assert.deepEqual(parse(host.read("root/registries.yaml")), {
            mirrors: { [registry]: { endpoint: ["https://m.example.com", `https://${registry}`] } },
            configs: { "m.example.com": { tls }, [registry]: { tls, auth: { auth: "dTpw" } } },
          });
          const registries = path.join(host.dir, "root/registries.yaml");
          const mode = () => fs.statSync(registries).mode & 0o777;
          assert.equal(mode(), 0o600);
          assert.equal(host.read("root/pause-sandbox-ca.crt"), caPem);
          fs.chmodSync(registries, 0o644);
          assert.deepEqual(host.done("apply", settings).changed, [registries]);
          assert.equal(mode(), 0o600, "somebody had let others read the login");
          host.done("restore", settings);
          assert.deepEqual(host.files(), before);
        });

        it("is refused where registries.yaml is somebody else's", () => {
          host.write("root/registries.yaml", "mirrors: {}\n");
          const before = host.files();
          const run = host.run("apply", { caPem });
          assert.deepEqual([run.status, run.did], [3, []], run.stderr);
          assert.match(run.stderr, /PS-N022 .*registries\.yaml is there already.*leave ca, mirrors/);
          assert.deepEqual(host.files(), before);
          assert.equal(host.done("apply").image, image, "without trust nothing is in the way");
        });

        it("is as before when another file has the last word", () => {
          host.write("root/config.yaml.d/zzz.yaml", "pause-image: other.example.com/pause:1\n");
          const before = host.files();
          const run = host.run("apply");
          assert.equal(run.status, 4, run.stderr);
          assert.match(run.stderr, /PS-N014 .*it reads other\.example\.com\/pause:1/);
          assert.deepEqual(run.did, [`pull ${image}`, `restart ${unit}`, `restart ${unit}`]);
          assert.deepEqual(host.files(), before);
        });

        it("keeps what somebody added to our file", () => {
          host.done("apply");
          fs.appendFileSync(path.join(host.dir, "root/config.yaml.d/zz-pause-sandbox.yaml"), "debug: true\n");
          host.done("restore");
          assert.equal(host.read("root/config.yaml.d/zz-pause-sandbox.yaml"), "debug: true\n");
        });
      });
    }

    describe("of cri-dockerd", () => {
      beforeEach(() => {
        host.unit("cri-docker", "--container-runtime-endpoint fd://", "cri-dockerd 0.3.17 (abc)");
        host.write("running", "");
      });

      it("gets a drop-in with the flag, is restarted once, and is given back", () => {
        const before = host.files();
        const report = host.done("apply", { caPem });
        assert.deepEqual(
          [report.runtime, report.runtimeVersion, report.restarted],
          ["cri-dockerd", "0.3.17", ["cri-docker"]],
        );
        const line = `${host.dir}/bin-cri-docker --container-runtime-endpoint fd://`;
        assert.equal(
          host.read("root/cri-docker.service.d/zz-pause-sandbox.conf"),
          `[Service]\nExecStart=\nExecStart=${line} --pod-infra-container-image=${image}\n`,
        );
        assert.equal(host.read(`root/certs.d/${registry}/ca.crt`), caPem);
        assert.deepEqual(report.did, [`pull ${image}`, "restart cri-docker", `pull ${image}`]);
        const again = host.done("apply", { caPem });
        assert.deepEqual([again.status, again.did], ["unchanged", []]);
        host.done("restore", { caPem });
        assert.deepEqual(host.files(), before);
      });

      const refused: [string, Partial<NodeSettings>, RegExp][] = [
        ["mirrors", { mirrors: ["https://m.example.com"] }, /registry-mirrors/],
        ["plain HTTP", { plainHttp: true }, /insecure-registries/],
        ["a login", { login: { username: "u", password: "p" } }, /\/var\/lib\/kubelet\/config\.json/],
      ];
      for (const [what, settings, place] of refused) {
        it(`refuses ${what} with the place where docker keeps it`, () => {
          const run = host.run("apply", settings);
          assert.deepEqual([run.status, run.did, host.files()], [3, [], {}], run.stderr);
          assert.match(run.stderr, /PS-N022 docker pulls for cri-dockerd/);
          assert.match(run.stderr, place);
        });
      }
    });

    describe("of the dockershim", () => {
      it("has its image in the kubelet's flag, which is restarted before a sandbox is tried", () => {
        const env = host.write(
          "root/kubelet/kubeadm-flags.env",
          'KUBELET_KUBEADM_ARGS="--pod-infra-container-image=k8s.gcr.io/pause:3.5"\n',
        );
        host.unit("docker", "-H fd://", "Docker version 20.10.24");
        host.unit(
          "kubelet",
          "$KUBELET_KUBEADM_ARGS",
          "Kubernetes v1.23.17",
          `EnvironmentFiles=${env} (ignore_errors=yes)\n`,
        );
        host.write("running", "k8s.gcr.io/pause:3.5");
        const before = host.files();
        const report = host.done("apply");
        assert.deepEqual(
          [report.runtime, report.previousImage, report.restarted, report.did],
          ["dockershim", "k8s.gcr.io/pause:3.5", ["kubelet"], [`pull ${image}`, "restart kubelet", `pull ${image}`]],
        );
        assert.equal(
          host.read("root/kubelet/kubeadm-flags.env"),
          `KUBELET_KUBEADM_ARGS="--pod-infra-container-image=${image}"\n`,
        );
        host.done("restore");
        assert.deepEqual(host.files(), before);
        assert.match(host.run("apply", { kubeletFlag: false }).stderr, /PS-N022 .*kubeletFlag/);
        assert.deepEqual(host.files(), before);
      });
    });
  });
}
