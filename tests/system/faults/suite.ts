/** Runs the table of faults on the nodes, each node by itself, and counts. */
import Table from "cli-table3";
import { all } from "../../../lab/cluster/wait";
import type { Log } from "../../../lab/log";
import type { Fault } from "./fault";
import { repeat, type Tally } from "./harness";
import { Random } from "./random";
import type { Target } from "../../support/nodes/target";

export interface SuiteOptions {
  form: "long" | "short";
  seed: number;
}

/** A row for every fault that this form has, in their order; nodes work side by side, so a fault's runs are shared out among them. */
export async function runSuite(faults: Fault[], targets: Target[], log: Log, options: SuiteOptions): Promise<Tally[]> {
  const rows = faults.filter(({ runs }) => runs[options.form] > 0);
  const tallies = rows.map(({ name }): Tally => ({ fault: name, runs: 0, survived: 0, notes: [], losses: [] }));
  await all(
    targets.map(async (target, lane) => {
      const random = new Random(options.seed + lane);
      for (const [row, fault] of rows.entries()) {
        const { on = () => true } = fault;
        const runs = on(target) ? share(fault.runs[options.form], row + lane, targets.filter(on).length) : 0;
        const tally = tallies[row];
        if (runs === 0 || !tally) continue;
        const count = await fault.turns?.(target);
        const turns = count
          ? spread(options.form === "long" ? count : runs, count, random)
          : Array<number>(runs).fill(1);
        const title = `${target.node.name}: ${fault.name} (${turns.length}${count ? ` of ${count}` : ""})`;
        const usable = await log.step(title, () => repeat(fault, target, random, turns, tally));
        if (!usable) break;
      }
    }),
  );
  return tallies;
}

/** What is left over goes to another node in every row. */
function share(runs: number, lane: number, lanes: number): number {
  return Math.floor(runs / lanes) + (lane % lanes < runs % lanes ? 1 : 0);
}

/** Evenly spaced turns, the first of them by chance. */
function spread(wanted: number, count: number, random: Random): number[] {
  const step = count / Math.min(wanted, count);
  const offset = random.next() * step;
  return Array.from({ length: Math.min(wanted, count) }, (_, index) => 1 + Math.floor(offset + index * step));
}

export function survived(tallies: Tally[]): boolean {
  return tallies.every((tally) => tally.runs > 0 && tally.survived === tally.runs);
}

export function report(tallies: Tally[]): string {
  const table = new Table({ head: ["fault", "runs", "survived", ""], style: { head: [], border: [] } });
  for (const { fault, runs, survived: good, notes } of tallies) table.push([fault, runs, good, counted(notes)]);
  const losses = tallies.flatMap(({ fault, losses: all }) => all.map((loss) => `LOST ${fault}: ${loss}`));
  return [table.toString(), ...losses, ""].join("\n");
}

/** `changing: 12, planning: 3` */
function counted(notes: string[]): string {
  const counts = new Map<string, number>();
  for (const note of notes) counts.set(note, (counts.get(note) ?? 0) + 1);
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([note, count]) => `${note}: ${count}`)
    .join("\n");
}
