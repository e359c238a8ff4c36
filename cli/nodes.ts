/** `pause-sandbox nodes`: the list of nodes as a stack's file has it. */
import { Command } from "commander";
import { stringify } from "yaml";

import { orRefuse, readNamed, Refused } from "./refuse";
import type { ClusterNode, SshConnection } from "../components";
import type { PlainNode } from "../components/clusterNode";
import { messageOf } from "../components/errors";
import type { Host, HostAddress } from "../components/host";
import { print, tell } from "./terminal";

interface Options {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly selector?: string;
  readonly address?: string;
  readonly canaryLabel?: string;
  readonly groupLabel?: string;
  readonly notReady?: boolean;
  readonly inventory?: string;
  readonly group?: string;
  readonly canaryGroup?: string;
  readonly knownHosts?: string;
  readonly insecureIgnoreHostKey?: boolean;
}

type KeyOf = (host: HostAddress, jump?: HostAddress) => Pick<Host, "hostKey" | "insecureIgnoreHostKey">;

const HELP = `
The list goes to stdout, and the names of nodes that are left out go to stderr. Each node needs its host key, from --known-hosts.
With --known-hosts alone, the hosts of that file are the nodes. Hashed names in it cannot be read.

Exit codes: 0 the list was printed, 2 it was not.

Examples:
  pause-sandbox nodes --kubeconfig ~/.kube/config --known-hosts ~/.ssh/known_hosts >stacks/Pulumi.mine.yaml
  pause-sandbox nodes --inventory hosts.ini --group workers --known-hosts ~/.ssh/known_hosts
  pause-sandbox nodes --known-hosts known_hosts`;

export function nodesCommand(): Command {
  return new Command("nodes")
    .description("Prints the nodes of a cluster or an inventory as the settings of a stack file")
    .option("--kubeconfig <file>", "take the nodes of this cluster")
    .option("--context <name>", "context of the kubeconfig; default: its current context")
    .option("--selector <labels>", "only nodes with these labels, in the syntax of kubectl -l")
    .option(
      "--address <type>",
      "InternalIP (default), ExternalIP, Hostname, InternalDNS, ExternalDNS, or a label's key",
    )
    .option("--canary-label <label>", "nodes with this label are canaries: a key, or key=value")
    .option("--group-label <key>", "this label's value is the node's group")
    .option("--not-ready", "take nodes that are not Ready too")
    .option("--inventory <file>", "take the hosts of this Ansible inventory")
    .option("--group <name>", "group of the inventory; default: all")
    .option("--canary-group <name>", "hosts of this group of the inventory are canaries")
    .option("--known-hosts <file>", "file with the host keys")
    .option(
      "--insecure-ignore-host-key",
      "do not check host keys; an attacker on the network can then become root on the nodes",
    )
    .addHelpText("after", HELP)
    .action((options: Options) =>
      orRefuse(async () => {
        print(stackFileOf(await settingsOf(options)));
      }),
    );
}

/** @param settings By their names, without the project's. */
function stackFileOf(settings: Record<string, unknown>): string {
  const named = Object.entries(settings).map(([name, value]) => [`pause-sandbox:${name}`, value]);
  return stringify({ config: Object.fromEntries(named) as object }, { lineWidth: 0 });
}

async function settingsOf(options: Options): Promise<Record<string, unknown>> {
  const { kubeconfig, inventory, knownHosts } = options;
  if (kubeconfig !== undefined && inventory !== undefined) {
    throw new Refused("--kubeconfig and --inventory are both given: use one of them");
  }
  refuseForeign(options);
  const known = knownHosts === undefined ? undefined : await readNamed("--known-hosts", knownHosts);
  if (kubeconfig !== undefined) return { nodes: await fromCluster(options, known) };
  if (inventory !== undefined) return fromInventory(options, known);
  if (known !== undefined) return { nodes: await fromKnownHosts(knownHosts ?? "", known) };
  throw new Refused("no source is named: use --kubeconfig, --inventory or --known-hosts");
}

