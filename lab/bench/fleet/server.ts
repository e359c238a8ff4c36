/** One sshd for all simulated hosts. It tells them apart by the address that was dialled. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

import { processorTimeOfAll } from "../support/cost";

export class Server {
  private constructor(
    private readonly sshd: ChildProcess,
    readonly hostKey: string,
    readonly keyFile: string,
  ) {}

  /** @param ports Where it listens, on all addresses. */
  static async start(folder: string, ports: readonly number[] = [22]): Promise<Server> {
    for (const name of ["host", "user"]) {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", path.join(folder, name)]);
    }
    const config = [
      ...ports.map((port) => `ListenAddress 0.0.0.0:${port}`),
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/user.pub`,
      `ForceCommand ${folder}/enter.sh`,
      "Subsystem sftp /usr/lib/openssh/sftp-server",
      "PidFile none",
      "PermitRootLogin prohibit-password",
      // Every contender opens as many connections at a time as it likes.
      "MaxStartups 1000",
      "MaxSessions 1000",
      ...["StrictModes no", "UsePAM no", "UseDNS no", "PasswordAuthentication no", "LogLevel FATAL"],
    ];
    fs.writeFileSync(path.join(folder, "sshd_config"), `${config.join("\n")}\n`);
    // sshd refuses to start without it, and only a service's start makes it.
    fs.mkdirSync("/run/sshd", { recursive: true });
    const home = path.join(folder, "empty-home");
    fs.mkdirSync(home);
    // Bash reads the start-up file of its home under sshd: what this machine has there is not a host's time.
    const start = 'mount --bind "$1" "$HOME" && shift && exec "$@"';
    const command = ["/usr/sbin/sshd", "-D", "-e", "-f", path.join(folder, "sshd_config")];
    const sshd = spawn("unshare", ["--mount", "sh", "-c", start, "sh", home, ...command], {
      ...{ stdio: "inherit", env: { ...process.env, HOME: os.userInfo().homedir } },
    });
    for (const port of ports) await answers(port);
    const [type = "", key = ""] = fs.readFileSync(path.join(folder, "host.pub"), "utf8").split(" ");
    return new Server(sshd, `${type} ${key}`, path.join(folder, "user"));
  }

  /** Processor time of sshd and of all that its sessions ran so far, in seconds. */
  cpu(): number {
    return processorTimeOfAll(this.sshd.pid ?? 0);
  }

  stop(): void {
    this.sshd.kill();
  }
}

async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => {
        resolve(true);
        socket.destroy();
      });
      socket.once("error", () => {
        resolve(false);
      });
    });
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("sshd does not answer");
}
