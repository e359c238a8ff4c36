/**
 * What a mistake costs: `make bench-mistake`. What the program needs to report a mistake in a stack's file, in CPU time and in
 * memory, beside a preview without one. Fails when a mistake costs more than the preview by far.
 */
import Table from "cli-table3";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { messageOf } from "../../components/errors";
import { type Ended, NODES, start, starter } from "../../tests/support/starter";

const RUNS = 5;

/** How often the time and the memory of a preview a mistake may take. */
const LIMIT = 1.25;

const TREE = path.join(__dirname, "../..");

interface Cost {
  /** Of the processor: what else the machine does is not the program's time. */
  seconds: number;
  megabytes: number;
}

const STACKS = {
  "a good preview": { settings: {}, status: 0 },
  "a mistake in a shape": { settings: { nodes: [{ ...NODES[0], canry: true }] }, status: 32 },
  "a mistake in a value": { settings: { maxUnavailable: "0%" }, status: 32 },
};

async function main(): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-bench-"));
  try {
    const table = new Table({
      head: ["", "CPU, seconds (median)", "memory, MB", "times a preview's time", "times its memory"],
      style: { head: [], border: [], compact: true },
    });
    const broken: string[] = [];
    let good: Cost | undefined;
    for (const [name, stack] of Object.entries(STACKS)) {
      const cost = await measure(folder, stack);
      good ??= cost;
      const ratios = [cost.seconds / good.seconds, cost.megabytes / good.megabytes];
      table.push([
        name,
        cost.seconds.toFixed(1),
        cost.megabytes.toFixed(0),
        ...ratios.map((ratio) => ratio.toFixed(2)),
      ]);
      if (ratios.some((ratio) => !(ratio <= LIMIT))) broken.push(`${name} costs more than ${LIMIT} times a preview`);
    }
    const manifest = path.join(TREE, "node_modules/@pulumi/pulumi/package.json");
    const { version: sdk } = JSON.parse(fs.readFileSync(manifest, "utf8")) as { version: string };
    const node = execFileSync("node", ["--version"], { encoding: "utf8" }).trim();
    process.stdout.write(`${table.toString()}\nNode.js ${node}, Pulumi SDK ${sdk}, ${RUNS} runs each\n`);
    if (broken.length > 0) throw new Error(broken.join("; "));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** The median of the runs of one stack. */
async function measure(folder: string, { settings, status }: (typeof STACKS)[keyof typeof STACKS]): Promise<Cost> {
  const costs: Cost[] = [];
  for (let i = 0; i < RUNS; i++) costs.push(await once(folder, settings, status));
  const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? NaN;
  return {
    seconds: median(costs.map(({ seconds }) => seconds)),
    megabytes: median(costs.map(({ megabytes }) => megabytes)),
  };
}

async function once(folder: string, settings: object, status: number): Promise<Cost> {
  const note = path.join(folder, "usage");
  // Linux counts in kilobytes.
  const code = `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(note)},
    JSON.stringify(process.resourceUsage())))`;
  const preload = path.join(folder, "usage.cjs");
  fs.writeFileSync(preload, code);
  const ended: Ended = await start(TREE, { ...settings }, starter("--require", preload));
  if (ended.status !== status) throw new Error([`ended with ${ended.status}`, ...ended.errors, ended.said].join("\n"));
  const usage = JSON.parse(fs.readFileSync(note, "utf8")) as NodeJS.ResourceUsage;
  return { seconds: (usage.userCPUTime + usage.systemCPUTime) / 1e6, megabytes: usage.maxRSS / 1024 };
}

main().catch((error: unknown) => {
  process.stderr.write(`make bench-mistake: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
