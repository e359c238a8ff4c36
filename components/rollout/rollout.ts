/** What becomes of a rollout: how far it is, and that it ends where one node fails. */
import * as pulumi from "@pulumi/pulumi";
import { AsyncResource } from "node:async_hooks";

import { soak } from "./soak";
import { cannotBeReached, whatOfNode } from "./unreachable";
import { type ClusterAccess, clusterBy, podsOn } from "../cluster/access";
import type { Cluster } from "../cluster/kubeconfig";
import { hookableMonitor } from "../engine";
import { messageOf } from "../errors";
import { known } from "../inputs";
import { NodeStatus, NOT_KNOWN, parseReport } from "../node/nodeScript";
import { textWhenKnown } from "../node/whatChanges";
import * as log from "../log";

/** Counts of one rollout. */
export interface Progress {
  readonly total: number;
  /** Status of each finished node, by resource name. */
  readonly done: Map<string, NodeStatus>;
  /** Names of the resources that failed, or whose report cannot be read. */
  readonly failed: string[];
}

/** A node of a rollout. */
export interface RolloutNode {
  /** Its name in the cluster. */
  readonly name: string;
  /** Changed before the others, one after the other. */
  readonly canary: boolean;
}

/** What became of the nodes that are done. */
export function doneSoFar({ total, done }: Progress): string {
  const count = (status: NodeStatus): number => [...done.values()].filter((one) => one === status).length;
  const planned = count(NodeStatus.WouldChange);
  const kinds = [`${count(NodeStatus.Changed)} changed`, `${count(NodeStatus.Unchanged)} unchanged`];
  if (planned > 0) kinds.push(`${planned} would change`);
  return `${done.size} of ${total} nodes done (${kinds.join(", ")})`;
}

/** What to say of a node that failed. */
export const stopped = (progress: Progress): string =>
  `${stops(progress)} A node that failed has restored itself. ` +
  "Mend the cause and run pulumi up again: it goes on where it stopped.";

/** What to say of a node that reports nothing, although the engine believes it to be done. */
export const unread = (progress: Progress, name: string): string =>
  `${stops(progress)} The command on ${name} succeeded, but its report cannot be read. ${NOT_KNOWN}.`;

function stops(progress: Progress): string {
  const { total, done, failed } = progress;
  const waiting = total - done.size - failed.length;
  return `the rollout stops: ${doneSoFar(progress)}, ${failed.length} failed, ${waiting} waiting or under way.`;
}

/** What to say of a node that is not begun any more. */
export const notBegun = ({ failed }: Progress): string =>
  `not begun, because ${failed.join(", ")} failed: the rollout stops at the first failure`;

/** Whether people are told how far it is: at each tenth of all nodes. 5,000 nodes are not 5,000 lines. */
export function isStep({ total, done }: Progress): boolean {
  const tenths = (count: number): number => Math.floor((count * 10) / total);
  return tenths(done.size) > tenths(done.size - 1);
}

/** What a rollout has besides its nodes. */
export interface RolloutOptions {
  /** Between the last canary that was changed and the other nodes. */
  readonly soakSeconds: pulumi.Input<number>;
  /** Whom to ask for Pods on canaries, and for a node that cannot be reached. Without it, a soak is only a wait. */
  readonly access?: ClusterAccess;
}

let count = 0;

/**
 * Has the engine begin no further node once one has failed, also with `--continue-on-error`. Says how far the rollout is.
 * Where no hooks can be had, as under mocks, it goes without.
 */
export class Rollout {
  private readonly progress: Progress;
  private readonly hooks: pulumi.CustomResourceOptions["hooks"];
  /** What a node reports that the engine has run something on, by the name of its resource. */
  private readonly ran = new Map<string, NodeStatus>();
  private soaking?: Promise<void>;
  private soakFailed = false;

  /**
   * @param said The resource that the lines stand below.
   * @param nodes By the names of their resources.
   */
  constructor(
    private readonly said: pulumi.Resource,
    private readonly nodes: ReadonlyMap<string, RolloutNode>,
    private readonly asked: RolloutOptions,
  ) {
    this.progress = { total: nodes.size, done: new Map(), failed: [] };
    const can = hookableMonitor("registerErrorHook") && !pulumi.runtime.isDryRun();
    this.hooks = can ? this.made() : undefined;
  }

  /** The options of a node of this rollout. */
  options(): pulumi.CustomResourceOptions {
    return this.hooks === undefined ? {} : { hooks: this.hooks };
  }

  /**
   * Counts a node as soon as the engine is done with it. One that fails never is. A report of an earlier run must be readable too: the
   * engine runs nothing on that node again.
   *
   * @returns The node, once it is counted: what waits for it is not begun where its report cannot be read. It is never rejected, since
   *   a program with a dependency that is rejected does not end.
   */
  counts(name: string, node: Counted): pulumi.Input<pulumi.Resource> {
    if (this.hooks === undefined) return node;
    return pulumi.all([node.urn, node.stdout]).apply(([urn, stdout]) => {
      if (statusOf(stdout) === undefined) this.reportsNothing(urn, name);
      else {
        // Where the engine had nothing to run, nothing has changed.
        this.progress.done.set(name, this.ran.get(name) ?? NodeStatus.Unchanged);
        this.tell(this.nodes.get(name)?.canary === true);
      }
      return node;
    });
  }

