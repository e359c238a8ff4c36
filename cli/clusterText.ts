/** What is known of a cluster as a whole, and how people read it. */
import type { Cluster } from "../components/cluster/kubeconfig";
import { filled } from "./terminal";
import { capital } from "./text";
import type { StuckPod, UpgradeFinding } from "../doctor/finding";

export interface ClusterView {
  readonly server: string;
  readonly stuck: readonly StuckPod[];
  /** The nodes with stuck Pods, with their addresses. */
  readonly nodes: readonly { readonly name: string; readonly host: string }[];
  /** Names of all Node objects, by themselves and by each of their addresses. */
  readonly names: ReadonlyMap<string, string>;
  readonly cluster: Cluster;
  /** All nodes with their addresses, but for those that are left out. */
  readonly all: readonly { readonly name: string; readonly host: string }[];
  /** kubeadm's settings for nodes that would break an upgrade, where one is asked for. */
  readonly kubeadm?: readonly UpgradeFinding[];
  /** Nodes of the cluster that the stack lacks; missing where there is no stack. */
  readonly notInStack?: readonly string[];
}

/** The part of it that is printed. */
export type ClusterText = Pick<ClusterView, "server" | "stuck" | "notInStack" | "kubeadm">;

/** What is said of the cluster as a whole, in lines. */
export function clusterText({ server, stuck, notInStack = [], kubeadm = [] }: ClusterText): string[] {
  const pods = stuck.length === 0 ? "no Pod is stuck at its sandbox" : `Pods stuck at their sandbox: ${stuck.length}`;
  const lacking = notInStack.length === 0 ? [] : [`Nodes that the stack does not have: ${notInStack.join(", ")}`];
  const told = kubeadm.map(({ grade, what, remedy, source }) => {
    return filled(`${capital(grade)}: ${what}. ${remedy}. Source: ${source}.`, "", "  ");
  });
  return [`${server}: ${pods}`, ...lacking, ...told];
}
