/** Follows a rollout: prints its progress, and stops it at the first failed node. */
import * as pulumi from "@pulumi/pulumi";
import { AsyncResource } from "node:async_hooks";

import { type Failure, failureOf } from "./failure";
import { allSoFar, doneSoFar, isStep, notBegun, type Outcome, Progress, stops } from "./progress";
import { soak } from "./soak";
import { whatOfNode } from "./unreachable";
import { type ClusterAccess, clusterBy, podsOn } from "../cluster/access";
import type { Cluster } from "../cluster/kubeconfig";
import { counted } from "../counted";
import { cliIsNewEnough, hookableMonitor, interrupted } from "../engine";
import { messageOf } from "../errors";
import { known } from "../inputs";
import { isUnanswered } from "../node/loginFailure";
import { NodeStatus, NOT_KNOWN, parseReport } from "../node/nodeScript";
import { type Asked, looked, type SandboxNode, stdoutOf } from "../node/sandboxNode";
import { textWhenKnown } from "../node/whatChanges";
import * as log from "../log";

/** A node of a rollout. */
export interface RolloutNode {
  /** Its name in the cluster. */
  readonly name: string;
  /** Changed before the others, one after the other. */
  readonly canary: boolean;
  /** Its host does not exist any more: nothing runs on it. */
  readonly gone?: boolean;
}

/** The message for a failed node. */
export const stopped = (progress: Progress, { became }: Pick<Failure, "became">): string =>
  `${stops(progress)} ${became} Fix the cause and run pulumi up again: it goes on where it stopped.`;

/** The message for a run that somebody interrupts. The engine begins nothing more, and finishes what runs. */
const interruptedAt = (progress: Progress): string =>
  `interrupted: ${allSoFar(progress)} or under way. The next pulumi up goes on where this one stopped.`;

/** The message for a node whose command succeeded, but whose report cannot be read. */
export const unread = (progress: Progress, name: string): string =>
  `${stops(progress)} The command on ${name} succeeded, but its report cannot be read. ${NOT_KNOWN}.`;

/** The message for a node that leaves the stack and cannot be restored. */
export const notRemoved = (progress: Progress, name: string): string =>
  `${name} was removed from the stack, but could not be restored: ${allSoFar(progress)}. ` +
  "The next pulumi up tries again. If its host no longer exists, set gone: true on the node, run pulumi up, and then remove the node.";

/** The message for a gone node that is not in the state. */
const neverHealed = (name: string): string =>
  `${name} is marked as gone, but no run has healed it, so there is nothing to keep: take it out of the nodes, or its host out of the ` +
  "group of the inventory or the selector";

/** Options of a rollout. */
export interface RolloutOptions {
  /** Between the last canary that was changed and the other nodes. */
  readonly soakSeconds: pulumi.Input<number>;
  /** The cluster, for Pods on canaries and for unreachable nodes. Without it, a soak is only a wait. */
  readonly access?: ClusterAccess;
}

/** Hook names in use per program: an engine accepts each name once. */
const taken = new WeakMap<object, Set<string>>();

/**
 * The name is the same in each run of a program. The state stores it with every node, and a node that leaves the stack is restored
 * with the hook of that name.
 */
function hookName(monitor: object, component: string): string {
  const names = taken.get(monitor) ?? new Set();
  taken.set(monitor, names);
  const wanted = `pause-sandbox-rollout-${component}`;
  let name = wanted;
  for (let i = 2; names.has(name); i++) name = `${wanted}-${i}`;
  names.add(name);
  return name;
}

/**
 * Makes the engine begin no further node after a failure, also with `--continue-on-error`. Prints the progress of the rollout.
 * Without hooks, as under mocks, it does neither.
 */
export class Rollout {
  private readonly progress: Progress;
  private readonly hooks: pulumi.CustomResourceOptions["hooks"];
  /** Status of each node on which the engine ran a command, by resource name. */
  private readonly ran = new Map<string, NodeStatus>();
  private soaks?: pulumi.ResourceHook;
  private passedBy = false;
  /** Rejected if Pulumi's CLI would not tell of a failed node: then no node begins. */
  private readonly cli: Promise<void>;

