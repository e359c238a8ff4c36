/** What is known of a cluster as a whole, and how people read it. */
import type { Cluster } from "../components/cluster/kubeconfig";
import type { StuckPod } from "../doctor/finding";

export interface ClusterView {
  readonly server: string;
  readonly stuck: readonly StuckPod[];
  /** The nodes with stuck Pods, with their addresses. */
  readonly nodes: readonly { readonly name: string; readonly host: string }[];
  /** Names of all Node objects, by themselves and by each of their addresses. */
  readonly names: ReadonlyMap<string, string>;
  readonly cluster: Cluster;
  /** Nodes of the cluster that the stack lacks; missing where there is no stack. */
  readonly notInStack?: readonly string[];
}

/** What is said of the cluster as a whole, in lines. */
export function clusterText({ server, stuck, notInStack = [] }: Omit<ClusterView, "cluster" | "names">): string[] {
  const pods = stuck.length === 0 ? "no Pod is stuck at its sandbox" : `Pods stuck at their sandbox: ${stuck.length}`;
  const lacking = notInStack.length === 0 ? [] : [`Nodes that the stack does not have: ${notInStack.join(", ")}`];
  return [`${server}: ${pods}`, ...lacking];
}
