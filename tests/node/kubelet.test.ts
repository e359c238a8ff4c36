import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { shells } from "./script";
import { joinedScript } from "../../components/node/program";

const flag = "--pod-infra-container-image=registry.example.org/pause:1";
const kubeadm = "/var/lib/kubelet/kubeadm-flags.env";
const extra = "/etc/default/kubelet";
const dropin = "/etc/systemd/system/kubelet.service.d/20-flags.conf";
const later = "/etc/systemd/system/kubelet.service.d/zzz-site.conf";
const own = "/etc/systemd/system/kubelet.service.d/zz-pause-sandbox.conf";
const unit = "/usr/lib/systemd/system/kubelet.service";

interface Row {
  name: string;
  version: string;
  files: Record<string, string>;
  /** What `systemctl cat` prints. */
  unit?: string;
  /** The flag is not wanted although the kubelet knows it. @default false */
  off?: boolean;
  /** EnvironmentFiles of the unit. @default kubeadm's two */
  environment?: string[];
  /** Environment= of the unit, as systemd shows it. */
  variables?: string;
  /** What a refusal says. @default it is not refused */
  refused?: RegExp;
  /** Path and content of every file that is written. */
  writes: string;
}

const plain = `# ${unit}\n[Service]\nExecStart=/usr/bin/kubelet $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n`;