  /**
   * @param name Name of the component.
   * @param said The resource under which log lines appear.
   * @param nodes By the names of their resources.
   */
  constructor(
    name: string,
    private readonly said: pulumi.Resource,
    private readonly nodes: ReadonlyMap<string, RolloutNode>,
    private readonly asked: RolloutOptions,
  ) {
    this.progress = new Progress(new Set(nodes.keys()));
    const monitor = hookableMonitor("registerErrorHook");
    this.cli = monitor ? cliIsNewEnough() : Promise.resolve();
    // A preview begins no node, but fails too.
    this.cli.catch((error: unknown) => log.error(messageOf(error), this.said));
    this.hooks = monitor && !pulumi.runtime.isDryRun() ? this.made(hookName(monitor, name)) : undefined;
  }

  /** The options of a node of this rollout. */
  options(): pulumi.CustomResourceOptions {
    return this.hooks === undefined ? {} : { hooks: this.hooks };
  }

  /**
   * Counts a node when the engine has finished it. A failed node is never finished. A report of an earlier run must be readable too: the
   * engine runs no command on that node again.
   *
   * @returns The node, after it is counted. If its report cannot be read, the nodes that wait for it are not begun. The Output is never
   *   rejected, because a program with a rejected dependency does not end.
   */
  counts(name: string, node: Counted): pulumi.Input<pulumi.Resource> {
    if (this.hooks === undefined) return node;
    return pulumi.all([node.urn, stdoutOf(node), looked(node)]).apply(([urn, stdout, asked]) => {
      if (this.nodes.get(name)?.gone === true) this.tell(name, "gone");
      else if (!asked && !this.ran.has(name)) this.tell(name, "left out");
      else if (statusOf(stdout) === undefined) this.reportsNothing(urn, name);
      // If the engine ran no command, the node did not change.
      else this.tell(name, this.ran.get(name) ?? NodeStatus.Unchanged);
      return node;
    });
  }

  /** Marks the node as failed, so that no further node begins. The hook and the program both call this, in either order. */
  private reportsNothing(urn: string, name: string): void {
    if (this.progress.with("failed").includes(name)) return;
    this.progress.note(name, "failed");
    void say(urn, unread(this.progress, name));
  }

  private tell(name: string, outcome: Outcome): void {
    const { progress } = this;
    progress.note(name, outcome);
    if (progress.waiting === 0 && progress.count("failed") === 0) void log.info(allSoFar(progress), this.said);
    // Each of these lines is replaced by the next one; only the last one stays.
    else if (this.nodes.get(name)?.canary === true || isStep(progress))
      void log.info(doneSoFar(progress), this.said, true);
  }

  /** Warns that this run skips canaries, because `--target` leaves them out. */
  private passBy(): void {
    const canaries = this.progress.with("left out").filter((name) => this.nodes.get(name)?.canary === true);
    if (canaries.length === 0 || this.passedBy) return;
    this.passedBy = true;
    void log.warn(
      `${canaries.join(", ")} ${canaries.length === 1 ? "is a canary" : "are canaries"} that --target leaves out: ` +
        "the other nodes are changed without it",
      this.said,
    );
  }

  /** @throws Error if the node must not begin. */
  private async begin(name: string): Promise<void> {
    await this.cli;
    if (this.progress.count("failed") > 0) throw new Error(notBegun(this.progress));
    const node = this.nodes.get(name);
    // The engine begins a gone node only to create it.
    if (node?.gone === true) throw new Error(neverHealed(node.name));
    if (node?.canary === false) this.passBy();
    if (node?.canary !== true || (await known(this.asked.soakSeconds)) === 0) return;
    // An unreachable cluster is detected before a canary is changed.
    await this.cluster().then((cluster) => cluster && podsOn(cluster, node.name));
  }

  /**
   * The hooks of the resource that records a passed soak in the state. Until the soak passed, each run soaks again: the engine
   * does not forget a failed soak.
   */
  soakOptions(): pulumi.CustomResourceOptions {
    if (this.soaks === undefined) return {};
    return { hooks: { beforeCreate: [this.soaks], beforeUpdate: [this.soaks] } };
  }

