/** Follows a rollout: prints its progress, and stops it at the first failed node. */
import * as pulumi from "@pulumi/pulumi";
import { AsyncResource } from "node:async_hooks";

import { type Failure, failureOf } from "./failure";
import { allSoFar, doneSoFar, isStep, notBegun, type Outcome, Progress, stops } from "./progress";
import { soak } from "./soak";
import { ifGone, whatOfNode } from "./unreachable";
import { type ClusterAccess, clusterBy, podsOn } from "../cluster/access";
import type { Cluster } from "../cluster/kubeconfig";
import { counted } from "../counted";
import { cliIsNewEnough, hookableMonitor, interrupted } from "../engine";
import { messageOf } from "../errors";
import { known } from "../inputs";
import { isUnanswered } from "../node/loginFailure";
import { NodeStatus, NOT_KNOWN, parseReport } from "../node/nodeScript";
import { type Asked, askedIn, looked, type SandboxNode, stdoutOf } from "../node/sandboxNode";
import { inputsOf, neverHealed, textWhenKnown } from "../node/whatChanges";
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

/** The message for a node that fails after another one: it ran at the same time. */
export const alsoFailed = (progress: Progress, { became }: Pick<Failure, "became">): string =>
  `failed too: ${allSoFar(progress)} or under way. ${became}`;

/**
 * The message for a run that the engine ends early: after Ctrl-C, and after any failure. It begins nothing more, and finishes what runs.
 * @returns Undefined where a node has failed: its message says that the rollout stops.
 */
export const endedEarly = (progress: Progress): string | undefined =>
  progress.count("failed") > 0
    ? undefined
    : `the run ends early: ${allSoFar(progress)} or under way. The next pulumi up goes on where this one stopped.`;

/** The message for a node whose command succeeded, but whose report cannot be read. */
export const unread = (progress: Progress, name: string): string =>
  `${stops(progress)} The command on ${name} succeeded, but its report cannot be read. ${NOT_KNOWN}.`;