const rows: Row[] = [
  {
    name: "kubeadm's file, flag not set: at its end",
    version: "1.34.2",
    files: { [kubeadm]: 'KUBELET_KUBEADM_ARGS="--a=b --c=d"\n' },
    writes: `== ${kubeadm}\nKUBELET_KUBEADM_ARGS="--a=b --c=d ${flag}"\n`,
  },
  {
    name: "kubeadm's file with another value: in its place",
    version: "1.34.2",
    files: { [kubeadm]: 'KUBELET_KUBEADM_ARGS="--a=b --pod-infra-container-image=k8s.gcr.io/pause:3.5 --c=d"\n' },
    writes: `== ${kubeadm}\nKUBELET_KUBEADM_ARGS="--a=b ${flag} --c=d"\n`,
  },
  {
    name: "a value after a space, twice: once",
    version: "1.30.0",
    files: {
      [kubeadm]: "KUBELET_KUBEADM_ARGS='--pod-infra-container-image x:1 --a --pod-infra-container-image=y:2'\n",
    },
    writes: `== ${kubeadm}\nKUBELET_KUBEADM_ARGS='${flag} --a'\n`,
  },
  {
    name: "already as wanted: nothing",
    version: "1.34.2",
    files: { [kubeadm]: `KUBELET_KUBEADM_ARGS="${flag}"\n` },
    writes: "",
  },
  {
    name: "KUBELET_EXTRA_ARGS wins: set there, stripped before",
    version: "1.34.2",
    files: {
      [kubeadm]: 'KUBELET_KUBEADM_ARGS="--a --pod-infra-container-image=x:1"\n',
      [extra]:
        "# KUBELET_EXTRA_ARGS=--pod-infra-container-image=no\nKUBELET_EXTRA_ARGS=--pod-infra-container-image=y:2\n",
    },
    writes: `== ${kubeadm}\nKUBELET_KUBEADM_ARGS="--a"\n== ${extra}\n# KUBELET_EXTRA_ARGS=--pod-infra-container-image=no\nKUBELET_EXTRA_ARGS=${flag}\n`,
  },
  {
    name: "no kubeadm file: KUBELET_EXTRA_ARGS, unquoted",
    version: "1.33.0",
    files: { [extra]: "KUBELET_EXTRA_ARGS=--v=2\n" },
    writes: `== ${extra}\nKUBELET_EXTRA_ARGS=--v=2 ${flag}\n`,
  },
  {
    name: "no kubeadm file, KUBELET_EXTRA_ARGS empty",
    version: "1.33.0",
    files: { [extra]: "KUBELET_EXTRA_ARGS=\n" },
    writes: `== ${extra}\nKUBELET_EXTRA_ARGS=${flag}\n`,
  },
  {
    name: "neither file exists: /etc/default/kubelet is made, since the unit reads it",
    version: "1.33.0",
    files: {},
    writes: `== ${extra}\nKUBELET_EXTRA_ARGS="${flag}"\n`,
  },
  {
    name: "a unit that reads no file: a drop-in of our own",
    version: "1.33.0",
    files: {},
    environment: [],
    unit: `# ${unit}\n[Service]\nExecStart=/usr/bin/kubelet --a \\\n  --b\n`,
    writes: `== ${own}\n[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --a   --b ${flag}\n`,
  },
  {
    name: "a second run does not repeat its own drop-in",
    version: "1.33.0",
    files: {},
    environment: [],
    unit: `# ${unit}\n[Service]\nExecStart=/usr/bin/kubelet --a\n\n# ${own}\n[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --a ${flag}\n`,
    writes: `== ${own}\n[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --a ${flag}\n`,
  },
  {
    name: "not wanted: not written",
    version: "1.34.2",
    off: true,
    files: { [kubeadm]: 'KUBELET_KUBEADM_ARGS="--a"\n' },
    writes: "",
  },
  {
    name: "not wanted: stripped everywhere",
    version: "1.34.2",
    off: true,
    files: {
      [kubeadm]: 'KUBELET_KUBEADM_ARGS="--pod-infra-container-image=x:1 --a"\n',
      [extra]: `KUBELET_EXTRA_ARGS=${flag}\n`,
    },
    writes: `== ${kubeadm}\nKUBELET_KUBEADM_ARGS=" --a"\n== ${extra}\nKUBELET_EXTRA_ARGS=\n`,
  },
  {
    name: "1.35: not written",
    version: "1.35.4",
    files: { [kubeadm]: 'KUBELET_KUBEADM_ARGS="--a"\n' },
    writes: "",
  },
  {
    name: "1.35: a leftover is stripped everywhere",
    version: "1.35.4",
    files: {
      [kubeadm]: 'KUBELET_KUBEADM_ARGS="--pod-infra-container-image=x:1 --a"\n',
      [extra]: 'KUBELET_EXTRA_ARGS="--b --pod-infra-container-image y:2"\n',
      [dropin]: '[Service]\nEnvironment="X=--pod-infra-container-image=z:3"\n',
    },
    writes: `== ${dropin}\n[Service]\nEnvironment="X="\n== ${kubeadm}\nKUBELET_KUBEADM_ARGS=" --a"\n== ${extra}\nKUBELET_EXTRA_ARGS="--b"\n`,
  },
  {
    name: "${NAME} with the flag: the value of that variable (60)",
    version: "1.34.2",
    files: { [extra]: 'LEVEL="--v=2"\nINFRA="--pod-infra-container-image=a.b/pod:1"\n' },
    unit: `# ${unit}\n[Service]\nExecStart=/usr/bin/kubelet \\\n  \${LEVEL} \\\n  \${INFRA} $ARGS\n`,
    writes: `== ${extra}\nLEVEL="--v=2"\nINFRA="${flag}"\n`,
  },
  {
    name: "${NAME} without the flag holds one word, and is no place for it",
    version: "1.34.2",
    files: { [extra]: 'LEVEL="--v=2"\n' },
    unit: `# ${unit}\n[Service]\nExecStart=/usr/bin/kubelet \${LEVEL}\n`,
    writes: `== ${own}\n[Service]\nExecStart=\nExecStart=/usr/bin/kubelet \${LEVEL} ${flag}\n`,
  },
  {
    name: "1.35: ${NAME} would be an empty argument (60d)",
    version: "1.35.1",
    files: { [extra]: 'INFRA="--pod-infra-container-image=a.b/pod:1"\n' },
    unit: `# ${unit}\n[Service]\nExecStart=/usr/bin/kubelet \${INFRA}\n`,
    refused: /PS-N021 kubelet\.service has \$\{INFRA\} as an argument of its own, which is --pod-infra/,
    writes: "",
  },
  {
    name: "1.35: so would one that the unit sets",
    version: "1.35.1",
    files: {},
    variables: 'A=1 "INFRA=--pod-infra-container-image a.b/pod:1"',
    unit: `# ${unit}\n[Service]\nExecStart=/usr/bin/kubelet "\${INFRA}"\n`,
    refused: /PS-N021 .*\$\{INFRA\} as an argument of its own/,
    writes: "",
  },
  {
    name: "a drop-in behind ours with the last word (67)",
    version: "1.34.2",
    files: { [later]: "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --v=4\n" },
    environment: [],
    unit: `# ${unit}\n[Service]\nExecStart=/usr/bin/kubelet --v=4\n`,
    refused: /PS-N021 \S+zzz-site\.conf sets ExecStart of kubelet\.service and is read behind zz-pause-sandbox\.conf/,
    writes: "",
  },
];

