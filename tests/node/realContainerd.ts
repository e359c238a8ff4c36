/** A simulated node whose images are those of a real containerd. No Pod runs there, and no sandbox (realImages.sh). */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { Host } from "./host";
import { containerdOf } from "./toolchain";

const get = (tool: string): string =>
  execFileSync(path.join(__dirname, "../../lab/toolchain/get"), [tool], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();

/** The same in both versions of the file. */
const DAEMON = `root = "@DIR@/daemon/root"
state = "@DIR@/daemon/state"
[grpc]
address = "@DIR@/daemon/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "@DIR@/daemon/opt"
`;

/** By the version of the file. From 2.2 on, two directories are the default of config_path. */
const CONFIG = {
  2: `version = 2
${DAEMON}[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.example.org/pause:3.8"
[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "@DIR@/daemon/cni"
`,
  3: `version = 3
${DAEMON}[plugins."io.containerd.nri.v1.nri"]
disable = true
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "registry.example.org/pause:3.8"
[plugins."io.containerd.cri.v1.images".registry]
config_path = "@DIR@/root/certs.d:@DIR@/root/docker/certs.d"
[plugins."io.containerd.cri.v1.runtime".cni]
conf_dir = "@DIR@/daemon/cni"
`,
};

export class RealContainerd {
  readonly host = new Host(["dash"]);
  readonly crictlPath = get("crictl");
  private readonly bin: string;
  private readonly socket: string;
  private ended = false;

  constructor(version: string) {
    const { host } = this;
    this.bin = `${containerdOf(version)}:${path.dirname(this.crictlPath)}:${process.env.PATH ?? ""}`;
    this.socket = path.join(host.dir, "daemon/containerd.sock");
    host.env = { PATH: this.bin };
    // The default of 1.x is a directory of this machine.
    host.write("script.sh", host.read("script.sh").replaceAll("/etc/containerd/certs.d", "@DIR@/root/certs.d"));
    host.containerd(version, CONFIG[version.startsWith("1.") ? 2 : 3]);
    for (const file of ["kubelet.argv", "kubelet.words"]) {
      host.write(file, "kubelet\n--v=2\n--container-runtime-endpoint=unix://@DIR@/daemon/containerd.sock\n");
    }
    host.write("more.sh", fs.readFileSync(path.join(__dirname, "realImages.sh"), "utf8"));
    fs.mkdirSync(path.join(host.dir, "daemon/cni"), { recursive: true });
    const program = path.join(containerdOf(version), "containerd");
    host.write(
      "daemon/start",
      `#!/bin/sh
cd @DIR@/daemon
setsid ${program} -c @DIR@/root/containerd/config.toml >>log 2>&1 </dev/null 9>&- &
echo $! >pid
until ctr -a @DIR@/daemon/containerd.sock version >/dev/null 2>&1; do sleep 0.1; done
`,
      0o755,
    );
    execFileSync(path.join(host.dir, "daemon/start"), { env: this.env, stdio: "ignore" });
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, PATH: this.bin };
  }

  /** How ctr reaches it. */
  get ctrArgs(): string[] {
    return ["-a", this.socket, "-n", "k8s.io"];
  }

  ctr(...args: string[]): string {
    return this.asked("ctr", [...this.ctrArgs, ...args]);
  }

  crictl(...args: string[]): string {
    const socket = `unix://${this.socket}`;
    return this.asked("crictl", ["-c", "/dev/null", "-r", socket, "-i", socket, ...args]);
  }

  private asked(program: string, args: readonly string[]): string {
    return execFileSync(program, args, { encoding: "utf8", env: this.env, stdio: ["ignore", "pipe", "ignore"] });
  }

  /** What every name stands for, and whether its label has it kept. */
  names(): Record<string, string> {
    return Object.fromEntries(
      this.ctr("images", "ls")
        .trim()
        .split("\n")
        .slice(1)
        .map((line) => {
          const [name = "", , digest = ""] = line.split(/\s+/);
          return [name, `${digest}${line.includes("pinned=pinned") ? " pinned" : ""}`];
        }),
    );
  }

  /** Ends the daemon. */
  stop(): void {
    if (this.ended) return;
    this.ended = true;
    const pid = Number(this.host.read("daemon/pid"));
    process.kill(pid);
    execFileSync("sh", ["-c", `while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done`]);
  }

  /** Ends it, and removes the node. */
  remove(): void {
    this.stop();
    fs.rmSync(this.host.dir, { recursive: true });
  }
}
