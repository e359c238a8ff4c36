/**
 * The runtimes that no published module builds, on simulated nodes: their own programs are not there, so that what
 * they make of their files is this test's word. Real nodes are in the suite `nodes`.
 */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { parse } from "yaml";

import { type NodeSettings } from "../../components/node/nodeSettings";
import { digest, Host } from "./host";
import { shells, wanted as image } from "./script";

const caPem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const registry = image.split("/")[0] ?? "";
/** What is pulled, and then given the name. */
const bytes = `${image.split(":").slice(0, -1).join(":")}@${digest}`;

for (const shell of shells) {
  describe(`${shell.join(" ")}: a simulated node`, function () {
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
          const settings = { ca: caPem, mirrors: ["https://m.example.com"], login: { username: "u", password: "p" } };
          const { did } = host.done("apply", settings);
          assert.equal(did[0], `ctr pull ${bytes} by "https://m.example.com" "https://${registry}" `);
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

        it("has no login any more after a restore, whatever was edited since (M9)", () => {
          host.done("apply", { login: { username: "u", password: "p" } });
          fs.appendFileSync(path.join(host.dir, "root/registries.yaml"), "# mine\n");
          host.done("restore");
          assert.doesNotMatch(host.read("root/registries.yaml"), /auth|dTpw/);
          assert.match(host.read("root/registries.yaml"), /# mine/);
        });

        it("is refused where registries.yaml is somebody else's", () => {
          host.write("root/registries.yaml", "mirrors: {}\n");
          const before = host.files();
          const run = host.run("apply", { ca: caPem });
          assert.deepEqual([run.status, run.did], [3, []], run.stderr);
          assert.match(run.stderr, /PS-N022 .*registries\.yaml exists already.*leave ca, mirrors/);
          assert.deepEqual(host.files(), before);
          assert.equal(host.done("apply").image, image, "without trust nothing is in the way");
        });

        it("is as before when another file has the last word", () => {
          host.write("root/config.yaml.d/zzz.yaml", "pause-image: other.example.com/pause:1\n");
          const before = host.files();
          const run = host.run("apply");
          assert.equal(run.status, 4, run.stderr);
          assert.match(run.stderr, /PS-N014 .*it reads other\.example\.com\/pause:1/);
          assert.deepEqual(run.did, [
            `pull ${bytes}`,
            `ctr tag ${bytes} ${image}`,
            `restart ${unit}`,
            `restart ${unit}`,
          ]);
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
        const report = host.done("apply", { ca: caPem });
        assert.deepEqual(
          [report.runtime, report.runtimeVersion, report.restarted],
          ["cri-dockerd", "0.3.17", ["cri-docker"]],
        );
        const line = `${host.dir}/bin-cri-docker --container-runtime-endpoint fd://`;
        assert.equal(
          host.read("root/cri-docker.service.d/zz-pause-sandbox.conf"),
          `[Service]\nExecStart=\nExecStart=${line} --pod-infra-container-image=${image}\n`,
        );
        assert.equal(host.read(`root/certs.d/${registry}/pause-sandbox-ca.crt`), caPem);
        assert.deepEqual(report.did, [`pull ${bytes}`, `docker tag ${bytes} ${image}`, "restart cri-docker"]);
        const again = host.done("apply", { ca: caPem });
        assert.deepEqual([again.status, again.did], ["unchanged", []]);
        host.done("restore", { ca: caPem });
        assert.deepEqual(host.files(), before);
      });

      for (const name of ["docker.io/acme/pause:1", "docker.io/library/pause:1"]) {
        it(`knows the digest of ${name} by the name that docker gives it`, () => {
          host.write("familiar", "");
          const report = host.done("apply", { image: name });
          assert.deepEqual([report.digest, report.status], [digest, "changed"]);
          assert.deepEqual(host.done("apply", { image: name }).did, []);
        });
      }

      it("tells the image before us from its own help where the flag is unset, at every later run too", () => {
        const help = '  --pod-infra-container-image string   The image (default "registry.k8s.io/pause:3.10")';
        host.unit("cri-docker", "", `cri-dockerd 0.3.17 (abc)\n${help.replaceAll("'", "")}`);
        const previous = [image, image.replace("1.0.0", "2.0.0")].map(
          (wanted) => host.done("apply", { image: wanted }).previousImage,
        );
        assert.deepEqual(previous, ["registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"]);
        const back = host.done("restore");
        assert.deepEqual(
          [back.image, back.previousImage],
          ["registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"],
        );
      });

      it("is asked for its image where the flag stands with a space", () => {
        host.write("cri-docker.argv", "cri-dockerd\n--pod-infra-container-image\na.b/pause:1\n");
        assert.equal(host.done("plan").previousImage, "a.b/pause:1");
        host.write(
          "cri-docker.argv",
          "cri-dockerd\n--pod-infra-container-image=a.b/c:1\n--pod-infra-container-image=a.b/c:2\n",
        );
        assert.equal(host.done("plan").previousImage, "a.b/c:2", "the last one counts");
      });

      it("has the flag behind a variable that may hold it too, since the last one counts", () => {
        host.unit("cri-docker", "--pod-infra-container-image=a.b/c:1 $OPTIONS", "cri-dockerd 0.3.17 (abc)");
        host.done("apply");
        assert.match(
          host.read("root/cri-docker.service.d/zz-pause-sandbox.conf"),
          new RegExp(`^ExecStart=\\S* \\$OPTIONS --pod-infra-container-image=${image}$`, "m"),
        );
      });

      it("is told where a later drop-in has the last word", () => {
        const line = `${host.dir}/bin-cri-docker --pod-infra-container-image=a.b/c:2`;
        host.write("root/cri-docker.service.d/zzz.conf", `[Service]\nExecStart=\nExecStart=${line}\n`);
        const run = host.run("apply");
        assert.equal(run.status, 4, run.stderr);
        assert.match(run.stderr, /PS-N014 \S*zz-pause-sandbox\.conf: cri-dockerd does not use .*; it reads a\.b\/c:2/);
      });

      it("has the start counters of its unit and its socket reset before a restart", () => {
        host.unit(
          "cri-docker",
          "",
          "cri-dockerd 0.3.17 (abc)",
          "Requires=system.slice cri-docker.socket\nTriggeredBy=cri-docker.socket\n",
        );
        host.done("apply");
        assert.deepEqual(
          [...new Set(host.read("reset").split("\n").filter(Boolean))],
          ["cri-docker", "cri-docker.socket"],
        );
      });

      it("is told an image without its platform from one that cannot be pulled, and the setting that is for it, with the node untouched", () => {
        for (const [said, code, setting] of [
          ["no matching manifest for linux/amd64 in the manifest list entries", "PS-N012"],
          ["dial tcp: connection refused", "PS-N010"],
          ["x509: certificate signed by unknown authority", "PS-N010", "trust.ca (registryCa in a stack file)"],
          [
            "unexpected status 401 Unauthorized",
            "PS-N010",
            "trust.login (pullUsername and pullPassword in a stack file)",
          ],
          [
            "http: server gave HTTP response to HTTPS client",
            "PS-N010",
            "trust.plainHttp (registryPlainHttp in a stack file)",
          ],
        ] as const) {
          host.write("pull-error", `${said}\n`);
          const run = host.run("apply");
          assert.deepEqual([run.status, run.did, host.files()], [4, [], {}], run.stderr);
          assert.match(run.stderr, new RegExp(`${code} image`));
          assert.equal(run.stderr.includes("in a stack file"), setting !== undefined, run.stderr);
          assert.ok(run.stderr.includes(setting ?? ""), run.stderr);
        }
      });

      for (const [where, socket] of [
        ["fd://", "@DIR@/cri.sock"],
        ["unix:///run/own.sock", "/run/own.sock"],
      ] as const) {
        it(`is spoken to at ${socket} where its process has ${where}`, () => {
          host.write("cri-docker.argv", `cri-dockerd\n--container-runtime-endpoint\n${where}\n`);
          host.done("apply");
          assert.ok(host.read("home/state").includes(`\nsocket ${socket.replace("@DIR@", host.dir)}\n`));
        });
      }

      it("is refused as masked, and without docker's command line, before anything is touched", () => {
        const env = host.write("root/kubelet/env", "A=--container-runtime-endpoint=unix:///run/cri-dockerd.sock\n");
        host.unit("kubelet", "$A", "Kubernetes v1.34.2", `EnvironmentFiles=${env} (ignore_errors=no)\n`);
        const before = host.files();
        host.write("cri-docker.show", "LoadState=masked\n");
        assert.match(host.run("apply").stderr, /PS-N005 cri-docker\.service is masked.*systemctl unmask cri-docker/);
        host.unit("cri-docker", "", "cri-dockerd 0.3.17 (abc)");
        host.write(
          "script.sh",
          `${host.read("script.sh")}\ncommand() { [ "$2" != docker ] && builtin_command "$@"; }\nbuiltin_command() { type "$2" >/dev/null 2>&1; }\n`,
        );
        const run = host.run("apply");
        assert.deepEqual([run.status, run.did, host.files()], [3, [], before], run.stderr);
        assert.match(run.stderr, /PS-N003 docker is not on PATH/);
      });

      const refused: [string, Partial<NodeSettings>, RegExp][] = [
        ["mirrors", { mirrors: ["https://m.example.com"] }, /registry-mirrors/],
        ["plain HTTP", { plainHttp: true }, /insecure-registries/],
        ["a login", { login: { username: "u", password: "p" } }, /\/\.docker\/config\.json or \/config\.json/],
      ];
      it("pulls with a login that does not stay, and has no file with it", () => {
        const { did } = host.done("apply", { login: { username: "u", password: "p", keep: false } });
        assert.ok(
          did.some((one) => /^pull .* with the login$/.test(one)),
          did.join(),
        );
        assert.doesNotMatch(JSON.stringify(host.files(".")), /dTpw/);
      });

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
        host.write("kubelet.argv", "kubelet\n--pod-infra-container-image\nk8s.gcr.io/pause:3.5\n");
        const before = host.files();
        const report = host.done("apply");
        assert.deepEqual(
          [report.runtime, report.previousImage, report.restarted, report.did],
          [
            "dockershim",
            "k8s.gcr.io/pause:3.5",
            ["kubelet"],
            [`pull ${bytes}`, `docker tag ${bytes} ${image}`, "restart kubelet"],
          ],
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
