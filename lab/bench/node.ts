/**
 * What a node costs: `make bench-node`. On the nodes of a lab: how long a first apply, a run that finds nothing to do and a restore
 * take, their CPU time, how many processes they start, and what each node adds to the engine's state. Fails when a limit is broken.
 */
import Table from "cli-table3";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";

import { messageOf } from "../../components/errors";
import { clusterDown, clusterUp, type LabNode, labStands } from "../cluster";
import { docker } from "../cluster/docker";
import { openStack } from "../engine";
import { lineLog } from "../log";
import { logIn } from "../../tests/support/nodes/delivered";

/** What a run with nothing to do, a first apply, and a further node in a compressed state may cost. */
const LIMITS = { seconds: 0.3, processes: 60, applyPrograms: 340, state: 6_000 };

/** How often each is measured. Most of an apply and of a restore is the daemons' own time, which differs little. */
const RUNS = { idle: 15, changing: 3 };

interface Resource {
  type: string;
  urn: string;
  inputs: { create: string; delete: string; stdin: string };
}

/** What one run costs: medians, and the CPU time of the script and of all that it started. */
interface Cost {
  seconds: number;
  cpu: number;
  /** Each process that is made; a subshell is one, too. */
  processes: number;
  programs: number;
}

async function main(): Promise<void> {
  const stoodBefore = labStands();
  const log = lineLog();
  try {
    const lab = await clusterUp(log);
    const stack = await log.step("the program, so that there is nothing left to do", async () => {
      const opened = await openStack(lab);
      await opened.up();
      return opened;
    });
    const deployment: unknown = (await stack.exportStack()).deployment;
    const { resources } = deployment as { resources: Resource[] };
    const commands = resources.filter(({ type }) => type === "command:remote:Command");
    const table = new Table({
      head: ["", ...lab.nodes.map(({ name, containerd }) => `${name}, containerd ${containerd}`)],
      style: { head: [], border: [], compact: true },
    });
    const commandOf = ({ name }: LabNode): Resource => {
      const resource = commands.find(({ urn }) => urn.endsWith(`-${name}`));
      if (!resource) throw new Error(`${name} is not in the state`);
      return resource;
    };
    const row = (title: string, cell: (node: LabNode) => string) => table.push([title, ...lab.nodes.map(cell)]);
    const broken: string[] = [];
    const within = (what: string, value: number, limit: number): void => {
      if (!(value <= limit)) broken.push(`${what}: ${value}, which may be ${limit} at most`);
    };
    const costs = new Map<string, Awaited<ReturnType<typeof costsOf>>>();
    await log.step("an apply, a run with nothing to do and a restore, again and again", async () => {
      // One node after the other: each would be in the other's time.
      for (const node of lab.nodes) costs.set(node.name, await costsOf(node, commandOf(node).inputs));
    });
    for (const [what, kind] of [
      ["first apply", "apply"],
      ["nothing to do", "idle"],
      ["restore", "restore"],
    ] as const) {
      const cost = (node: LabNode): Cost => costs.get(node.name)?.[kind] ?? NOTHING;
      row(`${what}, seconds (median)`, (node) => cost(node).seconds.toFixed(3));
      row(`${what}, CPU seconds (median)`, (node) => cost(node).cpu.toFixed(2));
      row(`${what}, programs started`, (node) => String(cost(node).programs));
      row(`${what}, processes made`, (node) => String(cost(node).processes));
    }
    for (const [node, { idle, apply }] of costs) {
      within(`${node}, seconds with nothing to do`, idle.seconds, LIMITS.seconds);
      within(`${node}, processes with nothing to do`, idle.processes, LIMITS.processes);
      within(`${node}, programs of a first apply`, apply.programs, LIMITS.applyPrograms);
    }
    row("command and stdin, bytes", (node) => {
      const { create, stdin } = commandOf(node).inputs;
      return String(create.length + stdin.length);
    });
    row("state, bytes as JSON", (node) => String(JSON.stringify(commandOf(node)).length));
    const [first, second] = commands.map((resource) => JSON.stringify(resource));
    const further = gzipSync(`${first ?? ""}${second ?? ""}`).length - gzipSync(first ?? "").length;
    within("a further node's state, bytes", further, LIMITS.state);
    table.push(["a further node in a compressed state, bytes", String(further), ""]);
    process.stdout.write(`${table.toString()}\n`);
    if (broken.length > 0) throw new Error(broken.join("; "));
  } finally {
    if (!stoodBefore) await clusterDown(log);
  }
}

