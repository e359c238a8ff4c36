/** What somebody has in ~/.ssh. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import type { LabInfo } from "../../../lab/cluster";

/** @returns the path of a file for `ssh -F` that knows the lab's nodes by their names */
export function sshConfig({ ssh, nodes }: LabInfo): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-doctor-"));
  const known = path.join(dir, "known_hosts");
  fs.writeFileSync(known, nodes.map(({ host, hostKey }) => `${host} ${hostKey}\n`).join(""));
  const hosts = nodes.map(({ name, host, port }) => `Host ${name}\n  HostName ${host}\n  Port ${port}\n`);
  const login = `  User ${ssh.user}\n  IdentityFile ${ssh.privateKeyFile}\n  IdentitiesOnly yes\n`;
  const file = path.join(dir, "config");
  fs.writeFileSync(file, `${hosts.join("")}Host *\n${login}  UserKnownHostsFile ${known}\n`);
  return file;
}
