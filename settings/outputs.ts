import * as pulumi from "@pulumi/pulumi";

import { type NodeReport, NodeStatus } from "../components";
import { isKnown } from "../components/inputs";

/** So many nodes that differ are named; with 5,000 nodes nobody reads more. */
const NAMED = 20;

/** What a person wants to know of the nodes after a run. What the run itself did, its last line says. */
export interface NodesSummary {
  /** How many nodes there are: all but those whose host is gone, and of these how many are in order. */
  readonly count: Record<string, number>;
  /** The nodes that differ from most others, a line each: name, runtime, image, and what else there is to say. */
  readonly differing: string[];
}

/**
 * Counts the nodes, and names those with another runtime or image than most have, and those that are not as wanted.
 * @param listed Names of the stack's nodes; one without a report was never looked at.
 * @param gone Names of nodes whose host is gone: what they reported once is no news.
 * @param leftOut Names of nodes that the run left out although their settings changed: their reports are of other settings.
 */
export function summaryOf(
  reports: Record<string, NodeReport>,
  {
    listed = Object.keys(reports),
    gone = [],
    leftOut = [],
  }: Partial<Record<"listed" | "gone" | "leftOut", readonly string[]>> = {},
): NodesSummary {
  const looked = (name: string) => (leftOut.includes(name) ? undefined : reports[name]);
  const there = listed.filter((name) => !gone.includes(name));
  const count: Record<string, number> = { total: there.length, "in-order": 0 };
  if (gone.length > 0) count["gone"] = gone.length;
  const alike: Record<string, number> = {};
  const kinds = there.map((name) => [name, kindOf(looked(name))] as const);
  for (const [name, kind] of kinds) {
    add(count, stateOf(looked(name)));
    // A node that was not looked at is like no other.
    if (looked(name) !== undefined) add(alike, kind);
  }
  const [usual] = Object.entries(alike).reduce((most, kind) => (kind[1] > most[1] ? kind : most), ["", 0]);
  const differing = kinds.filter(([, kind]) => kind !== usual).map(([name, kind]) => `${name}: ${kind}`);
  const left = differing.length - NAMED;
  return { count, differing: left > 0 ? [...differing.slice(0, NAMED), `and ${left} more`] : differing };
}

const NOT_LOOKED_AT = "not-looked-at";

/** A node that was changed is in order as one that was left alone: that is no difference to look at. */
function stateOf(report: NodeReport | undefined): string {
  if (report === undefined) return NOT_LOOKED_AT;
  return report.status === NodeStatus.WouldChange ? NodeStatus.WouldChange : "in-order";
}

/** All that makes a node worth a look. */
function kindOf(report: NodeReport | undefined): string {
  if (report === undefined) return NOT_LOOKED_AT;
  const state = stateOf(report);
  return `${state === NodeStatus.WouldChange ? `${state}, ` : ""}${report.runtime}, ${report.image}`;
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

/**
 * A program whose stack keeps the outputs of the last run if a run fails.
 *
 * The engine merges the outputs that a failed run registers into those of the last run. A run that registers none is printed as if it
 * had removed all (pulumi/pulumi#15755). With `--continue-on-error`, an output of a failed resource is unknown, and the state would get
 * the engine's placeholder as its value. So the program first registers no outputs at all, and at its end only those that are known.
 */
export function keptOnFailure<T extends object>(program: () => Promise<T>): () => Promise<T> {
  return async () => {
    const stack = pulumi.runtime.getStackResource();
    if (stack !== undefined) pulumi.runtime.registerResourceOutputs(stack, {});
    const outputs = await program();
    // In a preview, an unknown output is a change to show.
    return pulumi.runtime.isDryRun() ? outputs : onlyKnown(outputs);
  };
}

async function onlyKnown<T extends object>(outputs: T): Promise<T> {
  const all = Object.entries(outputs).map(async ([name, value]) => ((await isKnown(value)) ? [[name, value]] : []));
  return Object.fromEntries((await Promise.all(all)).flat()) as T;
}
