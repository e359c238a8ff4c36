/** How far a rollout is: one outcome per node, so that the counts add up in every shape of a run. */
import { counted } from "../counted";
import { NodeStatus } from "../node/nodeScript";

/** The outcome of a node in this run. */
export type Outcome =
  | NodeStatus
  /** It failed, or its report cannot be read. */
  | "failed"
  /** Its host is gone: the run does not connect to it. */
  | "gone"
  /** `pulumi up --target` or `--exclude` leaves it out, although its settings changed. */
  | "left out";

/** The outcome of each node that has one, by the name of its resource. Nodes that are not in the plan have none. */
export class Progress {
  private readonly outcomes = new Map<string, Outcome>();

  /** @param nodes The nodes of the plan, by the names of their resources. */
  constructor(private readonly nodes: ReadonlySet<string>) {}

  /** Sets an outcome. A failed node stays failed. @returns False where the node is not in the plan. */
  note(node: string, outcome: Outcome): boolean {
    if (!this.nodes.has(node)) return false;
    if (this.outcomes.get(node) !== "failed") this.outcomes.set(node, outcome);
    return true;
  }

  /** The nodes with an outcome, in the order in which they got one. */
  with(outcome: Outcome): string[] {
    return [...this.outcomes].filter(([, one]) => one === outcome).map(([node]) => node);
  }

  /** Number of nodes in this run, without nodes whose host is gone. */
  get total(): number {
    return this.nodes.size - this.count("gone");
  }

  /** Number of nodes that are well, or whose settings did not change. */
  get done(): number {
    return Object.values(NodeStatus).reduce((sum, status) => sum + this.count(status), 0);
  }

  /** Number of nodes without an outcome. */
  get waiting(): number {
    return this.nodes.size - this.outcomes.size;
  }

  count(outcome: Outcome): number {
    return this.with(outcome).length;
  }
}

/** The outcomes so far. */
export function doneSoFar(progress: Progress): string {
  const some = (outcome: Outcome, words: string): string[] => {
    const count = progress.count(outcome);
    return count > 0 ? [`${count} ${words}`] : [];
  };
  const kinds = [
    `${progress.count(NodeStatus.Changed)} changed`,
    `${progress.count(NodeStatus.Unchanged)} unchanged`,
    ...some(NodeStatus.WouldChange, "would change"),
  ];
  const others = [...some("gone", "gone"), ...some("left out", "left out of this run")];
  const done = `${progress.done} of ${counted(progress.total, "node")} done (${kinds.join(", ")})`;
  return [done, ...others].join(", ");
}

/** The outcomes so far, with the failed and the waiting nodes. */
export const allSoFar = (progress: Progress): string =>
  `${doneSoFar(progress)}, ${progress.count("failed")} failed, ${progress.waiting} waiting`;

/** The counts of a rollout that stops. */
export const stops = (progress: Progress): string => `the rollout stops: ${allSoFar(progress)} or under way.`;

/** The message for a node that is not begun after a failure. */
export const notBegun = (progress: Progress): string =>
  `not begun, because ${progress.with("failed").join(", ")} failed: the rollout stops at the first failure`;

/** True at each tenth of all nodes: then the progress is printed. 5,000 nodes must not print 5,000 lines. */
export function isStep({ total, done }: Pick<Progress, "total" | "done">): boolean {
  const tenths = (count: number): number => Math.floor((count * 10) / total);
  return tenths(done) > tenths(done - 1);
}
