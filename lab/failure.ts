/** The failure that the project is for, on a Pod of one's own a node, before anything is done about it. */
import type { LabInfo } from "./cluster";
import { get, isReady, kubectl, type Pod, until } from "./kubectl";

/** Name of the Pod that is stuck on a node until the node is healed. */
export const stuckPod = (node: string): string => `stuck-${node}`;

const IMAGE_MISSING = /failed to (get sandbox|pull) image/;

interface Event {
  reason: string;
  message: string;
}

/**
 * Makes sure that there is a Pod on every node and returns how it fares, by node: what the kubelet reports of its
 * sandbox, or that it runs. A node that was healed before starts it, also where the Pod had to be made again.
 * @param prefix Name of the Pods, before the node's name. @default "stuck"
 * @throws Error if a node's Pod neither fails because its sandbox image is missing nor runs within two minutes.
 */
export async function showFailure(lab: LabInfo, prefix = "stuck"): Promise<Map<string, string>> {
  const pods = lab.nodes.map(({ name }) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${prefix}-${name}`, namespace: "default" },
    spec: {
      nodeName: name,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "app", image: lab.images.app }],
    },
  }));
  await kubectl(lab, ["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: pods }));
  const failures = lab.nodes.map(async ({ name }): Promise<[string, string]> => {
    const pod = `${prefix}-${name}`;
    return [name, await until(`the sandbox of Pod ${pod} to fail`, 120, () => fate(lab, pod))];
  });
  return new Map(await Promise.all(failures));
}

async function fate(lab: LabInfo, name: string): Promise<string | undefined> {
  const pod = await get<Pod>(lab, ["pod", name]);
  if (isReady(pod)) return `Pod ${name} runs: the node was healed before`;
  // By uid: events outlive their Pod by an hour, and a Pod of the same name may have failed before the node was healed.
  const ofPod = `--field-selector=involvedObject.uid=${pod.metadata.uid}`;
  const { items } = await get<{ items: Event[] }>(lab, ["events", ofPod]);
  return items.find(({ reason, message }) => reason === "FailedCreatePodSandBox" && IMAGE_MISSING.test(message))
    ?.message;
}
