/** `--try` with a cluster: a real Pod on one node, until its sandbox has started or failed. It is deleted in any case. */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import type { TriedPod } from "./finding";
import { hasSandbox, timeOf } from "./stuckPods";
import type { Cluster, EventObject, Namespace, PodObject } from "../components/cluster/kubeconfig";
import { answerOf, withinTime } from "../components/cluster/list";
import { shapedEvents, shapedPods } from "../components/cluster/shapes";

/** Where a Pod is made. */
export interface Place {
  readonly namespace: string;
  /** Name of the Node object. */
  readonly node: string;
  /** Of its only container: the sandbox image, which needs no other pull. */
  readonly image: string;
}

/** In seconds: a try of the runtime itself takes up to four minutes, but one that goes well takes some seconds. */
const STARTS_WITHIN_SECONDS = 90;
const GOES_WITHIN_SECONDS = 30;
/** A first failure may be one that the kubelet's next try mends. */
const FAILURES = 2;
const MOST_EVENTS = 20;
/** Reasons of events that tell of a container. */
const OF_CONTAINERS = /^(Pulling|Pulled|Created|Started)$/;

/** Pods that are tried, and those of them that still have to be deleted. */
export class PodTries {
  private readonly living = new Set<Promise<unknown>>();
  private readonly stopped = new AbortController();

  constructor(
    private readonly cluster: Cluster,
    /** In seconds, between two questions. */
    private readonly everySeconds = 1,
  ) {}

  /** @returns what came of it, also where the cluster refuses the Pod */
  try(place: Place): Promise<TriedPod> {
    const trying = this.tried(place);
    this.living.add(trying);
    return trying.finally(() => this.living.delete(trying));
  }

  /** Deletes what is there, and makes no more. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.allSettled([...this.living]);
  }

  private async tried(place: Place): Promise<TriedPod> {
    const name = `pause-sandbox-try-${randomBytes(4).toString("hex")}`;
    const { namespace } = place;
    const base = { namespace, name, events: [] };
    if (this.stopped.signal.aborted) return { ...base, untried: "it was stopped before" };
    const within = this.cluster.within(namespace);
    let seen: Omit<TriedPod, "namespace" | "name">;
    try {
      await withinTime(within.create(podOf(name, place)));
    } catch (error) {
      const untried = answerOf(error);
      // A server that has refused it has not made it. One that gave no answer may have.
      const isRefused = typeof (error as { code?: unknown }).code === "number";
      return { ...base, untried, left: isRefused ? undefined : await this.deleted(within, name) };
    }
    try {
      seen = await this.watched(within, name);
    } catch (error) {
      seen = { events: [], untried: answerOf(error) };
    }
    return { ...base, ...seen, left: await this.deleted(within, name) };
  }

  private async watched(within: Namespace, name: string): Promise<Omit<TriedPod, "namespace" | "name">> {
    const until = Date.now() + STARTS_WITHIN_SECONDS * 1000;
    for (;;) {
      const [pod = {}] = shapedPods([await withinTime(within.read(name))]);
      const fieldSelector = `involvedObject.name=${name}`;
      const listed = await withinTime(within.events({ fieldSelector, limit: 100 }));
      const found = outcome(pod, shapedEvents(listed.items), Date.now() >= until);
      if (found) return found;
      if (this.stopped.signal.aborted) return { events: [], untried: "it was stopped" };
      await pause(this.everySeconds * 1000, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    }
  }

  /** @returns why it may still be there; nothing where it is gone */
  private async deleted(within: Namespace, name: string): Promise<string | undefined> {
    const isGone = (error: unknown) => (error as { code?: unknown }).code === 404;
    try {
      await withinTime(within.remove(name));
      const until = Date.now() + GOES_WITHIN_SECONDS * 1000;
      while (!this.stopped.signal.aborted && Date.now() < until) {
        await withinTime(within.read(name));
        await pause(this.everySeconds * 1000);
      }
      return "it is being deleted, and the node has not ended it yet";
    } catch (error) {
      return isGone(error) ? undefined : `it may still be there: ${answerOf(error)}`;
    }
  }
}

/** What the Pod and its events say; nothing as long as that is open. */
export function outcome(
  pod: PodObject,
  told: readonly EventObject[],
  late: boolean,
): Omit<TriedPod, "namespace" | "name"> | undefined {
  const sorted = [...told].sort((a, b) => timeOf(a) - timeOf(b));
  const events = sorted.slice(-MOST_EVENTS).map(({ reason = "", message = "" }) => `${reason}: ${message}`);
  const { podIP, phase, reason, message = "" } = pod.status ?? {};
  if ((podIP ?? "") !== "" || hasSandbox(pod)) return { events, address: podIP ?? "" };
  const failures = sorted.filter((one) => /^(FailedCreatePodSandBox|NetworkNotReady)$/.test(one.reason ?? ""));
  const failed = failures.reduce((sum, { count = 1 }) => sum + count, 0);
  const last = failures.at(-1)?.message;
  if (last !== undefined && (late || failed >= FAILURES)) return { events, error: last };
  // The kubelet makes no container before the sandbox runs.
  if (late && sorted.some((one) => OF_CONTAINERS.test(one.reason ?? ""))) return { events, address: "" };
  // The kubelet itself refuses it, for lack of room for one.
  if (phase === "Failed") return { events, untried: `${reason ?? "it failed"}: ${message}` };
  const error = `no sandbox within ${STARTS_WITHIN_SECONDS} s (${events.at(-1) ?? "no event"})`;
  return late ? { events, error } : undefined;
}

/** Any node takes it, and so do namespaces with the strictest of the Pod security standards, or with quotas. */
function podOf(name: string, { namespace, node, image }: Place): object {
  // While a container starts, runc is in the Pod's memory with a copy of itself, of 8 MiB and more. CRI-O takes no limit below 12 MiB.
  const resources = { cpu: "1m", memory: "64Mi" };
  return {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { name, namespace, labels: { "app.kubernetes.io/managed-by": "pause-sandbox-doctor" } },
    spec: {
      ...{ nodeName: node, tolerations: [{ operator: "Exists" }], restartPolicy: "Never" },
      ...{ terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, enableServiceLinks: false },
      // If nobody can delete it, it ends by itself.
      activeDeadlineSeconds: 600,
      securityContext: { runAsNonRoot: true, runAsUser: 65535, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          ...{ name: "pause", image, imagePullPolicy: "IfNotPresent" },
          resources: { requests: resources, limits: resources },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  };
}
