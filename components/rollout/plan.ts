import { userError } from "../errors";
import { describe } from "../problems";

/** A node's place in the rollout. */
export interface RolloutStep<N> {
  readonly node: N;
  /** The nodes that must be done before this one starts. */
  readonly after: readonly N[];
}

/** The order of a rollout. */
export interface RolloutPlan<N> {
  /** Every node once, in the order in which they may start. */
  readonly steps: readonly RolloutStep<N>[];
  /** The canaries: they go first, one after the other. */
  readonly canaries: readonly N[];
  /** The nodes after which the whole rollout is done. */
  readonly last: readonly N[];
}

/** A group of nodes, and how many of them may be changed at a time. */
export interface RolloutWindow {
  readonly group?: string;
  readonly window: number;
}

/**
 * Plans the order of nodes: canaries one after the other, then group by group, each in a sliding window.
 *
 * Node i of a group waits only for node i − window. If a window is wider than one node, the first node of the next group starts alone,
 * after all nodes before it. So the graph stays linear in the number of nodes. At most `window` nodes are ever being changed.
 * The engine starts no further node once one has failed.
 *
 * @param nodes In the user's order, which is kept within a group. Where none is a canary, the first one is. A gone node shows nothing
 *   about the others, so it is none.
 * @param windows In their order; every group of the nodes once. See {@link windowSize}.
 */
export function planRollout<N extends { canary?: boolean; group?: string; gone?: boolean }>(
  nodes: readonly N[],
  windows: readonly RolloutWindow[],
): RolloutPlan<N> {
  const there = nodes.filter(({ gone }) => gone !== true);
  const marked = there.filter(({ canary }) => canary === true);
  const first = there.find(({ group }) => group === windows[0]?.group) ?? there[0] ?? nodes[0];
  const canaries = marked.length > 0 || first === undefined ? marked : [first];
  const all = new Set(canaries);
  const steps: RolloutStep<N>[] = canaries.map((node, i) => ({ node, after: canaries.slice(Math.max(0, i - 1), i) }));
  let last: readonly N[] = canaries.slice(-1);
  for (const { group, window } of windows) {
    const others = nodes.filter((node) => node.group === group && !all.has(node));
    if (others.length === 0) continue;
    steps.push(...planGroup(others, window, last));
    last = others.slice(-window);
  }
  return { steps, canaries, last };
}

function planGroup<N>(nodes: readonly N[], window: number, before: readonly N[]): RolloutStep<N>[] {
  const [first, ...rest] = nodes;
  if (first !== undefined && before.length > 1 && window > 1) {
    return [{ node: first, after: before }, ...planGroup(rest, window, [first])];
  }
  return nodes.map((node, i) => ({ node, after: i < window ? before : nodes.slice(i - window, i - window + 1) }));
}

/**
 * How many nodes a `maxUnavailable` stands for.
 *
 * @param maxUnavailable A whole number of nodes from `1`, or a percentage from `1%` to `100%` of all nodes. It is
 *   rounded down, but never below one node: a rollout that may touch no node would never end.
 * @param nodes Number of nodes that are not gone.
 * @throws Error naming the value and what is allowed.
 */
export function windowSize(maxUnavailable: string, nodes: number): number {
  // Programs without types may pass a number of the same meaning. It is refused: one type for every language is simpler.
  const given = typeof (maxUnavailable as unknown) === "string" ? maxUnavailable : "";
  const [, count, percent] = /^(?:([1-9][0-9]{0,8})|([1-9][0-9]?|100)%)$/.exec(given) ?? [];
  if (count !== undefined) return Number(count);
  if (percent !== undefined) return Math.max(1, Math.floor((nodes * Number(percent)) / 100));
  throw userError(
    `${describe(maxUnavailable)} is not allowed; ` +
      `it must be a text: a whole number from "1", or a percentage from "1%" to "100%"`,
  );
}
