/** The failure that the project is for, on a Pod of one's own a node, before anything is done about it. */
import type { LabInfo } from "./cluster";
import { get, kubectl, type Pod, until } from "./kubectl";

/** Name of the Pod that is stuck on a node until the node is healed. */
export const stuckPod = (node: string): string => `stuck-${node}`;

interface Event {
  reason: string;
  message: string;
}

/**
 * Creates a Pod on every node and returns what the kubelet reports of it, by node.
 * @param prefix Name of the Pods, before the node's name. @default "stuck"
 * @throws Error if a node's Pod does not fail for want of its sandbox image within two minutes.
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
    return [name, await until(`the sandbox of Pod ${pod} to fail`, 120, () => failure(lab, pod))];
  });
  return new Map(await Promise.all(failures));
}

/** True if every node has its stuck Pod already: the failure has been shown before. */
export async function wasShown(lab: LabInfo): Promise<boolean> {
  const { items } = await get<{ items: Pod[] }>(lab, ["pods"]);
  return lab.nodes.every(({ name }) => items.some((pod) => pod.metadata.name === stuckPod(name)));
}

async function failure(lab: LabInfo, pod: string): Promise<string | undefined> {
  const { items } = await get<{ items: Event[] }>(lab, ["events", `--field-selector=involvedObject.name=${pod}`]);
  return items.find(({ reason, message }) => reason === "FailedCreatePodSandBox" && message.includes("x509"))?.message;
}
