import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { joinedScript } from "../../node/pack";
import { shells } from "./script";

interface Row {
  kind: string;
  /** Units that are active on it. */
  units?: string[];
  /** ID in os-release. @default debian */
  id?: string;
  /** Where the message sends people. */
  place: RegExp;
}

const rows: Row[] = [
  { kind: "k3s", units: ["k3s"], place: /pause-image in \/etc\/rancher\/k3s\/config\.yaml$/ },
  { kind: "k3s-agent", units: ["k3s-agent", "ssh"], place: /pause-image in \/etc\/rancher\/k3s\/config\.yaml$/ },
  { kind: "rke2-server", units: ["rke2-server"], place: /pause-image in \/etc\/rancher\/rke2\/config\.yaml$/ },
  { kind: "rke2-agent", units: ["rke2-agent"], place: /pause-image in \/etc\/rancher\/rke2\/config\.yaml$/ },
  { kind: "k0scontroller", units: ["k0scontroller"], place: /spec\.images\.pause/ },
  { kind: "k0sworker", units: ["k0sworker"], place: /spec\.images\.pause/ },
  {
    kind: "snap.microk8s.daemon-containerd",
    units: ["snap.microk8s.daemon-containerd", "snap.microk8s.daemon-kubelite"],
    place: /\/var\/snap\/microk8s\/current\/args\/containerd-template\.toml$/,
  },
  { kind: "crio", units: ["crio"], place: /pause_image in \/etc\/crio\/crio\.conf\.d$/ },
  { kind: "cri-docker", units: ["containerd", "cri-docker"], place: /--pod-infra-container-image of cri-dockerd/ },
  { kind: "talos", id: "talos", place: /machine\.files in the machine config/ },
  { kind: "bottlerocket", id: '"bottlerocket"', place: /settings\.kubernetes\.pod-infra-container-image/ },
];

function look({ units = [], id = "debian" }: Pick<Row, "units" | "id">, shell: readonly string[]) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-kinds-"));
  fs.writeFileSync(path.join(dir, "script.sh"), joinedScript({ run: false }));
  fs.writeFileSync(path.join(dir, "os-release"), `NAME="A node"\nID=${id}\nVERSION_ID=1\n`);
  const [program = "sh", ...args] = shell;
  const run = spawnSync(program, [...args, path.join(__dirname, "kinds.sh"), dir, ...units], { encoding: "utf8" });
  fs.rmSync(dir, { recursive: true });
  return run;
}

describe("kinds of nodes that keep the sandbox image elsewhere", () => {
  for (const shell of shells) {
    for (const row of rows) {
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

    it(`${shell.join(" ")}: a node of none of these kinds is not`, () => {
      const { status, stdout, stderr } = look({ units: ["containerd", "kubelet"], id: "ubuntu" }, shell);
      assert.deepEqual([status, stdout, stderr], [0, "not refused\n", ""]);
    });
  }
});
