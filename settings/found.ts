/** Nodes that no stack's file lists: the setting `nodesFrom`. */
import * as pulumi from "@pulumi/pulumi";

import { isEmpty, object, optional, readFile } from "./values";
import type { LeftOut, NodeSelection } from "../components";
import { type NodeObject, openKubeconfig } from "../components/cluster/kubeconfig";
import { listNodes } from "../components/cluster/list";
import type { PlainNode } from "../components/clusterNode";
import { counted } from "../components/counted";
import { messageOf, userError } from "../components/errors";
import { Problems } from "../components/problems";
import { NOT_READY, nodesNotListed, selectNodes } from "../components/sources/cluster";
import { nodesOfInventory } from "../components/sources/inventoryNodes";
import * as log from "../components/log";

/** What was found, in the form of the setting `nodes`. */
export interface FoundNodes {
  readonly nodes: readonly PlainNode[];
  readonly leftOut: readonly LeftOut[];
  /** Nodes of the cluster that `labelSelector` does not match. */
  readonly unmatched: readonly string[];
  /** Whether a node that is no longer found is restored. */
  readonly restored: boolean;
}

type Fields = Record<string, "string" | "boolean">;
const CLUSTER: Fields = {
  labelSelector: "string",
  address: "string",
  canaryLabel: "string",
  groupLabel: "string",
  notReady: "boolean",
  restoreOnRemoval: "boolean",
  insecureIgnoreHostKey: "boolean",
};
const INVENTORY: Fields = { file: "string", group: "string", canaryGroup: "string", insecureIgnoreHostKey: "boolean" };

interface ClusterSetting extends NodeSelection {
  restoreOnRemoval?: boolean;
  insecureIgnoreHostKey?: boolean;
}
interface InventorySetting {
  file: string;
  group?: string;
  canaryGroup?: string;
  insecureIgnoreHostKey?: boolean;
}
type Source = { cluster: ClusterSetting } | { inventory: InventorySetting };

/**
 * Where the nodes come from; nothing where the stack's file lists them.
 * @throws InputPropertiesError naming what has the wrong shape.
 */
export function nodesFrom(config: pulumi.Config): Source | undefined {
  const value = object(config, "nodesFrom");
  if (isEmpty(value)) return undefined;
  const problems = new Problems("the stack's configuration");
  const given = typeof value === "string" ? { [value]: {} } : (value as Record<string, unknown>);
  const names = Array.isArray(value) || typeof given !== "object" ? [] : Object.keys(given);
  const [name = ""] = names;
  if (names.length !== 1 || (name !== "cluster" && name !== "inventory")) {
    const what = names.length > 0 ? names.join(", ") : typeof value;
    problems.add("nodesFrom", what, "cluster or inventory, each an object with options, and only one of them");
  } else {
    checkFields(problems, `nodesFrom.${name}`, given[name] ?? {}, name === "cluster" ? CLUSTER : INVENTORY);
    const { file } = (given[name] ?? {}) as { file?: unknown };
    if (name === "inventory" && file === undefined) {
      problems.add("nodesFrom.inventory.file", undefined, "the path of an Ansible inventory");
    }
  }
  problems.throwIfAny();
  return { [name]: given[name] ?? {} } as Source;
}

function checkFields(problems: Problems, at: string, value: unknown, fields: Fields): void {
  if (!problems.isObject(at, value, Object.keys(fields).join(", "))) return;
  for (const [key, one] of Object.entries(value as object)) {
    const type = fields[key];
    if (type === undefined) problems.add(at, key, `one of the fields ${Object.keys(fields).join(", ")}`);
    else if (one !== null && typeof one !== type) problems.add(`${at}.${key}`, one, `a ${type}`);
  }
}

/**
 * Finds the nodes that `nodesFrom` names, and says which it leaves out.
 * @throws Error naming the kubeconfig or the inventory that was read, and what is wrong with it.
 */
export async function findNodes(config = new pulumi.Config()): Promise<FoundNodes | undefined> {
  const from = nodesFrom(config);
  if (from === undefined) return undefined;
  if ("inventory" in from)
    return { nodes: fromInventory(from.inventory, groupNames(config)), leftOut: [], unmatched: [], restored: true };
  const read = await clusterOf(config);
  if (read === undefined)
    throw userError("nodesFrom: there is no kubeconfig, and kubectl would find none: set kubeconfig");
  const { restoreOnRemoval = false, insecureIgnoreHostKey, ...selection } = from.cluster;
  const { found, leftOut } = selectNodes(await listNodes(read, selection.labelSelector), selection);
  if (found.length === 0)
    throw userError(`nodesFrom.cluster: no node of ${read.server} is chosen. ${whyNone(selection, leftOut)}`);
  const shared = { restoreOnRemoval, ...(insecureIgnoreHostKey === true ? { insecureIgnoreHostKey } : {}) };
  const unmatched =
    selection.labelSelector === undefined ? [] : nodesNotListed(await listNodes(read), namesOf([...found, ...leftOut]));
  return { nodes: found.map((node) => ({ ...node, ...shared })), leftOut, unmatched, restored: restoreOnRemoval };
}

