/** A node of a cluster, and its group. */
import type * as pulumi from "@pulumi/pulumi";

import type { Host } from "./host";
import type { SshConnection } from "./node/connection";

/** One node of the cluster. */
export interface ClusterNode {
  /** Name of the node in the cluster (`kubectl get nodes`). */
  name: string;
  /** How to log in to the node. */
  connection: pulumi.Input<SshConnection>;
  /**
   * A canary: canaries are changed before other nodes, one after the other. Default: false; without any canary, the first node is one.
   */
  canary?: boolean;
  /**
   * The host no longer exists. Pulumi does not connect to it, and restores nothing when the node is removed. Set this, run
   * `pulumi up`, and then remove the node from the list. Default: false.
   */
  gone?: boolean;
  /** The group of the node, such as a node pool. Default: the group of all nodes without this field. */
  group?: string;
  /**
   * Restore the node when it leaves the list, or with `pulumi destroy`. If false, the node is not restored: for machines that an
   * autoscaler makes and deletes. Default: true.
   */
  restoreOnRemoval?: boolean;
  /**
   * Copy the script to the host by sftp. If false, each command contains the script, and the state is large. Default: true.
   */
  sftp?: boolean;
}

/** A node in plain values, as a stack's file, an inventory or a cluster names it. */
export type PlainNode = Omit<ClusterNode, "connection"> & Host;

/** How a group of nodes is changed. */
export interface RolloutGroup {
  /** Name of the group, as its nodes have it in `group`. */
  name: string;
  /**
   * How many of its nodes may be changed at a time, a number or a percentage of this group. Behind one bastion, a percentage
   * is at most 10.
   * Default: `maxUnavailable` of all.
   */
  maxUnavailable?: string;
}
