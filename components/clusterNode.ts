/** A node of a cluster, and the group that it is changed with. */
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
   * Changed before the others, one after the other. Default: false; if no node is marked, the first one is the canary.
   */
  canary?: boolean;
  /**
   * The host does not exist any more. Removing the node then does not connect to it, and restores nothing on it. Set
   * this, run `pulumi up`, and take the node out of the list. Default: false.
   */
  gone?: boolean;
  /** The group that it is changed with, such as a node pool. Default: that of all nodes without one. */
  group?: string;
  /**
   * Log in to the node and restore it when it leaves the list, or with `pulumi destroy`. False leaves it as it is then, which suits
   * machines that come and go by themselves. Default: true.
   */
  restoreOnRemoval?: boolean;
  /**
   * The host takes files by sftp. False has each command bring the script along, which makes the state large. Default: true.
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
