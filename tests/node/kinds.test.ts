import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { shells } from "./script";
import { joinedScript } from "../../components/node/program";

interface Node {
  /** Units that are active on it; they are loaded as well. */
  units?: string[];
  /** Units that are loaded only. */
  loaded?: string[];
  /** ID in os-release. @default debian */
  id?: string;
  /** Version of the kubelet. @default none is installed */
  kubelet?: string;
  /** Arguments in the kubelet's environment file. */
  flags?: string;
  /** Files of the kubelet's, by their names in its directory; `@DIR@` in arguments is that directory. */
  files?: Record<string, string>;
  /** Command line of a kubelet that no kubelet.service has, one word per line. */
  process?: string;
  /** What the runtime that was found listens on. @default it is not compared */
  socket?: string;
}

function look(node: Node, shell: readonly string[]) {
  const { units = [], loaded = [], id = "debian", kubelet, flags = "" } = node;
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-kinds-"));
  const write = (name: string, content: string, mode = 0o644): string => {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), content, { mode });
    return path.join(dir, name);
  };
  write("script.sh", joinedScript({ run: false }));
  write("os-release", `NAME="A node"\nID=${id}\nVERSION_ID=1\n`);
  for (const unit of [...units, ...loaded])
    write(`${unit}.show`, `ExecStart={ path=/usr/bin/${unit} ; }\nLoadState=loaded\n`);
  if (kubelet !== undefined) {
    const program = write("kubelet", `#!/bin/sh\necho "Kubernetes v${kubelet}"\n`, 0o755);
    const env = write("kubeadm-flags.env", `KUBELET_KUBEADM_ARGS="${flags.replaceAll("@DIR@", dir)}"\n`);
    write("kubelet.cat", `ExecStart=${program} $KUBELET_KUBEADM_ARGS\n`);
    const show = `ExecStart={ path=${program} ; argv[]=${program} ; }\nEnvironmentFiles=${env} (ignore_errors=yes)\n`;
    write("kubelet.show", `${show}LoadState=loaded\n`);
  }
  for (const [name, content] of Object.entries(node.files ?? {})) write(name, content);
  if (node.socket !== undefined) write("socket", node.socket);
  if (node.process !== undefined) {
    write("proc/77/comm", "kubelet\n");
    write("proc/77/cmdline", node.process.replaceAll("\n", "\0"));
  }
  const [program = "sh", ...args] = shell;
  const run = spawnSync(program, [...args, path.join(__dirname, "kinds.sh"), dir, ...units], { encoding: "utf8" });
  fs.rmSync(dir, { recursive: true });
  return run;
}

const refused: (Node & { kind: string; place: RegExp })[] = [
  { kind: "k0scontroller", units: ["k0scontroller"], place: /spec\.images\.pause/ },
  { kind: "k0sworker", units: ["k0sworker"], place: /spec\.images\.pause/ },
  {
    kind: "snap.microk8s.daemon-containerd",
    units: ["snap.microk8s.daemon-containerd", "snap.microk8s.daemon-kubelite"],
    place: /\/var\/snap\/microk8s\/current\/args\/containerd-template\.toml$/,
  },
  { kind: "talos", id: "talos", place: /machine\.files in the machine config/ },
  { kind: "bottlerocket", id: '"bottlerocket"', place: /settings\.kubernetes\.pod-infra-container-image/ },
];

describe("kinds of nodes that keep the sandbox image elsewhere", () => {
  for (const shell of shells) {
    for (const row of refused) {
      it(`${shell.join(" ")}: ${row.kind} is refused with the place`, () => {
        const { status, stdout, stderr } = look(row, shell);
        assert.deepEqual([status, stdout], [3, ""], stderr);
        const [, kind = "", place = ""] =
          /^\[node\] PS-N006 (\S+) runs this node, .*: set it yourself, (.*), see docs\/errors\/PS-N006\.md\n$/.exec(
            stderr,
          ) ?? [];
        assert.equal(kind, row.kind, stderr);
        assert.match(place, row.place);
      });
    }
  }
});

const endpoint = (socket: string): string => `--v=2 --container-runtime-endpoint=unix://${socket}`;

const found: (Node & { what: string; runtime: string })[] = [
  { what: "containerd alone", units: ["containerd"], runtime: "containerd" },
  { what: "nothing that we know", units: ["ssh"], runtime: "containerd" },
  { what: "k3s' server", units: ["k3s"], runtime: "k3s" },
  { what: "RKE2's agent", units: ["rke2-agent", "ssh"], runtime: "k3s" },
  { what: "CRI-O beside a containerd that docker needs", units: ["crio", "containerd"], runtime: "crio" },
  { what: "cri-dockerd", units: ["containerd", "docker", "cri-docker"], runtime: "cri_dockerd" },
  {
    what: "CRI-O installed, and a kubelet that speaks to containerd",
    units: ["crio", "containerd"],
    kubelet: "1.34.2",
    flags: endpoint("/run/containerd/containerd.sock"),
    runtime: "containerd",
  },
  {
    what: "containerd installed, and a kubelet that speaks to CRI-O",
    units: ["containerd"],
    loaded: ["crio"],
    kubelet: "1.34.2",
    flags: endpoint("/var/run/crio/crio.sock"),
    runtime: "crio",
  },
  {
    what: "a kubelet that speaks to cri-dockerd",
    units: ["containerd", "docker", "cri-docker"],
    kubelet: "1.30.1",
    flags: endpoint("/run/cri-dockerd.sock"),
    runtime: "cri_dockerd",
  },
  {
    what: "the dockershim, inside a kubelet of its time",
    units: ["containerd", "docker"],
    kubelet: "1.23.17",
    runtime: "dockershim",
  },
  {
    what: "docker beside a kubelet of the dockershim's time that speaks to containerd",
    units: ["containerd", "docker"],
    kubelet: "1.23.17",
    flags: `--container-runtime=remote ${endpoint("/run/containerd/containerd.sock")}`,
    runtime: "containerd",
  },
  { what: "docker beside a newer kubelet", units: ["containerd", "docker"], kubelet: "1.24.0", runtime: "containerd" },
];

