/**
 * What a fleet of hosts costs: `make bench-fleet`. The same change on 50 and on 250 simulated hosts, by this project, plain
 * ssh, Ansible, pyinfra, and the Pulumi program that people write first. Every run is followed by a look at each host.
 *
 * The hosts are this machine: one sshd on all addresses of a loopback that nobody else sees, and a view of the files per host.
 * The container runtime is a stub. Arguments: numbers of hosts.
 */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { pluginKind, tool, TSX, versions } from "./support/pulumi";

/** Namespaces of its own for mounts, the network and processes: nothing is left when the last process ends. */
const APART = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"];

function main(): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-fleet-"));
  try {
    const tools = installed(folder);
    const [cli, plugin] = [tool("pulumi"), tool("plugin:command")];
    const python = ["ansible-playbook", "pyinfra"].map((name) => version(name, tools));
    process.stdout.write(`${versions(cli)}, ${python.join(", ")}\ncommand plugin: ${pluginKind(plugin)}\n\n`);
    const sizes = process.argv.length > 2 ? process.argv.slice(2) : ["50", "250"];
    const inside = ["node", "--import", TSX, path.join(__dirname, "fleet/main.ts"), folder, cli, plugin, ...sizes];
    const env = { ...process.env, PATH: `${tools}${path.delimiter}${process.env.PATH ?? ""}` };
    const run = spawnSync("unshare", [...APART, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...inside], {
      ...{ stdio: "inherit", env },
    });
    if (run.status !== 0) process.exitCode = 1;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** @returns The folder with the programs of Ansible and pyinfra, from the package index of Python. */
function installed(folder: string): string {
  const venv = path.join(folder, "venv");
  execFileSync("python3", ["-m", "venv", venv]);
  const pip = path.join(venv, "bin/pip");
  execFileSync(pip, ["install", "--quiet", "-r", path.join(__dirname, "fleet/requirements.txt")], { stdio: "inherit" });
  return path.join(venv, "bin");
}

function version(name: string, folder: string): string {
  return execFileSync(path.join(folder, name), ["--version"], { encoding: "utf8" }).split("\n")[0] ?? name;
}

main();
