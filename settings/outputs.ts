import type { NodeReport } from "../components";

/** So many nodes that differ are named; with 5,000 nodes nobody reads more. */
const NAMED = 20;

/** What a person wants to know of the nodes after a run. */
export interface NodesSummary {
  /** How many nodes there are: all of them, and by the status that each reported last. */
  readonly count: Record<string, number>;
  /** The nodes that differ from most others, a line each: name, status, runtime, image. */
  readonly differing: string[];
}

/** Counts the nodes, and names those with another status, runtime or image than most have. */
export function summaryOf(reports: Record<string, NodeReport>): NodesSummary {
  const nodes = Object.entries(reports);
  const count: Record<string, number> = { total: nodes.length, changed: 0, unchanged: 0 };
  const alike: Record<string, number> = {};
  for (const [, report] of nodes) {
    add(count, report.status);
    add(alike, kindOf(report));
  }
  const [usual] = Object.entries(alike).reduce((most, kind) => (kind[1] > most[1] ? kind : most), ["", 0]);
  const differing = nodes
    .filter(([, report]) => kindOf(report) !== usual)
    .map(([name, report]) => `${name}: ${kindOf(report)}`);
  const left = differing.length - NAMED;
  return { count, differing: left > 0 ? [...differing.slice(0, NAMED), `and ${left} more`] : differing };
}

/** All that makes a node worth a look. */
const kindOf = ({ status, runtime, image }: NodeReport): string => `${status}, ${runtime}, ${image}`;

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
