/** The time between the canaries and the other nodes of a rollout. */
import { setTimeout as wait } from "node:timers/promises";

import { podsOn } from "../cluster/access";
import type { Cluster, PodObject } from "../cluster/kubeconfig";
import { userError } from "../errors";

/** Options of a soak. */
export interface SoakArgs {
  readonly seconds: number;
  /** The nodes that were changed. */
  readonly nodes: readonly string[];
  /** The cluster that lists the Pods. Without it, a soak is only a wait. */
  readonly cluster?: Cluster;
  /** Called once, with the number of watched Pods. */
  readonly begun: (pods: number) => void;
  /** Ends the wait, with its reason as the error. */
  readonly signal?: AbortSignal;
  /** Time between two requests to the cluster, in milliseconds. */
  readonly every?: number;
}

/**
 * Waits. The Pods on the nodes that are Ready now must stay Ready, and no container of them may restart.
 *
 * A deleted Pod and a completed Pod are not failures. An API server may be unreachable for a while: its last answer counts.
 *
 * @throws Error naming the Pod and its node, why the cluster cannot be asked, or that the run was interrupted.
 */
export async function soak({ seconds, nodes, cluster, begun, signal, every = 5000 }: SoakArgs): Promise<void> {
  const until = Date.now() + seconds * 1000;
  const pods = cluster === undefined ? [] : (await podsOnAll(cluster, nodes)).filter(isReady);
  begun(pods.length);
  for (;;) {
    const left = until - Date.now();
    await wait(Math.max(0, Math.min(every, left)), undefined, { signal }).catch(() => signal?.throwIfAborted());
    if (cluster !== undefined) await look(cluster, nodes, pods, left > every);
    if (left <= every) return;
  }
}

async function look(
  cluster: Cluster,
  nodes: readonly string[],
  before: readonly PodObject[],
  goesOn: boolean,
): Promise<void> {
  let pods: readonly PodObject[];
  try {
    pods = await podsOnAll(cluster, nodes);
  } catch (error) {
    if (goesOn) return;
    throw error;
  }
  const now = new Map(pods.map((pod) => [pod.metadata?.uid, pod]));
  for (const pod of before) {
    const why = whatBecame(pod, now.get(pod.metadata?.uid));
    const { metadata = {}, spec = {} } = pod;
    if (why !== undefined) {
      throw userError(`Pod ${metadata.namespace ?? ""}/${metadata.name ?? ""} on node ${spec.nodeName ?? ""} ${why}`);
    }
  }
}

async function podsOnAll(cluster: Cluster, nodes: readonly string[]): Promise<PodObject[]> {
  return (await Promise.all(nodes.map((node) => podsOn(cluster, node)))).flat();
}

/** The end of a sentence, where it is a failure. */
function whatBecame(before: PodObject, now: PodObject | undefined): string | undefined {
  // Its owner deleted it, or its work is done.
  if (now === undefined || now.metadata?.deletionTimestamp !== undefined || now.status?.phase === "Succeeded") {
    return undefined;
  }
  const restarts = (pod: PodObject, container: string): number =>
    pod.status?.containerStatuses?.find(({ name }) => name === container)?.restartCount ?? 0;
  const restarted = now.status?.containerStatuses?.find(({ name }) => restarts(now, name) > restarts(before, name));
  if (restarted !== undefined) return `has restarted its container ${restarted.name}`;
  return isReady(now) ? undefined : "is not Ready any more";
}

const isReady = ({ status }: PodObject): boolean =>
  status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
