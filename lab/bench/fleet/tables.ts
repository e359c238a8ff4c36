/** The figures of a fleet as tables, and which targets are met. */
import type { Cost } from "../support/cost";
import { markdown } from "../support/markdown";
import { target } from "../support/target";
import type { Contender } from "./contenders";

export const RUNS = {
  first: "the first run",
  nothing: "nothing to do",
  file: "one file changed per host",
  again: "nothing to do, but every host is looked at",
};
export type RunName = keyof typeof RUNS;

/** With the processor time of the hosts beside that of the one who changes them. */
type FleetCost = Cost & { hosts: number };

export interface Figures {
  contender: Contender;
  costs: Partial<Record<RunName, FleetCost>>;
}

export function report(size: number, all: readonly Figures[]): string {
  const parts = (Object.keys(RUNS) as RunName[]).map((run) => [
    `${size} hosts, ${RUNS[run]}:`,
    "",
    table(run, all),
    "",
  ]);
  return [...parts.flat(), ...targets(size, all)].join("\n");
}

const HEAD = ["", "wall, s", "CPU, s", "CPU of the hosts, s", "memory, MB", "wall/ours"];

function table(run: RunName, all: readonly Figures[]): string {
  const ours = costOf(all, "ours", run);
  const rows = all.flatMap(({ contender, costs }) => {
    const cost = costs[run];
    if (!cost) return [];
    const figures = [cost.wall, cost.cpu, cost.hosts].map((seconds) => seconds.toFixed(1));
    return [[contender.name, ...figures, cost.megabytes.toFixed(0), (cost.wall / ours.wall).toFixed(2)]];
  });
  return markdown(HEAD, rows);
}

function costOf(all: readonly Figures[], kind: Contender["kind"], run: RunName): FleetCost {
  const cost = all.find(({ contender }) => contender.kind === kind)?.costs[run];
  if (!cost) throw new Error(`${kind} was not measured: ${RUNS[run]}`);
  return cost;
}

/** What this project asks of itself, by the wall clock of the first run. */
function targets(size: number, all: readonly Figures[]): string[] {
  const wall = (kind: Contender["kind"]) => costOf(all, kind, "first").wall;
  const own = wall("ours") - wall("empty");
  return [
    target(`${size} hosts, first run: wall ours/Ansible`, wall("ours") / wall("ansible"), 1 / 18),
    target(`${size} hosts, first run: wall ours/eight commands`, wall("ours") / wall("naive"), 1 / 6),
    target(`${size} hosts, first run: wall ours less an empty program, over plain ssh`, own / wall("plain"), 1),
  ];
}