const NOTHING: Cost = { seconds: NaN, cpu: NaN, processes: NaN, programs: NaN };

/** Leaves the node applied, as it was. */
async function costsOf(node: LabNode, { create, delete: restore, stdin }: Resource["inputs"]) {
  const idle = await times(RUNS.idle, () => timed(node, create, stdin));
  const changing = await times(RUNS.changing, async () => ({
    restore: await timed(node, restore, ""),
    apply: await timed(node, create, stdin),
  }));
  const started = { restore: await traced(node, restore, ""), apply: await traced(node, create, stdin) };
  return {
    idle: { ...median(idle), ...(await traced(node, create, stdin)) },
    restore: { ...median(changing.map((pair) => pair.restore)), ...started.restore },
    apply: { ...median(changing.map((pair) => pair.apply)), ...started.apply },
  };
}

type Timed = Pick<Cost, "seconds" | "cpu">;

async function times<T>(count: number, run: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let i = 0; i < count; i++) all.push(await run());
  return all;
}

function median(all: readonly Timed[]): Timed {
  const of = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
  return { seconds: of(all.map(({ seconds }) => seconds)), cpu: of(all.map(({ cpu }) => cpu)) };
}

/** By the shell's own clocks: starting a process in the container from here is not the node's time. */
async function timed({ container }: LabNode, command: string, stdin: string): Promise<Timed> {
  const clocks = `t=$(date +%s%N); ${command} >/dev/null 2>&1 && echo $(($(date +%s%N) - t)) && times`;
  const [taken = "", , children = ""] = (await docker(logIn(container, clocks), { input: stdin })).split("\n");
  // `0m0.512s 0m0.268s`: user and system.
  const cpu = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  return { seconds: Number(taken) / 1e9, cpu: cpu.reduce((sum, value) => sum + value, 0) };
}

/** Threads are left out, and so is the process that nsenter makes on its way in, nsenter itself and the shell that it becomes. */
async function traced(
  { container }: LabNode,
  command: string,
  stdin: string,
): Promise<Pick<Cost, "processes" | "programs">> {
  const pid = (await docker(["inspect", "--format", "{{.State.Pid}}", container])).trim();
  const trace = path.join(os.tmpdir(), `pause-sandbox-bench-${process.pid}`);
  const options = ["-f", "-qq", "-e", "trace=clone,clone3,fork,vfork,execve", "-e", "signal=none", "-o", trace];
  try {
    // nsenter's own --wd is looked up on this side, before it enters the node's mounts.
    const inside = ["nsenter", "--target", pid, "--all", "sh", "-c", `cd /root && ${command}`];
    execFileSync("strace", [...options, ...inside], { input: stdin, stdio: ["pipe", "ignore", "pipe"] });
    const lines = fs.readFileSync(trace, "utf8").split("\n");
    const made = lines.filter((line) => /(clone|clone3|v?fork)\(/.test(line) && !line.includes("CLONE_THREAD"));
    // A call that another process interrupts in the trace stands on two lines.
    const began = lines.filter((line) => /execve(\(| resumed>).*= 0$/.test(line));
    return { processes: made.length - 1, programs: began.length - 2 };
  } finally {
    fs.rmSync(trace, { force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`make bench-node: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
