/** Nodes from the cluster itself. */
import * as pulumi from "@pulumi/pulumi";

import { hostKeyOf } from "./knownHosts";
import { type NodeObject, openKubeconfig } from "../cluster/kubeconfig";
import { listNodes } from "../cluster/list";
import { shapedNodes } from "../cluster/shapes";
import type { ClusterNode, PlainNode } from "../clusterNode";
import { userError } from "../errors";
import type { HostAddress } from "../host";
import type { SshConnection, SshHost } from "../node/connection";
import { isOutput, Problems } from "../problems";

/** Which nodes of a cluster are taken, and what their labels say. */
export interface NodeSelection {
  /** Only nodes with these labels, as kubectl's `-l` takes them. Default: all. */
  labelSelector?: string;
  /**
   * Where the address to log in to is: `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS`, `ExternalDNS`, or a label's key.
   * Default: `InternalIP`.
   */
  address?: string;
  /** Nodes with this label are canaries: a key, or `key=value`. Default: none, so that the first node is the canary. */
  canaryLabel?: string;
  /** The key of the label whose value is a node's group in the rollout. Default: no groups. */
  groupLabel?: string;
  /** Take nodes that are not Ready too. Default: false. */
  notReady?: boolean;
}

/** A node of the cluster that was not taken. */
export interface LeftOut {
  /** Name of the machine. */
  readonly name: string;
  /** The end of a sentence: `is not Ready`. */
  readonly why: string;
}

/** Arguments of {@link nodesOfCluster}. */
export interface NodesOfClusterArgs extends NodeSelection {
  /** Content of a kubeconfig, or the path of one. Default: that of kubectl. */
  kubeconfig?: pulumi.Input<string>;
  /** Context of the kubeconfig. Default: its current one. */
  context?: string;
  /** Content of a known_hosts file with the key of each node. Needed unless `insecureIgnoreHostKey` is set. */
  knownHosts?: string;
  /** All else of the log-in, the same for every node. */
  connection?: Omit<SshConnection, "host" | "hostKey">;
  /**
   * Restore a node that is not found any more. Then a machine that was deleted fails the run. Default: false, so that
   * `pulumi destroy` leaves the nodes as they are too.
   */
  restoreOnRemoval?: boolean;
}

/** What {@link nodesOfCluster} finds. */
export interface NodesOfCluster {
  /** For the argument `nodes` of PauseSandbox, in the order of their names. */
  readonly nodes: ClusterNode[];
  /** What was not taken, and why. */
  readonly leftOut: LeftOut[];
}

/**
 * The nodes of a cluster, read from its API server before any resource is made.
 *
 * @example
 *   const { nodes } = await nodesOfCluster({ knownHosts: fs.readFileSync("known_hosts", "utf8") });
 *   new PauseSandbox("pause", { image, nodes });
 *
 * @throws Error naming which kubeconfig was read, or InputPropertiesError naming every node without a known host key.
 */
export async function nodesOfCluster(args: NodesOfClusterArgs = {}): Promise<NodesOfCluster> {
  const { kubeconfig, context, knownHosts, connection = {}, restoreOnRemoval = false, ...selection } = args;
  const read = await openKubeconfig(await knownValue(kubeconfig), context);
  if (read === undefined) {
    throw userError("nodesOfCluster: no kubeconfig is given, and kubectl would find none: set kubeconfig");
  }
  const { found, leftOut } = selectNodes(await listNodes(read, selection.labelSelector), selection);
  const problems = new Problems("nodesOfCluster");
  const jump = jumpOf(connection);
  const nodes = found.map(({ name, host, canary, group }): ClusterNode => {
    const port = typeof connection.port === "number" ? connection.port : undefined;
    const key =
      connection.insecureIgnoreHostKey === true
        ? undefined
        : problems.attempt(`knownHosts, ${name}`, () => hostKeyOf(knownHosts ?? "", host, port, jump));
    return { name, canary, group, restoreOnRemoval, connection: { ...connection, host, hostKey: key } };
  });
  problems.throwIfAny();
  return { nodes, leftOut };
}

