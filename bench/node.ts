/**
 * What a node costs: `make bench-node`. On the nodes of a lab that is healed: how long a run takes that finds nothing to
 * do, how many processes it starts, and what each node adds to the engine's state. Fails when a limit is broken.
 */
import Table from "cli-table3";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";

import { clusterDown, clusterUp, type LabNode, labStands } from "../lab/cluster";
import { docker } from "../lab/cluster/docker";
import { openStack } from "../lab/engine";
import { lineLog } from "../lab/log";
import { logIn } from "../tests/support/nodes/delivered";

const RUNS = 15;

/** What a run with nothing to do, and a further node in a compressed state, may cost. */
const LIMITS = { seconds: 0.3, processes: 60, state: 6_000 };

interface Resource {
  type: string;
  urn: string;
  inputs: { create: string; stdin: string };
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
    const row = async (title: string, cell: (node: LabNode, resource: Resource) => Promise<string>) => {
      const cells = lab.nodes.map((node) => {
        const resource = commands.find(({ urn }) => urn.endsWith(`-${node.name}`));
        if (!resource) throw new Error(`${node.name} is not in the state`);
        return cell(node, resource);
      });
      table.push([title, ...(await Promise.all(cells))]);
    };
    const broken: string[] = [];
    const within = (what: string, value: number, limit: number): number => {
      if (!(value <= limit)) broken.push(`${what}: ${value}, which may be ${limit} at most`);
      return value;
    };
    await row("nothing to do, seconds (median)", async (node, { inputs }) =>
      within(`${node.name}, seconds`, await seconds(node, inputs), LIMITS.seconds).toFixed(3),
    );
    await row("nothing to do, processes started", async (node, { inputs }) =>
      String(within(`${node.name}, processes`, await forks(node, inputs), LIMITS.processes)),
    );
    await row("command and stdin, bytes", (_, { inputs }) =>
      Promise.resolve(String(inputs.create.length + inputs.stdin.length)),
    );
    await row("state, bytes as JSON", (_, resource) => Promise.resolve(String(JSON.stringify(resource).length)));
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

async function seconds({ container }: LabNode, { create, stdin }: Resource["inputs"]): Promise<number> {
  const measured: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    // The shell's own clock: starting a process in the container from here is not the node's time.
    const timed = `t=$(date +%s%N); ${create} >/dev/null 2>&1 && echo $(($(date +%s%N) - t))`;
    measured.push(Number(await docker(logIn(container, timed), { input: stdin })) / 1e9);
  }
  return measured.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? NaN;
}

/** Every process that is made is seen, threads left out, and so is the one that nsenter makes on its way in. */
async function forks({ container }: LabNode, { create, stdin }: Resource["inputs"]): Promise<number> {
  const pid = (await docker(["inspect", "--format", "{{.State.Pid}}", container])).trim();
  const trace = path.join(os.tmpdir(), `pause-sandbox-bench-${process.pid}`);
  const options = ["-f", "-qq", "-e", "trace=clone,clone3,fork,vfork", "-e", "signal=none", "-o", trace];
  try {
    const inside = ["nsenter", "--target", pid, "--all", "--wd=/root", "sh", "-c", create];
    execFileSync("strace", [...options, ...inside], { input: stdin, stdio: ["pipe", "ignore", "pipe"] });
    const lines = fs.readFileSync(trace, "utf8").split("\n");
    return lines.filter((line) => /(clone|clone3|v?fork)\(/.test(line) && !line.includes("CLONE_THREAD")).length - 1;
  } finally {
    fs.rmSync(trace, { force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`make bench-node: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
