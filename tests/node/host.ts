/** A simulated node: its files, its units, and what it was asked to do. The script runs on it as a whole (host.sh). */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { type Run, type Shell, wanted as image } from "./script";
import { containerdOf } from "./toolchain";
import { type NodeReport, parseReport } from "../../components/node/nodeScript";
import { type NodeSettings, settingsText } from "../../components/node/nodeSettings";
import { changingParts, joinedScript, parts } from "../../components/node/program";

/** What the registry has. */
export const digest = `sha256:${"a".repeat(64)}`;

export type Verb = "apply" | "restore" | "plan";

export class Host {
  /** Where a run keeps what goes with the power. Default: /dev/shm, as others do. */
  memory?: string;

  /** More of the environment. */
  env: Record<string, string> = {};

  /** @param dir Where the node is; a new one where there is none. */
  constructor(
    private readonly shell: Shell,
    readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-host-")),
  ) {
    if (fs.existsSync(path.join(dir, "root"))) return;
    this.write("script.sh", joinedScript({ run: false, of: changingParts }));
    // What only a dry run's file has.
    this.write("plan.sh", joinedScript({ of: parts.filter((part) => !changingParts.includes(part)) }));
    this.write("os-release", "ID=debian\n");
    this.write("units", "");
    this.write("did", "");
    this.write("images", "");
    fs.mkdirSync(path.join(this.dir, "root"));
  }

  write(name: string, content: string, mode = 0o644): string {
    const file = path.join(this.dir, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content.replaceAll("@DIR@", this.dir), { mode });
    return file;
  }

  /** The node has the image under its name, pinned; with other bytes where a digest says so. */
  hasImage(as = digest): void {
    const names = [
      [image, "pinned"],
      [`${image.slice(0, image.lastIndexOf(":"))}@${as}`, ""],
    ];
    this.write("images", names.map(([name, pin]) => `${name}\t${as}\tindex\t${pin}\n`).join(""));
  }

  /** A unit that is active, and whose program answers `--version`. */
  unit(name: string, args: string, version: string, more = ""): void {
    const program = this.write(`bin-${name}`, `#!/bin/sh\necho '${version}'\n`, 0o755);
    this.started(name, program, args, more);
  }

  /** A unit that runs PROGRAM. */
  started(name: string, program: string, args: string, more = ""): void {
    const line = `${program} ${args}`.replaceAll("@DIR@", this.dir);
    this.write(
      `${name}.show`,
      `ExecStart={ path=${program} ; argv[]=${line} ; }\nLoadState=loaded\n${more.replaceAll("@DIR@", this.dir)}`,
    );
    this.write(`${name}.cat`, `# /lib/systemd/system/${name}.service\n[Service]\nExecStart=${line}\n`);
    fs.appendFileSync(path.join(this.dir, "units"), `${name}\n`);
  }

  run(verb: Verb, settings: Partial<NodeSettings> = {}): Run & { did: string[] } {
    const [program = "sh", ...args] = this.shell;
    fs.writeFileSync(path.join(this.dir, "did"), "");
    const input = settingsText({ node: "n", image, digest, ...settings });
    const script = path.join(__dirname, "host.sh");
    const run = spawnSync(program, [...args, script, this.dir, verb], {
      ...{ encoding: "utf8", input },
      env: { ...process.env, ...this.env, ...(this.memory === undefined ? {} : { node_memory: this.memory }) },
    });
    return { ...run, did: this.read("did").split("\n").filter(Boolean) };
  }

  done(verb: Verb, settings: Partial<NodeSettings> = {}): NodeReport & { did: string[] } {
    const run = this.run(verb, settings);
    assert.equal(run.status, 0, run.stderr);
    return { ...parseReport(run.stdout), did: run.did };
  }

  /** A containerd of the toolchain, with its own parse, and a kubelet with its flags where kubeadm has them. */
  containerd(version: string, config: string, kubelet = "1.34.2"): void {
    this.write("root/containerd/config.toml", config);
    this.started("containerd", path.join(containerdOf(version), "containerd"), "-c @DIR@/root/containerd/config.toml");
    const env = this.write("root/kubelet/kubeadm-flags.env", 'KUBELET_KUBEADM_ARGS="--v=2"\n');
    const files = `EnvironmentFiles=${env} (ignore_errors=yes)\nFragmentPath=@DIR@/root/systemd/kubelet.service\n`;
    this.unit("kubelet", "$KUBELET_KUBEADM_ARGS", `Kubernetes v${kubelet}`, files);
    this.write("kubelet.argv", "kubelet\n--v=2\n");
    this.write("running", "registry.k8s.io/pause:3.8");
  }

  read(name: string): string {
    return fs.readFileSync(path.join(this.dir, name), "utf8");
  }

  /** Every file of the node's, with mode and content; of "." also what the script keeps for itself. */
  files(under = "root"): Record<string, string> {
    const root = path.join(this.dir, under);
    const names = fs
      .readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((name) => !["did", "script.sh", "plan.sh"].includes(name));
    return Object.fromEntries(
      names.sort().map((name) => {
        const { mode } = fs.statSync(path.join(root, name));
        return [
          name,
          fs.statSync(path.join(root, name)).isDirectory()
            ? "/"
            : `${mode.toString(8)} ${this.read(path.join(under, name))}`,
        ];
      }),
    );
  }
}