/** The jump host as far as it is known now, for the command that a message names. */
function jumpOf({ bastion }: Pick<SshConnection, "bastion">): HostAddress | undefined {
  if (!(bastion instanceof Object) || isOutput(bastion)) return undefined;
  const { host, port, user } = bastion as SshHost;
  if (typeof host !== "string") return undefined;
  return { host, port: typeof port === "number" ? port : undefined, user: typeof user === "string" ? user : undefined };
}

/** The value of an Input. It must be known, because it decides which resources exist. */
async function knownValue(input?: pulumi.Input<string>): Promise<string | undefined> {
  if (input === undefined || typeof input === "string") return input;
  const output = pulumi.output(input);
  // `apply` never calls back for an unknown value. Only this check tells it from a value that arrives later.
  const { isKnown } = output as unknown as { isKnown: Promise<boolean> };
  if (!(await isKnown)) {
    throw userError(
      "nodesOfCluster: the kubeconfig is known only after the cluster was made, so its nodes cannot be listed in this run: " +
        "make the cluster in a stack of its own, or run again",
    );
  }
  return new Promise((resolve) => output.apply(resolve));
}

/** worker-2 comes before worker-10. */
const BY_NAME = new Intl.Collator("en", { numeric: true });

const ADDRESS_TYPES = ["InternalIP", "ExternalIP", "Hostname", "InternalDNS", "ExternalDNS"];

/** Chooses among the nodes of a cluster, in the order of their names: worker-2 comes before worker-10. */
export function selectNodes(
  nodes: readonly NodeObject[],
  selection: NodeSelection,
): { found: PlainNode[]; leftOut: LeftOut[] } {
  const found: PlainNode[] = [];
  const leftOut: LeftOut[] = [];
  const named = shapedNodes(nodes).map((node) => ({ node, name: node.metadata?.name ?? "" }));
  for (const { node, name } of named.sort((a, b) => BY_NAME.compare(a.name, b.name))) {
    const labels = node.metadata?.labels ?? {};
    const host = addressOf(node, labels, selection.address ?? "InternalIP");
    const why =
      whyNot(node, labels, selection) ??
      (host === undefined ? `has no ${selection.address ?? "InternalIP"}` : undefined);
    if (why !== undefined || host === undefined) leftOut.push({ name, why: why ?? "" });
    else found.push({ name, host, ...roleOf(labels, selection) });
  }
  return { found, leftOut };
}

/** Reason to leave out a node even with `notReady`. */
export const NOT_READY = "is not Ready";

function whyNot(node: NodeObject, labels: Record<string, string>, { notReady }: NodeSelection): string | undefined {
  const system = node.status?.nodeInfo?.operatingSystem ?? labels["kubernetes.io/os"] ?? "linux";
  if (system !== "linux") return `runs ${system}`;
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  return ready || notReady === true ? undefined : NOT_READY;
}

function addressOf(node: NodeObject, labels: Record<string, string>, from: string): string | undefined {
  if (!ADDRESS_TYPES.includes(from)) return Object.hasOwn(labels, from) ? labels[from] : undefined;
  return node.status?.addresses?.find(({ type }) => type === from)?.address;
}

function roleOf(labels: Record<string, string>, { canaryLabel, groupLabel }: NodeSelection) {
  const [key = "", value] = (canaryLabel ?? "").split("=", 2);
  const marked = key !== "" && (value === undefined ? Object.hasOwn(labels, key) : labels[key] === value);
  const group = groupLabel === undefined ? undefined : labels[groupLabel];
  return { ...(marked ? { canary: true } : {}), ...(group === undefined || group === "" ? {} : { group }) };
}

/** Nodes of the cluster that are missing in a list, including nodes that are not Ready or not Linux. */
export function nodesNotListed(nodes: readonly NodeObject[], listed: readonly string[]): string[] {
  const names = shapedNodes(nodes).filter((node) => (node.status?.nodeInfo?.operatingSystem ?? "linux") === "linux");
  return names
    .map((node) => node.metadata?.name ?? "")
    .filter((name) => !listed.includes(name))
    .sort((a, b) => BY_NAME.compare(a, b));
}
