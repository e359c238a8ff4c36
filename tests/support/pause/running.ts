import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { host, scratch } from "./fixture";

/** How a process ended and what it said. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits for something that happens in another process, looking often; says what was awaited when it does not come. */
export async function until(what: string, holds: () => boolean, seconds = 10): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!holds()) {
    if (Date.now() > deadline) {
      throw new Error(`waited ${seconds} s for: ${what}`);
    }
    await delay(2);
  }
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return ""; // the process has ended meanwhile
  }
}

/** State and parent of a process, from /proc/PID/stat; the name in it is skipped, since it may hold spaces. */
function stat(pid: number | string): { state: string; parent: number; ticks: number } | undefined {
  const fields = read(`/proc/${pid}/stat`).split(") ").pop()?.split(" ") ?? [];
  const [state, parent] = fields;
  if (state === undefined || parent === undefined) {
    return undefined;
  }
  return { state, parent: Number(parent), ticks: Number(fields[11]) + Number(fields[12]) };
}

/** The children of a process, and whether each is a zombie. */
function children(pid: number): { pid: number; zombie: boolean }[] {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), stat: stat(name) }))
    .filter((process) => process.stat?.parent === pid)
    .map((process) => ({ pid: process.pid, zombie: process.stat?.state === "Z" }));
}

/** The number that a pattern finds in what was printed. @throws Error if it is not there: no figure is better than NaN. */
export function parseFigure(what: string, pattern: RegExp, text: string): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`no figure for ${what}: ${JSON.stringify(text)} has no ${String(pattern)}`);
  return Number(found);
}

/** A pause that was started and waits for signals, or has ended. */
export class Running {
  /** How it ended; settles when it does. */
  readonly ending: Promise<Ending>;
  ended = false;

  /** Its process id, as seen from here. */
  pid = 0; // none: /proc/0 does not exist

  private constructor(private readonly child: ChildProcess) {
    const said = { stdout: "", stderr: "" };
    child.stdout?.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (said.stderr += chunk.toString()));
    this.ending = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        this.ended = true;
        resolve({ code, signal, ...said });
      });
    });
    child.on("exit", () => (this.ended = true));
  }

  /**
   * Starts a command, as PID 1 of a PID namespace of its own or as any process, and returns when it waits or ended. With
   * `underShell` it ends with 128 and the signal, where Node.js knows no real-time signal and would report a plain 0.
   */
  static async start(command: readonly string[], asPid1: boolean, underShell = false): Promise<Running> {
    const namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    // No core files from signals that would write one.
    const script = underShell ? 'ulimit -c 0; "$0" "$@"; exit $?' : 'ulimit -c 0; exec "$0" "$@"';
    const args = ["-c", script, ...(asPid1 ? namespace : []), ...command];
    const child = spawn("sh", args, { cwd: scratch, stdio: ["ignore", "pipe", "pipe"] });
    const running = new Running(child);
    const outer = child.pid ?? 0;
    try {
      await until(`${command.join(" ")} waits for signals`, () => {
        running.pid = asPid1 || underShell ? (children(outer)[0]?.pid ?? 0) : outer;
        return running.ended || running.waits();
      });
    } catch (error) {
      running.destroy();
      throw error;
    }
    return running;
  }

  /** True while it sleeps in the system call in which a pause waits. */
  waits(): boolean {
    const [number] = read(`/proc/${this.pid}/syscall`).split(" ");
    return number !== undefined && number !== "" && host.waits.includes(Number(number));
  }

  kill(signal: NodeJS.Signals | number): void {
    process.kill(this.pid, signal);
  }

  /** True while a signal that was sent to it has not been taken. */
  pending(signal: number): boolean {
    return (BigInt(`0x0${this.status("ShdPnd")}`) >> BigInt(signal - 1)) % 2n === 1n;
  }

  /**
   * Sends a signal, and returns when it has ended of it or waits again. The signal is looked for first: until it is
   * taken, the sleep that is seen may be the old one, which the kernel is about to end on another CPU.
   */
  async endure(signal: number): Promise<void> {
    this.kill(signal);
    await until(`signal ${signal} is dealt with`, () => this.ended || (!this.pending(signal) && this.waits()));
  }

  /** Sends TERM if it still runs, and tells how it ended. */
  async terminate(): Promise<Ending> {
    if (!this.ended) {
      this.kill("SIGTERM");
    }
    return this.ending;
  }

  /**
   * Ends it by force, for cleaning up; does nothing when it has ended. Not by way of `unshare --kill-child`, which is
   * for the tests' own sudden end: the kernel forgets that wish when the child changes its user.
   */
  destroy(): void {
    if (this.ended) {
      return;
    }
    if (stat(this.pid) === undefined) {
      this.child.kill("SIGKILL");
    } else {
      process.kill(this.pid, "SIGKILL");
    }
  }

  /** R, S, T, Z … as ps shows it. */
  state(): string {
    return stat(this.pid)?.state ?? "";
  }

  /** CPU time it has used, in clock ticks. */
  ticks(): number {
    return stat(this.pid)?.ticks ?? NaN;
  }

  zombies(): number {
    return children(this.pid).filter((child) => child.zombie).length;
  }

  /** Everyone it has been given and not reaped, dead or alive. */
  orphans(): number {
    return children(this.pid).length;
  }

  /** Returns when nobody is left that it was given, dead or alive. */
  async reaped(): Promise<void> {
    await until("all orphans are reaped", () => this.orphans() === 0);
  }

  /** A line of /proc/PID/status. */
  status(key: string): string {
    return new RegExp(`^${key}:\\s*(.*)$`, "m").exec(read(`/proc/${this.pid}/status`))?.[1] ?? "";
  }

  /** What it occupies, in kB. Read from its mappings: the counters in /proc/PID/status are kept loosely. */
  memory(): { rss: number; anonymous: number; pageTables: number } {
    const mapped = read(`/proc/${this.pid}/smaps_rollup`);
    const kilobytes = (key: string) => parseFigure(key, new RegExp(`^${key}:\\s+(\\d+) kB$`, "m"), mapped);
    return {
      rss: kilobytes("Rss"),
      anonymous: kilobytes("Anonymous"),
      pageTables: parseFigure("VmPTE", /^(\d+) kB$/, this.status("VmPTE")),
    };
  }

  /** Runs a command inside its PID namespace. */
  inside(command: readonly string[]): Promise<Ending> {
    const args = ["--target", String(this.pid), "--pid", ...command];
    return new Running(spawn("nsenter", args, { stdio: ["ignore", "pipe", "pipe"] })).ending;
  }
}