  /** Has no further node begun. The hook and the program both come here, in either order. */
  private reportsNothing(urn: string, name: string): void {
    if (this.progress.failed.includes(name)) return;
    this.progress.failed.push(name);
    void say(urn, unread(this.progress, name));
  }

  private tell(canary: boolean): void {
    const { total, done } = this.progress;
    if (done.size === total) void log.info(`${doneSoFar(this.progress)}, 0 failed, 0 waiting`, this.said);
    // These lines go with the next one: what stays is the last one.
    else if (canary || isStep(this.progress)) void log.info(doneSoFar(this.progress), this.said, true);
  }

  /** @throws Error where the node is not to be begun. */
  private async begin(name: string): Promise<void> {
    if (this.progress.failed.length > 0) throw new Error(notBegun(this.progress));
    const seconds = await known(this.asked.soakSeconds);
    const node = this.nodes.get(name);
    if (seconds === 0 || node === undefined) return;
    // A cluster that cannot be asked is found out before a canary is changed: the next run would not soak.
    if (node.canary) await this.cluster().then((cluster) => cluster && podsOn(cluster, node.name));
    else await (this.soaking ??= this.soak(seconds));
  }

  private async soak(seconds: number): Promise<void> {
    const changed = [...this.ran].filter(([, status]) => status === NodeStatus.Changed);
    const nodes = changed.flatMap(([resource]) => this.nodes.get(resource) ?? []).filter(({ canary }) => canary);
    if (nodes.length === 0) return;
    const names = nodes.map(({ name }) => name);
    const begun = (pods: number): void => {
      const watched =
        this.asked.access === undefined ? "" : `: ${pods} Ready Pods on ${names.join(", ")} must stay Ready`;
      void log.info(`waiting ${seconds} s before the other nodes${watched}`, this.said, true);
    };
    try {
      await soak({ seconds, nodes: names, cluster: await this.cluster(), begun });
    } catch (error) {
      this.soakFailed = true;
      const why = messageOf(error);
      await log.error(`the rollout stops behind its canaries: ${why}. ${doneSoFar(this.progress)}.`, this.said);
      throw new Error("not begun: the canaries have not passed their soak", { cause: error });
    }
  }

  /** What the cluster says of a node that cannot be reached. */
  private async ofTheCluster(resource: string, errors: readonly string[]): Promise<string[]> {
    const node = this.nodes.get(resource) ?? this.nodes.get(resource.replace(/-script$/, ""));
    const { access } = this.asked;
    if (access === undefined || node === undefined || !cannotBeReached(errors)) return [];
    return [await whatOfNode(access, node.name)];
  }

  private async cluster(): Promise<Cluster | undefined> {
    return this.asked.access === undefined ? undefined : clusterBy(this.asked.access);
  }

  private made(): pulumi.CustomResourceOptions["hooks"] {
    const name = `pause-sandbox-rollout-${++count}`;
    const refuse = ({ name: node }: pulumi.ResourceHookArgs): Promise<void> => this.begin(node);
    const note = async ({ urn, name: node, newOutputs = {} }: pulumi.ResourceHookArgs): Promise<void> => {
      const status = statusOf(await textWhenKnown(newOutputs.stdout));
      if (status === undefined) this.reportsNothing(urn, node);
      else this.ran.set(node, status);
    };
    const fail = async ({ urn, name: node, errors }: pulumi.ErrorHookArgs): Promise<boolean> => {
      if (this.soakFailed) return false;
      // A node that was not begun is no failure of its own.
      const first = this.progress.failed.length === 0;
      if (!this.progress.failed.includes(node)) this.progress.failed.push(node);
      const text = [...(first ? [stopped(this.progress)] : []), ...(await this.ofTheCluster(node, errors))].join(" ");
      if (text !== "") await say(urn, text);
      return false;
    };
    // An inline program's engine is known in its own context only, which the engine does not call in.
    const begin = new pulumi.ResourceHook(`${name}-begin`, AsyncResource.bind(refuse));
    const end = new pulumi.ResourceHook(`${name}-end`, AsyncResource.bind(note));
    return {
      ...{ beforeCreate: [begin], beforeUpdate: [begin], afterCreate: [end], afterUpdate: [end] },
      onError: [new pulumi.ErrorHook(name, AsyncResource.bind(fail))],
    };
  }
}

/** What is asked of a node that is counted. */
type Counted = pulumi.Resource & { readonly stdout: pulumi.Output<string> };

/** Writes an error below a resource, of which only the URN is asked. */
const say = (urn: string, text: string): Promise<void> =>
  log.error(text, { urn: pulumi.output(urn) } as pulumi.Resource);

/** Undefined where the report cannot be read: the node counts as failed. */
function statusOf(stdout: string | undefined): NodeStatus | undefined {
  try {
    return parseReport(stdout).status;
  } catch {
    return undefined;
  }
}
