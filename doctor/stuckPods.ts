/** Pods whose sandbox does not start, by the cluster's own events. */
import type { StuckPod } from "./finding";
import type { Cluster, EventObject, PodObject } from "../components/cluster/kubeconfig";
import { listAll } from "../components/cluster/list";
import { shapedEvents, shapedPods } from "../components/cluster/shapes";

/** @throws Error naming the kubeconfig, the server and its answer. */
export async function stuckPods(cluster: Cluster): Promise<StuckPod[]> {
  const pending = { fieldSelector: "status.phase=Pending" };
  const failed = { fieldSelector: "reason=FailedCreatePodSandBox" };
  const pods = shapedPods(await listAll(cluster, "Pods", (request) => cluster.pods({ ...pending, ...request })));
  const events = shapedEvents(await listAll(cluster, "events", (request) => cluster.events({ ...failed, ...request })));
  const newest = new Map<string, EventObject>();
  for (const event of events.sort((a, b) => timeOf(a) - timeOf(b))) newest.set(uidOf(event), event);
  return pods.flatMap((pod): StuckPod[] => {
    const { name = "", namespace = "", uid = "" } = pod.metadata ?? {};
    const event = newest.get(uid)?.message;
    const node = pod.spec?.nodeName;
    if (node === undefined || event === undefined || hasSandbox(pod)) return [];
    return [{ namespace, name, node, event }];
  });
}

const uidOf = ({ involvedObject }: { involvedObject?: { uid?: string } }): string => involvedObject?.uid ?? "";

/** A text that is no time is older than any. */
export const timeOf = ({ lastTimestamp, eventTime }: EventObject): number =>
  new Date(lastTimestamp ?? eventTime ?? 0).getTime() || 0;

/** Its events stay for an hour; its status says whether a later try went well. */
export function hasSandbox({ status }: PodObject): boolean {
  return status?.conditions?.some((one) => one.type === "PodReadyToStartContainers" && one.status === "True") ?? false;
}
