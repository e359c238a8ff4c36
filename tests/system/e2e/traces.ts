import * as fs from "node:fs";

import { docker } from "../../../lab/cluster/docker";
import { exec } from "../../../lab/cluster/exec";
import { labDir, NETWORK, registryHost, subnetPrefix } from "../../../lab/cluster/layout";
import { startTicks, variableOf } from "../../../lab/cluster/process";

/**
 * All that there is of the lab on this machine, a line each; images and the tools' cache are meant to stay.
 * @param run Process number of the run that used the lab. A process that is older was left by another run.
 */
export async function traces(run = process.pid): Promise<string[]> {
  const containers = await docker(["ps", "--all", "--format", "{{.Names}}"]);
  const networks = await docker(["network", "ls", "--format", "{{.Name}}"]);
  const rules = `${await exec("iptables-save", [])}${await exec("ip", ["route"])}`;
  return [
    ...lines(containers).filter((name) => name.startsWith(`${NETWORK}-`)),
    ...lines(networks).filter((name) => name === NETWORK),
    ...lines(rules).filter((rule) => rule.includes(`${subnetPrefix()}.`)),
    ...lines(fs.readFileSync("/proc/mounts", "utf8")).filter((mount) => mount.includes(`${labDir()}/`)),
    // The engine's own directory belongs to whoever started it.
    ...below(labDir()).filter((name) => name !== "engine"),
    ...below("/var/lib").filter((name) => `/var/lib/${name}`.startsWith(`${labDir()}.`)),
    ...below("/etc/docker/certs.d").filter((name) => name === registryHost()),
    ...processes(run),
  ];
}

/** Volumes that only the lab's containers use; asked for while these stand. */
export async function labVolumes(containers: string[]): Promise<string[]> {
  const format = "{{range .Mounts}}{{if .Name}}{{.Name}}\n{{end}}{{end}}";
  return lines(await docker(["inspect", "--format", format, ...containers]));
}

/** Processes that work on the lab's state: the engine that runs the program, and its plugins. */
function processes(run: number): string[] {
  const state = `file://${labDir()}/state`;
  const began = Number(startTicks(run));
  const pids = processesWith("PULUMI_BACKEND_URL", state).filter((pid) => Number(startTicks(pid)) >= began);
  return pids.map((pid) => `${pid} ${fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`);
}

/** Numbers of the processes that were started with a variable of this value. */
export function processesWith(name: string, value: string): number[] {
  return below("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && variableOf(pid, name) === value);
}

/** Kernel settings that a kubelet or an engine's network changes for the whole machine. */
export function kernelSettings(): Record<string, string> {
  const names = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"];
  const keys = ["kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes", "net/ipv4/ip_forward"];
  return Object.fromEntries(
    [...names, ...keys].map((name) => [name, fs.readFileSync(`/proc/sys/${name}`, "utf8").trim()]),
  );
}

function below(directory: string): string[] {
  return fs.existsSync(directory) ? fs.readdirSync(directory) : [];
}

function lines(text: string): string[] {
  return text.split("\n").filter(Boolean);
}