function plan(shell: readonly string[], row: Row): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-kubelet-"));
  for (const [name, content] of Object.entries(row.files)) {
    fs.mkdirSync(path.join(dir, path.dirname(name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), content);
  }
  fs.writeFileSync(path.join(dir, "script.sh"), joinedScript({ run: false }));
  fs.writeFileSync(path.join(dir, "cat"), row.unit ?? plain);
  const environment = (row.environment ?? [kubeadm, extra]).map(
    (file) => `EnvironmentFiles=${dir}${file} (ignore_errors=yes)\n`,
  );
  const drops = [dropin, later].flatMap((one) => (one in row.files ? [`${dir}${one}`] : [])).join(" ");
  fs.writeFileSync(
    path.join(dir, "show"),
    `Environment=${row.variables ?? ""}\n${environment.join("")}FragmentPath=${unit}\nDropInPaths=${drops}\n`,
  );
  const [program = "sh", ...args] = shell;
  const script = path.join(__dirname, "kubelet.sh");
  const run = spawnSync(program, [...args, script, dir, row.version, row.off ? "1" : ""], { encoding: "utf8" });
  fs.rmSync(dir, { recursive: true });
  assert.equal(run.status, row.refused ? 3 : 0, run.stderr);
  if (row.refused) assert.match(run.stderr, row.refused);
  return run.stdout;
}

describe("the kubelet's flag", () => {
  for (const shell of shells) {
    for (const row of rows) {
      it(`${shell.join(" ")}: ${row.name}`, () => {
        assert.equal(plan(shell, row), row.writes);
      });
    }
  }
});

describe("the kubelet that runs", () => {
  for (const shell of shells) {
    it(`${shell.join(" ")}: counts as none where its process ends while it is read`, () => {
      const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-kubelet-"));
      fs.writeFileSync(path.join(dir, "script.sh"), joinedScript({ run: false }));
      // As much as there was, and then what the kernel says of a process that is gone.
      const read = `lines_of() { echo half; echo "tr: read error: No such process" >&2; return 1; }`;
      const noted = `set -eu; . "$0/script.sh"; plan=$0 kubelet_pid=$$; ${read}; note_kubelet; cat "$0/argv" "$0/environ"`;
      const [program = "sh", ...args] = shell;
      const run = spawnSync(program, [...args, "-c", noted, dir], { encoding: "utf8" });
      fs.rmSync(dir, { recursive: true });
      assert.deepEqual([run.status, run.stdout, run.stderr], [0, "", ""]);
    });

    it(`${shell.join(" ")}: is waited for where it is systemd's process yet, has no command line, or systemd knows none`, () => {
      const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-kubelet-"));
      fs.writeFileSync(path.join(dir, "script.sh"), joinedScript({ run: false }));
      // Each time that it is asked for, systemd names the next process: one that does not run yet, one without a command line, one
      // that is systemd about to start it, one that runs with its health port off.
      fs.writeFileSync(path.join(dir, "pids"), "6\n7\n8\n9\n");
      for (const [pid, words] of [
        ["7", ""],
        ["8", "(kubelet)\0--healthz-port=0\0"],
        ["9", "kubelet\0--healthz-port=0\0"],
      ] as const) {
        fs.mkdirSync(path.join(dir, pid));
        fs.writeFileSync(path.join(dir, pid, "cmdline"), words);
        fs.writeFileSync(path.join(dir, pid, "environ"), "A=1\0");
        fs.symlinkSync(pid === "8" ? "/usr/lib/systemd/systemd" : "/usr/bin/kubelet", path.join(dir, pid, "exe"));
      }
      const fakes = `
        proc=$0 plan=$0/plan journal=$0/journal
        mkdir "$plan"
        sleep() { sed -i 1d "$0/pids"; }
        systemctl() { case $* in *is-active*) ;; *) printf 'MainPID=%s\\n' "$(sed -n 1p "$0/pids")" ;; esac; }`;
      const waited = `set -eu; . "$0/script.sh"; ${fakes}
        within 60 kubelet_healthy && sed -n 1p "$0/pids"
        printf '7\\n8\\n9\\n' >"$0/pids"
        within 60 read_kubelet && cat "$plan/lines"
        echo 8 >"$0/pids"
        argv_of kubelet
        echo 0 >"$0/pids"
        kubelet_setting() { echo 0; }
        kubelet_healthy && echo active`;
      const [program = "sh", ...args] = shell;
      const run = spawnSync(program, [...args, "-c", waited, dir], { encoding: "utf8" });
      fs.rmSync(dir, { recursive: true });
      assert.deepEqual([run.status, run.stdout, run.stderr], [0, "9\nkubelet\n--healthz-port=0\nactive\n", ""]);
    });
  }
});
