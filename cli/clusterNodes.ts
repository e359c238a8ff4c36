/** The nodes of a cluster that the doctor looks at: those with Pods that are stuck. */
import type { ClusterView } from "./clusterText";
import { Refused } from "./refuse";
import type { Stack } from "./stackFile";
import { type NodeObject, openKubeconfig } from "../components/cluster/kubeconfig";
import { listNodes } from "../components/cluster/list";
import { shapedNodes } from "../components/cluster/shapes";
import { nodesNotListed, selectNodes } from "../components/sources/cluster";
import { stuckPods } from "../doctor/stuckPods";
import type { Target } from "../doctor/judge/upgrade";
import { askKubeadm } from "../doctor/kubeadm";
import { tell } from "./terminal";

interface Asked {
  readonly kubeconfig: string;
  readonly context?: string;
  readonly address?: string;
  /** Then all nodes are looked at, and what kubeadm has for them. */
  readonly upgradeTo?: Target;
}

/** @throws Refused, or Error naming the kubeconfig and what is wrong. */
export async function askCluster(
  { kubeconfig, context, address, upgradeTo }: Asked,
  stack?: Stack,
): Promise<ClusterView> {
  const cluster = await openKubeconfig(kubeconfig, context);
  if (cluster === undefined) throw new Refused(`--kubeconfig ${kubeconfig}: it names no cluster`);
  const all = await listNodes(cluster);
  const stuck = await stuckPods(cluster);
  const sick = new Set(stuck.map(({ node }) => node));
  const { found, leftOut } = selectNodes(all, { notReady: true, address });
  for (const { name, why } of leftOut) if (upgradeTo || sick.has(name)) tell(`not looked at: ${name} ${why}\n`);
  const listed = stack?.args.nodes.map(({ name }) => name);
  return {
    server: cluster.server,
    stuck,
    nodes: found.filter(({ name }) => sick.has(name)),
    notInStack: listed && nodesNotListed(all, listed),
    names: namesOf(shapedNodes(all)),
    cluster,
    all: found,
    kubeadm: upgradeTo && (await askKubeadm(cluster, upgradeTo)),
  };
}

function namesOf(nodes: readonly NodeObject[]): Map<string, string> {
  const pairs = nodes.flatMap(({ metadata: { name = "" } = {}, status }): [string, string][] => {
    return (status?.addresses ?? []).map(({ address }) => [address, name]);
  });
  // A name of its own counts before an address that says the same of another.
  return new Map([...pairs, ...nodes.map(({ metadata: { name = "" } = {} }): [string, string] => [name, name])]);
}
