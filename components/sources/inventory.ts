/** Hosts from an Ansible inventory. Source: docs.ansible.com, "How to build your inventory". */
import { type Groups, parseInventory, type Vars } from "./inventoryFormats";
import { jumpOfOptions } from "./proxyJump";
import { type JumpHost, portOf } from "./sshConfig";
import { userError } from "../errors";
import type { HostAddress } from "../host";

/** A host of an inventory, with the login settings of its variables. */
export interface InventoryHost extends HostAddress {
  /** Its name in the inventory; also the `host`, where there is no `ansible_host`. */
  readonly name: string;
  /** Path of the private key: `ansible_ssh_private_key_file`. */
  readonly privateKeyFile?: string;
  /** The jump host in `ansible_ssh_common_args` or `ansible_ssh_extra_args`. */
  readonly proxyJump?: JumpHost;
  /** All groups that it is in, `all` too. */
  readonly groups: readonly string[];
}

/**
 * The hosts of a group of an Ansible inventory, in the order in which they stand there.
 *
 * It takes the INI and the YAML form, and the JSON that `ansible-inventory --list` prints. The last one also has what stands
 * in `group_vars`, in plugins and in vaults.
 *
 * Source: docs.ansible.com, "How to build your inventory".
 *
 * @param text Content of the inventory.
 * @param group Name of the group. Default: `all`.
 * @throws Error naming host or group, the value, and what is allowed.
 */
export function hostsOfInventory(text: string, group = "all"): InventoryHost[] {
  const groups = parseInventory(text);
  if (!groups.has(group)) {
    throw userError(`the inventory has no group "${group}"; it has ${[...groups.keys()].sort().join(", ")}`);
  }
  const inside = below(groups, group);
  const order = new Set([...groups.values()].flatMap(({ hosts }) => [...hosts.keys()]));
  const names = [...order].filter((name) => inside.some((one) => groups.get(one)?.hosts.has(name)) || group === "all");
  return names.map((name) => hostOf(groups, name));
}

/** The group itself and all below it. */
function below(groups: Groups, name: string, seen = new Set<string>()): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  return [name, ...[...(groups.get(name)?.children ?? [])].flatMap((child) => below(groups, child, seen))];
}

function hostOf(groups: Groups, name: string): InventoryHost {
  const member = [...groups].filter(([group]) => group === "all" || holds(groups, group, name)).map(([group]) => group);
  // A deeper group overrides. At the same depth the priority decides, then the alphabet.
  const ordered = member.sort(
    (a, b) => depth(groups, a) - depth(groups, b) || priority(groups, a) - priority(groups, b) || (a < b ? -1 : 1),
  );
  const own = ordered.map((group) => groups.get(group)?.hosts.get(name) ?? {});
  const vars = Object.assign({}, ...ordered.map((group) => groups.get(group)?.vars ?? {}), ...own) as Vars;
  const said = (...keys: string[]): string | undefined => {
    const key = keys.find((one) => vars[one] !== undefined && vars[one] !== "");
    const value = key === undefined ? undefined : vars[key];
    if (value?.includes("{{")) {
      throw userError(
        `${key ?? ""} of ${name} in the inventory is a template, ${value}: give what \`ansible-inventory --list\` prints`,
      );
    }
    return value;
  };
  const connection = said("ansible_connection") ?? "ssh";
  if (!/^(smart|ssh|paramiko(_ssh)?|libssh|ansible\.(builtin|netcommon)\.\w*ssh)$/.test(connection)) {
    throw userError(
      `${name} in the inventory has ansible_connection ${connection}: only hosts with SSH can be nodes. Name a group without it`,
    );
  }
  // Where both are set, Ansible takes the older name.
  const port = said("ansible_ssh_port", "ansible_port");
  return {
    name,
    host: said("ansible_ssh_host", "ansible_host") ?? name,
    port: port === undefined ? undefined : portOf(name, port),
    user: said("ansible_ssh_user", "ansible_user"),
    privateKeyFile: said("ansible_ssh_private_key_file", "ansible_private_key_file"),
    proxyJump: jumpOfOptions(name, [said("ansible_ssh_common_args"), said("ansible_ssh_extra_args")]),
    groups: ordered,
  };
}

const holds = (groups: Groups, group: string, host: string): boolean =>
  below(groups, group).some((one) => groups.get(one)?.hosts.has(host));

const priority = (groups: Groups, group: string): number =>
  Number(groups.get(group)?.vars["ansible_group_priority"] ?? 1);

/** The longest way down to a group. */
function depth(groups: Groups, name: string, seen: readonly string[] = []): number {
  if (name === "all") return 0;
  if (seen.includes(name)) throw userError(`the group ${name} of the inventory is a child of itself`);
  const parents = [...groups].filter(([parent, { children }]) => parent !== "all" && children.has(name));
  return 1 + Math.max(0, ...parents.map(([parent]) => depth(groups, parent, [...seen, name])));
}
