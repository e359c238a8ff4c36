/** Questions to the API server while a program runs. */
import type * as pulumi from "@pulumi/pulumi";

import { type Cluster, type NodeObject, openKubeconfig, type PodObject } from "./kubeconfig";
import { listAll } from "./list";
import { userError } from "../errors";
import { known } from "../inputs";

/** How a cluster is asked. */
export interface ClusterAccess {
  /** Content of a kubeconfig, or the path of one. */
  readonly kubeconfig: pulumi.Input<string>;
  /** Context of the kubeconfig. Default: its current one. */
  readonly kubeContext?: pulumi.Input<string>;
}

/** @throws Error naming the kubeconfig, and what is wrong with it. */
export async function clusterBy({ kubeconfig, kubeContext }: ClusterAccess): Promise<Cluster> {
  const cluster = await openKubeconfig(await known(kubeconfig), await known(kubeContext));
  if (cluster === undefined) throw userError("no kubeconfig is set to ask the cluster with: set kubeconfig");
  return cluster;
}

/** The Pods on a node. @throws Error naming the kubeconfig, the server and its answer. */
export const podsOn = (cluster: Cluster, node: string): Promise<PodObject[]> =>
  listAll(cluster, "Pods", (request) => cluster.pods({ fieldSelector: `spec.nodeName=${node}`, ...request }));

/** A Node object, where the cluster has it. @throws Error naming the kubeconfig, the server and its answer. */
export async function nodeCalled(cluster: Cluster, name: string): Promise<NodeObject | undefined> {
  const selected = { fieldSelector: `metadata.name=${name}` };
  const nodes = await listAll(cluster, "nodes", (request) => cluster.page({ ...selected, ...request }));
  return nodes.find(({ metadata }) => metadata?.name === name);
}
