/** Nodes from an Ansible inventory, for stacks and for the command line. */
import { hostsOfInventory } from "./inventory";
import type { PlainNode } from "../clusterNode";
import { userError } from "../errors";

/** Which hosts are taken, and which of them are canaries. */
export interface InventorySelection {
  /** Default: all. */
  readonly group?: string;
  /** Hosts of this group are changed before the others. Default: none. */
  readonly canaryGroup?: string;
  /** Groups of the rollout: a host that is in several of them gets the first. Default: none. */
  readonly rolloutGroups?: readonly string[];
}

/**
 * The nodes of an inventory, in the order in which they stand there.
 * @param text Content of the inventory.
 * @throws Error naming host or group, the value, and what is allowed: also where no host that is taken is in `canaryGroup`, or in one of
 *   `rolloutGroups`.
 */
export function nodesOfInventory(
  text: string,
  { group, canaryGroup, rolloutGroups = [] }: InventorySelection = {},
): PlainNode[] {
  const hosts = hostsOfInventory(text, group);
  const known = [...new Set(hosts.flatMap(({ groups }) => groups))].sort();
  const asked = [
    ...(canaryGroup === undefined ? [] : [["canaryGroup", canaryGroup]]),
    ...rolloutGroups.map((one) => ["groups,", one]),
  ];
  for (const [what = "", name = ""] of asked) {
    if (known.includes(name)) continue;
    throw userError(`${what} ${name}: none of the chosen hosts is in this group; their groups are ${known.join(", ")}`);
  }
  return hosts.map(({ name, host, port, user, privateKeyFile, proxyJump, groups }) =>
    said({
      ...{ name, host, port, user, keyFile: privateKeyFile },
      canary: canaryGroup !== undefined && groups.includes(canaryGroup) ? true : undefined,
      group: rolloutGroups.find((name) => groups.includes(name)),
      bastion: proxyJump && said(proxyJump),
    }),
  );
}

const said = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
