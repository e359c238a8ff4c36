import { describe } from "./problems";
import { userError } from "./userError";

/** A node's place in the rollout. */
export interface RolloutStep<N> {
  readonly node: N;
  /** The nodes that must be done before this one starts; at most one. */
  readonly after: readonly N[];
}

/** The order of a rollout. */
export interface RolloutPlan<N> {
  /** Every node once, in the order in which they may start. */
  readonly steps: readonly RolloutStep<N>[];
  /** The nodes after which the whole rollout is done. */
  readonly last: readonly N[];
}

/**
 * Plans the order of nodes: canaries one after the other, then the others in a sliding window.
 *
 * Node i of the others waits for node i − window only. The graph stays linear in the number of nodes, and at most
 * `window` nodes are ever being changed. The engine starts no further node once one has failed.
 *
 * @param nodes In the user's order, which is kept. Where none is a canary, the first one is.
 * @param window How many of the others may be changed at a time; see {@link windowSize}.
 */
export function planRollout<N extends { canary?: boolean }>(nodes: readonly N[], window: number): RolloutPlan<N> {
  const marked = nodes.filter(({ canary }) => canary);
  const canaries = marked.length > 0 ? marked : nodes.slice(0, 1);
  const others = marked.length > 0 ? nodes.filter(({ canary }) => !canary) : nodes.slice(1);
  const lastCanary = canaries.slice(-1);
  const steps = [
    ...canaries.map((node, i) => ({ node, after: canaries.slice(Math.max(0, i - 1), i) })),
    ...others.map((node, i) => ({ node, after: i < window ? lastCanary : others.slice(i - window, i - window + 1) })),
  ];
  return { steps, last: others.length > 0 ? others.slice(-window) : lastCanary };
}

/**
 * How many nodes a `maxUnavailable` stands for.
 *
 * @param maxUnavailable A whole number of nodes from `1`, or a percentage from `1%` to `100%` of all nodes. It is
 *   rounded down, but never below one node: a rollout that may touch no node would never end.
 * @param nodes Number of nodes.
 * @throws Error naming the field, the value and what is allowed.
 */
export function windowSize(maxUnavailable: string, nodes: number): number {
  // Programs without types may give a number, which would mean the same: one type for every language is simpler.
  const given = typeof (maxUnavailable as unknown) === "string" ? maxUnavailable : "";
  const [, count, percent] = /^(?:([1-9][0-9]{0,8})|([1-9][0-9]?|100)%)$/.exec(given) ?? [];
  if (count !== undefined) return Number(count);
  if (percent !== undefined) return Math.max(1, Math.floor((nodes * Number(percent)) / 100));
  throw userError(
    `maxUnavailable: ${describe(maxUnavailable)} is not allowed; ` +
      `it must be a text: a whole number from "1", or a percentage from "1%" to "100%"`,
  );
}
