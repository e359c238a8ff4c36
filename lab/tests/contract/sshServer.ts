import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

/** A real sshd on a port of this machine's loopback that nobody else has. */
export class SshServer {
  private constructor(
    private readonly folder: string,
    private readonly server: net.Server,
    readonly port: number,
  ) {}

  static async start(): Promise<SshServer> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "contract-ssh-"));
    for (const name of ["host", "other", "user"]) keygen(path.join(folder, name), "ed25519", "");
    // Liked better by some clients: those must still ask for the key that is expected.
    keygen(path.join(folder, "host-ecdsa"), "ecdsa", "");
    keygen(path.join(folder, "locked"), "ed25519", "a passphrase");
    const authorized = ["user", "locked"].map((name) => fs.readFileSync(path.join(folder, `${name}.pub`), "utf8"));
    fs.writeFileSync(path.join(folder, "authorized_keys"), authorized.join(""));
    const config = [
      `HostKey ${folder}/host-ecdsa`,
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/authorized_keys`,
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "Subsystem sftp internal-sftp",
    ];
    fs.writeFileSync(path.join(folder, "config"), config.join("\n"));
    // sshd refuses to start without it, and only a service's start makes it.
    fs.mkdirSync("/run/sshd", { recursive: true });
    // One sshd a connection, as inetd did: so the port is the kernel's choice, and nobody can take it first.
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      spawn("/usr/sbin/sshd", ["-i", "-e", "-f", path.join(folder, "config")], { stdio: [socket, socket, "ignore"] });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new SshServer(folder, server, (server.address() as net.AddressInfo).port);
  }

  stop(): void {
    this.server.close();
    fs.rmSync(this.folder, { recursive: true });
  }

  /** What a program gives to log in, with the server's key known. */
  get connection() {
    return {
      ...{ host: "127.0.0.1", port: this.port, user: os.userInfo().username, perDialTimeout: 15, dialErrorLimit: 0 },
      privateKey: this.file("user"),
      hostKey: this.file("host.pub").trim(),
    };
  }

  file(name: string): string {
    return fs.readFileSync(path.join(this.folder, name), "utf8");
  }
}

function keygen(file: string, type: string, passphrase: string): void {
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-C", "contract test", "-f", file]);
}
