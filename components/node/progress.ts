/** What becomes of a rollout: how far it is, and that it ends where one node fails. */
import * as pulumi from "@pulumi/pulumi";
import { AsyncResource } from "node:async_hooks";

/** Counts of one rollout. */
export interface Progress {
  readonly total: number;
  /** Changed in this run, or found as they are wanted. */
  done: number;
  /** Names of the resources that failed. */
  readonly failed: string[];
}

/** What to say of a node that failed. */
export function stopped({ total, done, failed }: Progress): string {
  const waiting = total - done - failed.length;
  return (
    `the rollout stops: ${done} of ${total} nodes done, ${failed.length} failed, ${waiting} waiting or under way. ` +
    "A node that failed has restored itself. Mend the cause and run pulumi up again: it goes on where it stopped."
  );
}

/** What to say of a node that is not begun any more. */
export const notBegun = ({ failed }: Progress): string =>
  `not begun, because ${failed.join(", ")} failed: the rollout stops at the first failure`;

let count = 0;

/**
 * Has the engine begin no further node once one has failed, also with `--continue-on-error`. Has it say how far the rollout came.
 * Where no hooks can be had, as under mocks, it goes without.
 * @param total How many nodes the rollout has.
 */
export class Rollout {
  private readonly progress: Progress;
  private readonly hooks: pulumi.CustomResourceOptions["hooks"];

  constructor(total: number) {
    this.progress = { total, done: 0, failed: [] };
    const monitor = pulumi.runtime.getMonitor() as object | undefined;
    const can = monitor && "registerErrorHook" in monitor && !pulumi.runtime.isDryRun();
    this.hooks = can ? this.made() : undefined;
  }

  /** The options of a node of this rollout. */
  options(): pulumi.CustomResourceOptions {
    return this.hooks === undefined ? {} : { hooks: this.hooks };
  }

  /** Counts a node as soon as the engine is done with it. One that fails never is. */
  counts(node: pulumi.Resource): void {
    if (this.hooks === undefined) return;
    node.urn.apply(() => {
      this.progress.done++;
    });
  }

  private made(): pulumi.CustomResourceOptions["hooks"] {
    const name = `pause-sandbox-rollout-${++count}`;
    const refuse = (): void => {
      if (this.progress.failed.length > 0) throw new Error(notBegun(this.progress));
    };
    const say = async ({ urn, name: node }: pulumi.ErrorHookArgs): Promise<boolean> => {
      // A node that was not begun is no failure of its own.
      const first = this.progress.failed.length === 0;
      if (!this.progress.failed.includes(node)) this.progress.failed.push(node);
      // Only its URN is asked of the resource.
      if (first) await pulumi.log.error(stopped(this.progress), { urn: pulumi.output(urn) } as pulumi.Resource);
      return false;
    };
    const begin = new pulumi.ResourceHook(`${name}-begin`, AsyncResource.bind(refuse));
    return {
      beforeCreate: [begin],
      beforeUpdate: [begin],
      onError: [new pulumi.ErrorHook(name, AsyncResource.bind(say))],
    };
  }
}
