/** What a command costs, with all the processes that it starts. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

export interface Cost {
  /** Of the wall clock, in seconds. */
  wall: number;
  /** Of the processor, in seconds: user and system, of every process that was waited for. */
  cpu: number;
  /** The most that all processes held at one instant, in megabytes: the sum of their resident sets. */
  megabytes: number;
}

export interface Started {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** A word on the command line of processes that do not count, such as a plugin that stands for another. */
  apart?: string;
}

/** How often the processes are looked at, in milliseconds. What is shorter than that adds to the time only. */
const EVERY = 100;
/** What the kernel counts processor time in, for programs: 100 a second on every architecture but alpha. */
const TICKS = 100;

/** The shell's own count of processor time: it has every process that was waited for, however short it lived. */
const TIMED = 'exec 9>"$0"; TIMEFORMAT="%R %U %S"; { time "$@" 2>&8; } 8>&2 2>&9';

/** Runs a command to its end. @throws Error with the end of what it said, where it fails */
export async function costOf(command: readonly string[], { cwd, env, apart }: Started = {}): Promise<Cost> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-cost-"));
  const note = path.join(folder, "times");
  try {
    const child = spawn("bash", ["-c", TIMED, note, ...command], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const said: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => said.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    const watch = new Watch(child.pid ?? 0, apart);
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    const { megabytes, aside } = watch.stop();
    if (status !== 0) throw new Error(failure(command, status, said));
    const [wall = NaN, user = NaN, system = NaN] = fs.readFileSync(note, "utf8").trim().split(" ").map(Number);
    return { wall, cpu: user + system - aside, megabytes };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** A line for the one who waits: a whole table may be an hour away. */
export function shown(what: string, cost: Cost): void {
  process.stderr.write(`${what}: ${cost.wall.toFixed(1)} s, CPU ${cost.cpu.toFixed(1)} s\n`);
}

function failure(command: readonly string[], status: number | null, said: Buffer[]): string {
  const end = Buffer.concat(said).toString().slice(-4000);
  return `${command.slice(0, 3).join(" ")} … ended with ${status ?? "a signal"}:\n${end}`;
}

/** Looks at a process and its children while they run. */
class Watch {
  private megabytes = 0;
  /** Processor time of what does not count, by process. */
  private readonly aside = new Map<number, number>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly root: number,
    private readonly apart: string | undefined,
  ) {
    this.timer = setInterval(() => {
      this.look();
    }, EVERY);
  }

  stop(): { megabytes: number; aside: number } {
    clearInterval(this.timer);
    return { megabytes: this.megabytes, aside: [...this.aside.values()].reduce((sum, value) => sum + value, 0) };
  }

  private look(): void {
    let kilobytes = 0;
    for (const pid of descendants(this.root)) {
      if (this.isApart(pid)) this.aside.set(pid, processorTime(pid) ?? this.aside.get(pid) ?? 0);
      else kilobytes += residentKilobytes(pid);
    }
    this.megabytes = Math.max(this.megabytes, kilobytes / 1024);
  }

  private isApart(pid: number): boolean {
    return this.apart !== undefined && read(pid, "cmdline").includes(this.apart);
  }
}

/** A process and all that descend from it and live. */
function descendants(pid: number): number[] {
  const children = threads(pid).flatMap((thread) => read(pid, `task/${thread}/children`).split(" ").filter(Boolean));
  return [pid, ...children.map(Number).flatMap(descendants)];
}

function threads(pid: number): string[] {
  try {
    return fs.readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** A file of a process, and nothing where the process has ended meanwhile. */
function read(pid: number, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

function residentKilobytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(pid, "status"))?.[1] ?? 0);
}

/** Of the process itself, and with its children that have ended and were waited for. */
function processorTime(pid: number, withChildren = false): number | undefined {
  // The name of the program, in brackets, may hold spaces.
  const fields = read(pid, "stat").split(") ")[1]?.split(" ");
  const times = fields?.slice(11, withChildren ? 15 : 13).map(Number);
  return times && times.reduce((sum, ticks) => sum + ticks, 0) / TICKS;
}

/** Processor time of a process and of all that it ever started, in seconds: those that have ended, and those that live. */
export function processorTimeOfAll(pid: number): number {
  return descendants(pid).reduce((sum, one) => sum + (processorTime(one, true) ?? 0), 0);
}
