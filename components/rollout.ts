/** A node's place in the rollout. */
export interface RolloutStep {
  /** Index of the node in the list that was planned. */
  readonly index: number;
  /** Indexes of the nodes that must be done before this one starts; at most one. */
  readonly after: readonly number[];
}

/** The order of a rollout: steps in the order they start, and the last ones, which everything later waits for. */
export interface RolloutPlan {
  readonly steps: readonly RolloutStep[];
  /** Indexes of the nodes after which the whole rollout is done. */
  readonly last: readonly number[];
}

/**
 * Plans the order of nodes: canaries one after the other, then the others in a sliding window.
 *
 * Node i of the others waits for node i − window only. The graph stays linear in the number of nodes, and at most
 * `window` nodes are ever being changed. The engine starts no further node once one has failed.
 *
 * @param canary For every node, in the user's order, whether it is a canary. Where none is, the first node is.
 * @param window How many of the others may be changed at a time; see {@link windowSize}.
 */
export function planRollout(canary: readonly boolean[], window: number): RolloutPlan {
  const all = canary.map((_, index) => index);
  const marked = all.filter((index) => canary[index]);
  const canaries = marked.length > 0 ? marked : all.slice(0, 1);
  const others = all.filter((index) => !canaries.includes(index));
  const lastCanary = canaries.slice(-1);
  const steps = [
    ...canaries.map((index, i) => ({ index, after: canaries.slice(i - 1, i) })),
    ...others.map((index, i) => ({ index, after: i < window ? lastCanary : others.slice(i - window, i - window + 1) })),
  ];
  return { steps, last: others.length > 0 ? others.slice(-window) : lastCanary };
}

/**
 * How many nodes a `maxUnavailable` stands for.
 *
 * @param maxUnavailable A whole number of nodes from 1, or a percentage from `1%` to `100%` of all nodes, rounded down
 *   but never below one node: a rollout that may touch no node would never end.
 * @param nodes Number of nodes.
 * @throws Error naming the field, the value and what is allowed.
 */
export function windowSize(maxUnavailable: number | string, nodes: number): number {
  const percent = typeof maxUnavailable === "string" ? /^([1-9][0-9]?|100)%$/.exec(maxUnavailable) : null;
  if (percent) return Math.max(1, Math.floor((nodes * Number(percent[1])) / 100));
  if (typeof maxUnavailable === "number" && Number.isInteger(maxUnavailable) && maxUnavailable >= 1) {
    return maxUnavailable;
  }
  throw new Error(
    `maxUnavailable: ${JSON.stringify(maxUnavailable)} is not allowed; ` +
      `it must be a whole number from 1, or a percentage from "1%" to "100%"`,
  );
}
