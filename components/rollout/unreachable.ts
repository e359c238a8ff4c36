/** The cluster's view of a node whose host cannot be reached. */
import { type ClusterAccess, clusterBy, nodeCalled } from "../cluster/access";
import { messageOf } from "../errors";

/** The remedy for a node whose host may be gone. */
export const ifGone = (name: string): string =>
  `If its host no longer exists, set gone: [${name}] (in a program: gone: true on the node): the next run does not connect to it.`;

/** Tells whether the node is only down or its Node object is gone, and the remedy. */
export async function whatOfNode(access: ClusterAccess, name: string): Promise<string> {
  try {
    const node = await nodeCalled(await clusterBy(access), name);
    if (node === undefined) {
      return `The Node object ${name} is gone from the cluster. ${ifGone(name)}`;
    }
    const { status = "Unknown", reason } = node.status?.conditions?.find(({ type }) => type === "Ready") ?? {};
    const why = reason === undefined || reason === "" ? status : `${status} (${reason})`;
    // A kubelet that reports runs on a machine that is up.
    const so =
      status === "True" ? "So the machine is up, and only its sshd or the network to it fails" : "So it may be down";
    return `The Node object ${name} is in the cluster, with Ready ${why}. ${so}.`;
  } catch (error) {
    const why = messageOf(error);
    return `It is unknown whether its Node object still exists: ${why}.`;
  }
}