  private async soak({ newInputs, oldInputs }: pulumi.ResourceHookArgs): Promise<void> {
    if (this.progress.count("failed") > 0) throw new Error(notBegun(this.progress));
    const seconds = await known(this.asked.soakSeconds);
    const all = [...this.nodes].filter(([, { gone }]) => gone !== true);
    const passed = await settingsIn(oldInputs);
    const other = passed === undefined || passed !== (await settingsIn(newInputs));
    // With settings that have not passed, a canary that this run only looked at was changed by a run whose soak did not pass.
    const must = ([resource]: [string, RolloutNode]) =>
      other || (this.ran.get(resource) ?? NodeStatus.Changed) === NodeStatus.Changed;
    const nodes = all.filter(([, { canary }]) => canary).filter(must);
    if (seconds === 0 || nodes.length === 0 || all.every(([, { canary }]) => canary)) return;
    const names = nodes.map(([, { name }]) => name);
    const begun = (pods: number): void => {
      const stay = `${counted(pods, "Ready Pod")} on ${names.join(", ")} must stay Ready`;
      const watched = this.asked.access === undefined ? "" : `: ${stay}`;
      void log.info(`waiting ${seconds} s before the other nodes${watched}`, this.said, true);
    };
    try {
      await soak({ seconds, nodes: names, cluster: await this.cluster(), begun, signal: interrupted() });
    } catch (error) {
      const why = messageOf(error);
      const again = "The next pulumi up waits again until the canaries have passed.";
      await log.error(`the rollout stops after its canaries: ${why}. ${doneSoFar(this.progress)}. ${again}`, this.said);
      throw new Error("the canaries have not passed their soak: no other node is begun", { cause: error });
    }
  }

  /** The cluster's view of an unreachable node. */
  private async ofTheCluster(resource: string, { login }: Failure): Promise<string[]> {
    const node = this.nodes.get(resource);
    const { access } = this.asked;
    if (access === undefined || node === undefined || !isUnanswered(login)) return [];
    return [await whatOfNode(access, node.name)];
  }

  private async cluster(): Promise<Cluster | undefined> {
    return this.asked.access === undefined ? undefined : clusterBy(this.asked.access);
  }

  private made(name: string): pulumi.CustomResourceOptions["hooks"] {
    const refuse = ({ name: node }: pulumi.ResourceHookArgs): Promise<void> => this.begin(node);
    const note = async ({ urn, name: node, newOutputs = {} }: pulumi.ResourceHookArgs): Promise<void> => {
      const status = statusOf(await textWhenKnown(newOutputs.stdout));
      if (status === undefined) this.reportsNothing(urn, node);
      else this.ran.set(node, status);
    };
    const fail = async (run: pulumi.ErrorHookArgs): Promise<boolean> => {
      const node = run.type.endsWith(":CopyToRemote") ? run.name.replace(/-script$/, "") : run.name;
      // A node that was not begun did not fail by itself.
      const first = this.progress.count("failed") === 0;
      const failure = await failureOf(run);
      const planned = this.progress.note(node, "failed");
      const what = planned ? stopped(this.progress, failure) : notRemoved(this.progress, node);
      const login = failure.login === undefined ? [] : [`${failure.login.text}.`];
      const text = [...(first || !planned ? [what] : []), ...login, ...(await this.ofTheCluster(node, failure))];
      if (text.length > 0) await say(run.urn, text.join(" "));
      return false;
    };
    // The engine of an inline program is known only in the program's context, but the engine calls hooks outside of it.
    this.soaks = new pulumi.ResourceHook(
      `${name}-soak`,
      AsyncResource.bind((run: pulumi.ResourceHookArgs) => this.soak(run)),
    );
    const begin = new pulumi.ResourceHook(`${name}-begin`, AsyncResource.bind(refuse));
    // It refuses nothing. If the program has ended, the node is what it is, and the engine must not call it failed.
    const end = new pulumi.ResourceHook(`${name}-end`, AsyncResource.bind(note), { ignoreErrors: true });
    const tell = (): void => void log.warn(interruptedAt(this.progress), this.said);
    interrupted().addEventListener("abort", AsyncResource.bind(tell), { once: true });
    return {
      ...{ beforeCreate: [begin], beforeUpdate: [begin], afterCreate: [end], afterUpdate: [end] },
      onError: [new pulumi.ErrorHook(name, AsyncResource.bind(fail))],
    };
  }
}

/** The hash of the canaries' settings in the resource of a soak. An earlier release kept one text there: undefined. */
async function settingsIn(inputs: Record<string, unknown> = {}): Promise<string | undefined> {
  const input = (await known(inputs["input"])) as Partial<Asked> | string | undefined;
  return input instanceof Object ? textWhenKnown(input.settings) : undefined;
}

/** A node that is counted. */
type Counted = SandboxNode;

/** Writes an error under a resource. The log needs only its URN. */
const say = (urn: string, text: string): Promise<void> =>
  log.error(text, { urn: pulumi.output(urn) } as pulumi.Resource);

/** Undefined if the report cannot be read: then the node counts as failed. */
function statusOf(stdout: string | undefined): NodeStatus | undefined {
  try {
    return parseReport(stdout).status;
  } catch {
    return undefined;
  }
}
