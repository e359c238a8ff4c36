/** What the cluster says of a node whose host cannot be reached. */
import { type ClusterAccess, clusterBy, nodeCalled } from "../cluster/access";
import { messageOf } from "../errors";

/** What the command plugin says where it came to no connection. A host that refuses the log-in answers. */
const UNREACHABLE =
  /dial tcp|no route to host|connection refused|no such host|connect failed|timed out|i\/o timeout|deadline exceeded|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOTFOUND/i;
/** A node that could not reach the registry says the like, in the output of a command that did run. */
const DID_RUN = /exited with status|exit status|handshake failed/i;

export const cannotBeReached = (errors: readonly string[]): boolean =>
  errors.some((error) => UNREACHABLE.test(error) && !DID_RUN.test(error));

/** Whether the node is only down, or its Node object is gone, and what to do then. */
export async function whatOfNode(access: ClusterAccess, name: string): Promise<string> {
  try {
    const node = await nodeCalled(await clusterBy(access), name);
    if (node === undefined) {
      return (
        `The Node object ${name} is gone from the cluster. ` +
        "If its host is gone for good, set gone: true on this node: the next run forgets it."
      );
    }
    const { status = "Unknown", reason } = node.status?.conditions?.find(({ type }) => type === "Ready") ?? {};
    const why = reason === undefined || reason === "" ? status : `${status} (${reason})`;
    return `The Node object ${name} is in the cluster, with Ready ${why}. So the node is only down: see that its host answers.`;
  } catch (error) {
    const why = messageOf(error);
    return `Whether its Node object is gone cannot be told: ${why}.`;
  }
}