/** What belongs to another source would be passed over. */
function refuseForeign(options: Options): void {
  const cluster = ["context", "selector", "address", "canaryLabel", "groupLabel", "notReady"] as const;
  const inventory = ["group", "canaryGroup"] as const;
  const foreign: [boolean, string, readonly (keyof Options)[]][] = [
    [options.kubeconfig === undefined, "--kubeconfig", cluster],
    [options.inventory === undefined, "--inventory", inventory],
  ];
  for (const [absent, source, names] of foreign) {
    const [name] = names.filter((one) => absent && options[one] !== undefined);
    if (name === undefined) continue;
    throw new Refused(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} needs ${source}`);
  }
}

async function fromCluster(options: Options, knownHosts?: string): Promise<PlainNode[]> {
  const { kubeconfig, context, selector, address, canaryLabel, groupLabel, notReady } = options;
  const { nodesOfCluster } = await import("../components/sources/cluster");
  const insecure = options.insecureIgnoreHostKey === true ? { insecureIgnoreHostKey: true } : {};
  const { nodes, leftOut } = await nodesOfCluster({
    ...{ kubeconfig, context, labelSelector: selector, address, canaryLabel, groupLabel, notReady },
    ...{ knownHosts, connection: insecure },
  });
  for (const { name, why } of leftOut) tell(`left out: ${name} ${why}\n`);
  if (nodes.length === 0)
    throw new Refused("no node of the cluster is chosen; --not-ready also chooses nodes that are not Ready");
  return nodes.map(ofCluster);
}

/** Everything in it is plain: it was made of plain values. */
function ofCluster({ name, canary, group, connection }: ClusterNode): PlainNode {
  const { host, hostKey, insecureIgnoreHostKey } = connection as SshConnection as Host;
  return { name, host, hostKey, insecureIgnoreHostKey, canary, group };
}

async function fromInventory(options: Options, known?: string): Promise<Record<string, unknown>> {
  const { inventory = "", group, canaryGroup } = options;
  const { nodesOfInventory } = await import("../components/sources/inventoryNodes");
  const found = nodesOfInventory(await readNamed("--inventory", inventory), { group, canaryGroup });
  const unknown: string[] = [];
  const keyOf = await keysOf(options, known ?? "", unknown);
  const nodes = found.map(({ name, host, port, user, canary, bastion }): PlainNode => {
    const jump = bastion && { ...bastion, ...keyOf(bastion) };
    return { name, host, port, user, ...keyOf({ host, port }, bastion), canary, bastion: jump };
  });
  if (unknown.length > 0) throw new Refused([...new Set(unknown)].join("\n"));
  return { ...keyFileOf(found), nodes };
}

/** A stack has one key for all hosts. */
function keyFileOf(nodes: readonly PlainNode[]): Record<string, string> {
  const files = [...new Set(nodes.flatMap(({ keyFile }) => keyFile ?? []))];
  const [file] = files;
  if (files.length > 1) {
    tell(`left out: the private keys ${files.join(", ")}; a stack has one, sshPrivateKeyFile\n`);
  }
  return file === undefined || files.length > 1 ? {} : { sshPrivateKeyFile: file };
}

async function fromKnownHosts(file: string, known: string): Promise<PlainNode[]> {
  const { hostKeyOf, hostsOfKnownHosts } = await import("../components/sources/knownHosts");
  const hosts = hostsOfKnownHosts(known);
  if (hosts.length === 0) {
    throw new Refused(`--known-hosts ${file}: it has no readable host name; for hashed names use another source`);
  }
  return hosts.map(({ host, port }) => ({ name: host, host, port, hostKey: hostKeyOf(known, host, port) }));
}

/** How each host is known. What is unknown is noted in `unknown`. */
async function keysOf({ insecureIgnoreHostKey }: Options, known: string, unknown: string[]): Promise<KeyOf> {
  if (insecureIgnoreHostKey === true) return () => ({ insecureIgnoreHostKey });
  const { hostKeyOf } = await import("../components/sources/knownHosts");
  return ({ host, port }, jump) => {
    try {
      return { hostKey: hostKeyOf(known, host, port, jump) };
    } catch (error) {
      unknown.push(messageOf(error));
      return {};
    }
  };
}