const containerdSocket = "/run/containerd/containerd.sock";
const config = (socket: string): string => `kind: KubeletConfiguration\ncontainerRuntimeEndpoint: unix://${socket}\n`;
const json = (socket: string): string => JSON.stringify({ containerRuntimeEndpoint: `unix://${socket}` });
const both = { units: ["crio", "containerd"], kubelet: "1.34.2" };

/** The kubelet's endpoint, from wherever it has it, is what the runtime listens on, or the run is refused. */
const sockets: (Node & { what: string; runtime?: string; says?: RegExp })[] = [
  { what: "no endpoint beside CRI-O (80)", ...both, socket: containerdSocket, runtime: "containerd" },
  {
    what: "no endpoint in a configuration that is there, beside CRI-O",
    ...{ ...both, flags: "--config=@DIR@/config.yaml", files: { "config.yaml": "kind: KubeletConfiguration\n" } },
    ...{ socket: containerdSocket, runtime: "containerd" },
  },
  {
    what: "a configuration that nobody has written yet: the unit that is there",
    ...{ ...both, flags: "--config=@DIR@/config.yaml", socket: "/run/crio/crio.sock", runtime: "crio" },
  },
  {
    what: "the link in /var/run",
    ...{ ...both, flags: endpoint("/var/run/crio/crio.sock"), socket: "/run/crio/crio.sock", runtime: "crio" },
  },
  {
    what: "another socket of the same program (52)",
    ...{ units: ["containerd"], process: `kubelet\n${endpoint("/run/k8s/containerd/containerd.sock").slice(6)}\n` },
    ...{ socket: containerdSocket, says: /process 77\) speaks to unix:\/\/\/run\/k8s\/.*containerd listens on/ },
  },
  {
    what: "its own socket, of a kubelet that no kubelet.service has (43)",
    ...{ units: ["containerd"], process: `kubelet\n${endpoint(containerdSocket).slice(6)}\n` },
    ...{ socket: containerdSocket, runtime: "containerd" },
  },
  {
    what: "cri-dockerd, of a kubelet that no kubelet.service has (51)",
    ...{ units: ["containerd"], process: "kubelet\n--container-runtime-endpoint\nunix:///var/run/cri-dockerd.sock\n" },
    ...{ socket: "/run/cri-dockerd.sock", runtime: "cri_dockerd" },
  },
  {
    what: "a drop-in of --config-dir (64), the last of two",
    ...{ units: ["containerd"], kubelet: "1.34.2" },
    flags: "--config @DIR@/config.json --config-dir=@DIR@/conf.d",
    files: {
      "config.json": json(containerdSocket),
      "conf.d/40-site.conf": json(containerdSocket),
      "conf.d/50-site.conf": config("/run/site/containerd.sock"),
      "conf.d/60-site.yaml": json(containerdSocket),
    },
    ...{ socket: containerdSocket, says: /PS-N005 the kubelet speaks to unix:\/\/\/run\/site\/containerd\.sock/ },
  },
  {
    what: "a path without its scheme",
    ...{
      units: ["containerd"],
      kubelet: "1.34.2",
      flags: "--container-runtime-endpoint /run/containerd/containerd.sock",
    },
    ...{ socket: containerdSocket, runtime: "containerd" },
  },
  {
    what: "one that no runtime of ours has (39)",
    ...{ units: ["containerd"], kubelet: "1.34.2", flags: endpoint("/var/run/isulad.sock"), says: /PS-N005 .*isulad/ },
  },
];

describe("a kubelet behind a script (70)", () => {
  for (const shell of shells) {
    for (const kubelet of ["1.34.2", "1.35.1"]) {
      it(`${shell.join(" ")}: is refused, and the script is not started by a look: ${kubelet}`, () => {
        const { status, stdout, stderr } = look({ ...both, kubelet, files: { "real-programs": "" } }, shell);
        assert.deepEqual([status, stdout], [3, ""], stderr);
        assert.match(stderr, /PS-N023 kubelet\.service runs \S+\/kubelet, which is not a kubelet/);
      });
    }
  }
});

describe("the runtime that a node's kubelet speaks to", () => {
  for (const shell of shells) {
    for (const row of sockets) {
      it(`${shell.join(" ")}: ${row.what}`, () => {
        const { status, stdout, stderr } = look(row, shell);
        assert.deepEqual([status, stdout], row.says ? [3, ""] : [0, `${row.runtime}\n`], stderr);
        if (row.says) assert.match(stderr, row.says);
      });
    }
  }

  for (const shell of shells) {
    for (const row of found) {
      it(`${shell.join(" ")}: ${row.what}`, () => {
        const { status, stdout, stderr } = look(row, shell);
        assert.deepEqual([status, stdout, stderr], [0, `${row.runtime}\n`, ""]);
      });
    }
  }
});