const namesOf = (nodes: readonly { name: string }[]): string[] => nodes.map(({ name }) => name);

function whyNone({ labelSelector, notReady }: NodeSelection, leftOut: readonly LeftOut[]): string {
  if (leftOut.length === 0) {
    return labelSelector === undefined
      ? "The cluster has no nodes"
      : `labelSelector ${labelSelector} matches none: kubectl get nodes --show-labels shows the labels`;
  }
  const why = named(leftOut.map(({ name, why: reason }) => `${name} ${reason}`));
  // A cluster that is to be healed has hardly a node that is Ready.
  const ready = notReady !== true && leftOut.some(({ why: reason }) => reason === NOT_READY);
  return `${why}.${ready ? " With notReady: true, nodes that are not Ready are chosen too" : ""}`;
}

/** The stack's cluster; nothing where kubectl would find none either. */
const clusterOf = (config: pulumi.Config) =>
  openKubeconfig(optional(config, "kubeconfig"), optional(config, "kubeContext"));

/** The names in the setting `groups`: an inventory may have groups that are called so. */
function groupNames(config: pulumi.Config): string[] {
  const groups = object(config, "groups");
  if (!Array.isArray(groups)) return [];
  return groups.flatMap((group: unknown) => {
    const { name } = (group ?? {}) as { name?: unknown };
    return typeof name === "string" ? [name] : [];
  });
}

function fromInventory(
  { file, group, canaryGroup, insecureIgnoreHostKey }: InventorySetting,
  rolloutGroups: readonly string[],
): PlainNode[] {
  const problems = new Problems("the stack's configuration");
  const text = readFile(
    problems,
    "nodesFrom.inventory.file",
    file,
    "the path of an Ansible inventory that can be read",
  );
  problems.throwIfAny();
  const shared = insecureIgnoreHostKey === true ? { insecureIgnoreHostKey } : {};
  try {
    return nodesOfInventory(text ?? "", { group, canaryGroup, rolloutGroups }).map(({ bastion, ...node }) => ({
      ...node,
      ...shared,
      ...(bastion && { bastion: { ...bastion, ...shared } }),
    }));
  } catch (error) {
    throw userError(`nodesFrom.inventory: ${messageOf(error)}`);
  }
}

/**
 * Says which nodes of the cluster the stack does not have.
 *
 * Without `requireAllNodes` it only warns: a cluster that cannot be asked is none to fail for. Nodes whose hosts are gone are listed, so
 * nothing is said of them.
 *
 * @throws Error naming the nodes, or why the cluster cannot be asked, with `requireAllNodes`.
 */
export async function reportNodesLeftOut(
  { listed, found, required }: { listed: readonly string[]; found?: FoundNodes; required: boolean },
  config = new pulumi.Config(),
): Promise<void> {
  const say = (message: string): void => {
    if (required) throw userError(`requireAllNodes: ${message}`);
    void log.warn(message);
  };
  const becomes = found?.restored === true ? "restored" : "left as it is";
  const leaves = `One of them that the stack had leaves it, and is ${becomes}`;
  const out = (found?.leftOut ?? []).filter(({ name }) => !listed.includes(name));
  const reasons = named(out.map(({ name, why }) => `${name} ${why}`));
  if (out.length > 0) say(`${counted(out.length, "node")} of the cluster left out: ${reasons}. ${leaves}`);
  // What was found by labels is all that somebody wanted. A node that has lost its label leaves the stack: the others are named.
  if (found !== undefined && "cluster" in (nodesFrom(config) ?? {})) {
    const others = found.unmatched.filter((name) => !listed.includes(name));
    if (others.length > 0) void log.info(`labelSelector does not choose ${named(others)}. ${leaves}`);
    return;
  }
  let nodes: NodeObject[];
  try {
    const read = await clusterOf(config);
    if (read === undefined) {
      if (required) throw userError("no kubeconfig is set to ask the cluster with");
      return;
    }
    nodes = await listNodes(read);
  } catch (error) {
    const why = messageOf(error);
    say(`whether the stack has all nodes of the cluster cannot be told: ${why}`);
    return;
  }
  const missing = nodesNotListed(nodes, listed);
  if (missing.length > 0) say(`${counted(missing.length, "node")} of the cluster not in this stack: ${named(missing)}`);
}

/** So many are named; with 5,000 nobody reads more. */
const NAMED = 20;
const named = (names: readonly string[]): string =>
  names.length > NAMED ? `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more` : names.join(", ");