/** The message for a node that leaves the stack and cannot be restored. */
export const notRemoved = (progress: Progress, name: string): string =>
  `${name} was removed from the stack, but could not be restored: ${allSoFar(progress)}. ` +
  `The next pulumi up tries again. If its host no longer exists, set gone: [${name}] (in a program: the node with gone: true), ` +
  "run pulumi up, and then remove it.";

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
  /** Called with the nodes that the run leaves out, when every node has an outcome. */
  private allKnown: (leftOut: readonly string[]) => void = () => undefined;
  /**
   * The nodes that `--target` or `--exclude` leaves out although their settings changed. To be waited for only when every node has its
   * report: without that, it never comes.
   */
  readonly leftOut: Promise<readonly string[]>;
  /** The inputs of canaries before this run, by resource name: of those that the engine has begun. */
  private readonly before = new Map<string, Awaited<ReturnType<typeof inputsOf>>>();
  /** The resources that the engine has begun, by name. */
  private readonly begun = new Set<string>();
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
    private readonly name: string,
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
    this.leftOut = new Promise((resolve) => (this.allKnown = resolve));
    if (this.hooks === undefined) this.allKnown([]);
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
      const status = statusOf(stdout);
      if (this.nodes.get(name)?.gone === true) this.tell(name, "gone");
      else if (!asked && !this.begun.has(name)) this.tell(name, "left out");
      else if (status === undefined) {
        this.progress.note(name, "failed");
        void say(urn, unread(this.progress, name));
      } else {
        const ran = this.begun.has(name);
        if (ran) this.ran.set(name, status);
        // If the engine ran no command, the node did not change.
        this.tell(name, ran ? status : NodeStatus.Unchanged);
      }
      return node;
    });
  }

  private tell(name: string, outcome: Outcome): void {
    const { progress } = this;
    progress.note(name, outcome);
    if (progress.waiting === 0) {
      this.allKnown(progress.with("left out").map((resource) => this.nodes.get(resource)?.name ?? resource));
    }
    if (progress.waiting === 0 && progress.count("failed") === 0) void log.info(allSoFar(progress), this.said);
    // Each of these lines is replaced by the next one; only the last one stays.
    else if (this.nodes.get(name)?.canary === true || isStep(progress))
      void log.info(doneSoFar(progress), this.said, true);
  }

  /** Warns that this run skips canaries: `--target` or `--exclude` leaves them out. */
  private passBy(): void {
    const canaries = this.progress.with("left out").filter((name) => this.nodes.get(name)?.canary === true);
    if (canaries.length === 0 || this.passedBy) return;
    this.passedBy = true;
    void log.warn(
      canaries.length === 1
        ? `${canaries.join()} is a canary that this run leaves out: the other nodes are changed without it`
        : `${canaries.join(", ")} are canaries that this run leaves out: the other nodes are changed without them`,
      this.said,
    );
  }

  /** @throws Error if the node must not begin. */
  private async begin({ name, oldInputs }: pulumi.ResourceHookArgs): Promise<void> {
    await this.mayBegin(name);
    if (this.nodes.get(name)?.canary === true && oldInputs !== undefined) {
      this.before.set(name, await inputsOf(oldInputs));
    }
    this.begun.add(name);
  }

  private async mayBegin(name: string): Promise<void> {
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
    const canaries = all.filter(([, { canary }]) => canary);
    const [passed, asked] = [await askedOfSoak(oldInputs), await askedOfSoak(newInputs)];
    const other = passed === undefined || passed.settings !== asked?.settings;
    // A run that has changed them, and whose soak did not pass, is in their state and not in that of the soak.
    const begun = canaries.flatMap(([resource]) => this.before.get(resource) ?? []);
    const failedBefore = begun.length === canaries.length && askedIn(begun).run !== passed?.run;
    const must = ([resource]: [string, RolloutNode]) =>
      other || failedBefore || (this.ran.get(resource) ?? NodeStatus.Changed) === NodeStatus.Changed;
    const nodes = canaries.filter(must);
    if (seconds === 0 || nodes.length === 0 || all.every(([, { canary }]) => canary)) return;
    const names = nodes.map(([, { name }]) => name);
    const waiting = (pods: number): void => {
      const stay = `${counted(pods, "Ready Pod")} on ${names.join(", ")} must stay Ready`;
      const watched = this.asked.access === undefined ? "" : `: ${stay}`;
      void log.info(`waiting ${seconds} s before the other nodes${watched}`, this.said, true);
    };
    try {
      await soak({ seconds, nodes: names, cluster: await this.cluster(), begun: waiting, signal: interrupted() });
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
    if (node === undefined || !isUnanswered(login) || login?.ofJump === true) return [];
    return [access === undefined ? ifGone(node.name) : await whatOfNode(access, node.name)];
  }

  /** The node of a resource that has left the program, by the name that the component gave it. */
  private nodeOf(resource: string): string {
    return resource.startsWith(`${this.name}-`) ? resource.slice(this.name.length + 1) : resource;
  }

  private async cluster(): Promise<Cluster | undefined> {
    return this.asked.access === undefined ? undefined : clusterBy(this.asked.access);
  }

  private made(name: string): pulumi.CustomResourceOptions["hooks"] {
    const refuse = (run: pulumi.ResourceHookArgs): Promise<void> => this.begin(run);
    const fail = async (run: pulumi.ErrorHookArgs): Promise<boolean> => {
      const node = run.type.endsWith(":CopyToRemote") ? run.name.replace(/-script$/, "") : run.name;
      const first = this.progress.count("failed") === 0;
      // Before anything is waited for: another node may fail meanwhile.
      const planned = this.progress.note(node, "failed");
      const failure = await failureOf(run);
      const what = planned
        ? (first ? stopped : alsoFailed)(this.progress, failure)
        : notRemoved(this.progress, this.nodeOf(node));
      const login = failure.login === undefined ? [] : [`${failure.login.text}.`];
      const more = [
        ...(failure.wayOut === undefined ? [] : [failure.wayOut]),
        ...(await this.ofTheCluster(node, failure)),
      ];
      await say(run.urn, [what, ...login, ...more].join(" "));
      return false;
    };
    // The engine of an inline program is known only in the program's context, but the engine calls hooks outside of it.
    this.soaks = new pulumi.ResourceHook(
      `${name}-soak`,
      AsyncResource.bind((run: pulumi.ResourceHookArgs) => this.soak(run)),
    );
    const begin = new pulumi.ResourceHook(`${name}-begin`, AsyncResource.bind(refuse));
    const tell = (): void => {
      const text = endedEarly(this.progress);
      if (text !== undefined) void log.warn(text, this.said);
    };
    interrupted().addEventListener("abort", AsyncResource.bind(tell), { once: true });
    return {
      ...{ beforeCreate: [begin], beforeUpdate: [begin] },
      onError: [new pulumi.ErrorHook(name, AsyncResource.bind(fail))],
    };
  }
}

/** The hashes of the canaries in the resource of a soak. An earlier release kept one text there: undefined. */
async function askedOfSoak(inputs: Record<string, unknown> = {}): Promise<Partial<Asked> | undefined> {
  const input = (await known(inputs["input"])) as Partial<Asked> | string | undefined;
  if (!(input instanceof Object)) return undefined;
  return { settings: await textWhenKnown(input.settings), run: await textWhenKnown(input.run) };
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
