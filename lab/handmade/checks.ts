/** What a Pod is, looked at from outside: docker, /proc and curl; nothing here asks the program what it did. */
import * as fs from "node:fs/promises";

import { docker } from "../cluster/docker";
import { exec } from "../cluster/exec";
import { waitFor } from "../cluster/wait";

/** The Pod's containers, by id, and where it answers. */
export interface Pod {
  url: string;
  pause: string;
  nginx: string;
  app: string;
}

export const CONTAINERS = ["pause", "nginx", "app"] as const;
export const NAMESPACES = ["net", "ipc", "pid", "mnt"] as const;

/** A process as `ps` in the app's container shows it. */
export interface Process {
  pid: number;
  ppid: number;
  user: string;
  state: string;
  command: string;
}

/** By container and kind, `net:[4026532574]`: the number is the namespace's inode. */
export type Namespaces = Record<(typeof CONTAINERS)[number], Record<(typeof NAMESPACES)[number], string>>;

/** What the Pod answers, as soon as it does: a JVM takes its time to start. */
export async function answer(pod: Pod): Promise<string> {
  let text = "";
  await waitFor({
    what: `${pod.url} answers`,
    timeoutSeconds: 180,
    missing: async () => {
      text = await exec("curl", ["--noproxy", "*", "--silent", "--show-error", "--fail", "--max-time", "10", pod.url]);
      return undefined;
    },
    explain: () => docker(["logs", "--tail", "20", pod.app]),
  });
  return text;
}

export const PS = ["ps", "-o", "pid,ppid,user,stat,args"];

/** All processes of the Pod, as one sees them inside the app's container. */
export async function processes(pod: Pod): Promise<Process[]> {
  const [, ...lines] = (await inApp(pod, PS)).trim().split("\n");
  return lines.map((line) => {
    const [pid, ppid, user = "", state = "", ...command] = line.trim().split(/\s+/);
    return { pid: Number(pid), ppid: Number(ppid), user, state, command: command.join(" ") };
  });
}

/** Read from the host's /proc: inside the Pod nobody may look at another user's process. */
export async function namespaces(pod: Pod): Promise<Namespaces> {
  const of = async (container: string) => {
    const pid = await inspect(container, "{{.State.Pid}}");
    const links = NAMESPACES.map(async (kind) => [kind, await fs.readlink(`/proc/${pid}/ns/${kind}`)] as const);
    return Object.fromEntries(await Promise.all(links));
  };
  const all = CONTAINERS.map(async (name) => [name, await of(pod[name])] as const);
  return Object.fromEntries(await Promise.all(all)) as Namespaces;
}

/** Addresses: what the engine gave to pause, and what the app sees on its own eth0. */
export async function addresses(pod: Pod): Promise<{ pause: string; app: string }> {
  const seen = await inApp(pod, ["ip", "-4", "-o", "addr", "show", "eth0"]);
  return { pause: await pauseAddress(pod), app: /inet ([0-9.]+)/.exec(seen)?.[1] ?? "none" };
}

export async function pauseAddress(pod: Pod): Promise<string> {
  return inspect(pod.pause, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
}

/** Since when a container's process runs; another start is another time. */
export async function startedAt(container: string): Promise<string> {
  return inspect(container, "{{.State.Pid}} {{.State.StartedAt}}");
}

/** Ends nginx and the app without a chance to say good-bye. Returns when they are gone. */
export async function kill(pod: Pod): Promise<void> {
  const gone = [pod.nginx, pod.app];
  await docker(["kill", "--signal", "KILL", ...gone]);
  await reach("nginx and the app have ended", async () => {
    const running = await Promise.all(gone.map((id) => inspect(id, "{{.State.Running}}")));
    return !running.includes("true");
  });
}

/** The containers that were killed, not others in their place. */
export async function startAgain(pod: Pod): Promise<void> {
  await docker(["start", pod.nginx, pod.app]);
}

/** What became of processes that their parents left. */
export interface Reaping {
  orphans: number;
  /** Of them, how many pause became the parent of. */
  adopted: number;
  /** How many were zombies while pause was stopped. */
  zombies: number;
  /** Zombies in the Pod after it continued. */
  left: number;
}

/**
 * Makes orphans in the app's container and ends them, while pause is stopped and cannot reap: that shows the zombies
 * that would stay, and who takes them away once it continues.
 */
export async function reap(pod: Pod, orphans: number): Promise<Reaping> {
  const script = `i=0; while [ $i -lt ${orphans} ]; do (sleep 3600 >/dev/null 2>&1 & echo $!); i=$((i+1)); done`;
  const pids = (await inApp(pod, ["sh", "-c", script])).trim().split("\n").map(Number);
  const find = async () => (await processes(pod)).filter(({ pid }) => pids.includes(pid));
  const adopted = (await find()).filter(({ ppid }) => ppid === 1).length;
  const dead = ({ state }: Process) => state.startsWith("Z");
  let zombies = 0;
  await whileStopped(Number(await inspect(pod.pause, "{{.State.Pid}}")), async () => {
    await inApp(pod, ["kill", "-9", ...pids.map(String)]);
    await reach("no orphan is alive", async () => (await find()).every(dead));
    zombies = (await find()).length;
  });
  await reach("pause reaps the orphans", async () => (await find()).length === 0);
  const left = (await processes(pod)).filter(dead).length;
  return { orphans, adopted, zombies, left };
}

async function whileStopped(pid: number, fn: () => Promise<void>): Promise<void> {
  process.kill(pid, "SIGSTOP");
  try {
    await fn();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

function reach(what: string, reached: () => Promise<boolean>): Promise<void> {
  const missing = async () => ((await reached()) ? undefined : "not yet");
  return waitFor({ what, timeoutSeconds: 30, missing });
}

function inApp(pod: Pod, command: string[]): Promise<string> {
  return docker(["exec", pod.app, ...command]);
}

async function inspect(container: string, format: string): Promise<string> {
  return (await docker(["container", "inspect", "--format", format, container])).trim();
}
