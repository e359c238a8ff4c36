/** Hosts and nodes of a stack's file. */
import * as fs from "fs";
import * as os from "os";
import * as path from "path";

import { hostKeyOf, type IncludeReader, sshHostOf } from "../components";
import type { PlainNode } from "../components/clusterNode";
import { atHome } from "../components/cluster/kubeconfig";
import { type Host, type HostAddress, HOST_SHAPE } from "../components/host";
import type { Problems } from "../components/problems";
import { matchesPatterns } from "../components/sources/patterns";

/** A host that is being read. */
type Draft = { -readonly [Field in keyof Host]: Host[Field] };

/**
 * Each field of a host, and of a node, and what it must be. Secrets are set apart, for all hosts, and a `keyFile` comes from an
 * ssh_config or an inventory only.
 */
const HOST = new Map([
  ["host", "string"],
  ["port", "number"],
  ["user", "string"],
  ["hostKey", "string"],
  ["insecureIgnoreHostKey", "boolean"],
]);
const NODE = new Map([
  ...HOST,
  ["name", "string"],
  ["canary", "boolean"],
  ["gone", "boolean"],
  ["group", "string"],
  ["restoreOnRemoval", "boolean"],
  ["sftp", "boolean"],
  ["bastion", "host"],
]);

/** The fields that must be there, and what for. */
const NAME = ["name", "the name of the node as `kubectl get nodes` prints it"] as const;
const ADDRESS = ["host", HOST_SHAPE] as const;
const HOST_KEY = [
  "hostKey",
  "the host's public key, `<type> <base64>` as ssh-keyscan prints it after the host name; " +
    "or set insecureIgnoreHostKey to skip the check: then an attacker on the network can become root",
] as const;

/** Where problems go, and what a host has that gives no key or port of its own. */
export interface Reading {
  problems: Problems;
  /** Content of a known_hosts file; none: each host gives its key. */
  known?: string;
  port?: number;
  /** Names of nodes whose hosts are gone: nobody has to know their keys. */
  gone?: readonly string[];
  /** The jump host of all nodes that name none. */
  jump?: HostAddress;
  /** Content of an ssh_config, and how its `Include` is read. */
  sshConfig?: string;
  include?: IncludeReader;
}

/** The nodes of a stack's file. @param value The setting `nodes`. */
export function nodesOf(read: Reading, value: unknown): PlainNode[] {
  const { problems } = read;
  if (!Array.isArray(value)) {
    problems.add("nodes", withoutSecrets(value), "a list");
    return [];
  }
  return value.map((node: unknown, i) => hostOf(read, `nodes[${i}]`, node, NODE, [NAME]) as unknown as PlainNode);
}

/** The nodes that were found elsewhere; messages call them by their names. */
export function foundNodes(read: Reading, nodes: readonly PlainNode[]): PlainNode[] {
  const fields = new Map([...NODE, ["keyFile", "string"]]);
  return nodes.map((node) => hostOf(read, `nodesFrom, ${node.name}`, node, fields, [NAME]) as unknown as PlainNode);
}

/**
 * Checks that a host has all the fields that it needs, and none that nobody reads. A misspelt hostKey must not be
 * ignored. Once a problem has been noted, do not use what it returns.
 */
export function hostOf(
  read: Reading,
  at: string,
  value: unknown,
  fields = HOST,
  needed: (readonly [string, string])[] = [],
): Host {
  const { problems } = read;
  const names = [...fields.keys()].join(", ");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    problems.add(at, withoutSecrets(value), `an object with ${names}`);
    return { host: "" };
  }
  // YAML's `port:` with nothing behind it is null.
  const given = Object.entries(value).filter(([, field]) => field !== null);
  const host = Object.fromEntries(given) as unknown as Draft;
  for (const [key, field] of given) {
    const type = fields.get(key);
    if (type === undefined) {
      // Its name only: what stands in a field that does not belong here may be a private key.
      problems.add(at, key, `one of the fields ${names}; private keys and passwords are settings of their own`);
    } else if (type === "host") {
      host.bastion = hostOf({ ...read, jump: undefined }, `${at}.${key}`, field);
    } else if (typeof field !== type) {
      problems.add(`${at}.${key}`, withoutSecrets(field), `a ${type}`);
    }
  }
  const { name, gone } = host as Partial<PlainNode>;
  // Nobody connects to it.
  if (host.hostKey === undefined && (gone === true || read.gone?.includes(name ?? "") === true))
    host.insecureIgnoreHostKey = true;
  fromSshConfig(read, at, host);
  findKey(read, at, host);
  for (const [key, allowed] of [...needed, ADDRESS, ...(host.insecureIgnoreHostKey === true ? [] : [HOST_KEY])]) {
    if (!(key in host)) problems.add(`${at}.${key}`, undefined, allowed);
  }
  return host;
}

/** Has what an ssh_config says of the host, where the host itself does not say it. */
function fromSshConfig({ problems, known, port, sshConfig, include }: Reading, at: string, host: Draft): void {
  if (sshConfig === undefined || typeof host.host !== "string") return;
  const found = problems.attempt(`${at}.host`, () => sshHostOf(sshConfig, host.host, include));
  if (found === undefined) return;
  host.host = found.host;
  host.port ??= found.port;
  host.user ??= found.user;
  host.keyFile ??= existing(found.identityFiles);
  const { proxyJump } = found;
  if (proxyJump === undefined || host.bastion !== undefined) return;
  if (at.endsWith("bastion")) {
    problems.add(
      `${at}.host`,
      host.host,
      "a host without a ProxyJump in the ssh_config: the SSH plugin takes one jump host",
    );
    return;
  }
  const { user, port: via } = proxyJump;
  const bastion: Draft = { host: proxyJump.host, port: via, user, keyFile: existing(proxyJump.identityFiles) };
  findKey({ problems, known, port }, `${at}.bastion`, bastion);
  host.bastion = bastion;
}

/** ssh tries the keys that are there. */
const existing = (files: readonly string[]): string | undefined => files.find((file) => fs.existsSync(file));

/** Reads what stands behind `Include`: paths count from ~/.ssh, and a pattern's `*` and `?` stand in a file's name. */
export function includedFiles(pattern: string): string[] {
  const file = path.resolve(os.homedir(), ".ssh", atHome(pattern));
  const [folder, name] = [path.dirname(file), path.basename(file)];
  if (!fs.existsSync(folder)) return [];
  const names = fs
    .readdirSync(folder)
    .filter((entry) => matchesPatterns([name], entry) && (name.startsWith(".") || !entry.startsWith(".")));
  return names.sort().map((entry) => fs.readFileSync(path.join(folder, entry), "utf8"));
}

/** Looks the host's key up where it gives none. */
function findKey({ problems, known, port, jump }: Reading, at: string, host: Draft): void {
  if (known === undefined || host.hostKey !== undefined || host.insecureIgnoreHostKey === true) return;
  if (typeof host.host !== "string" || host.host === "") return;
  host.hostKey =
    problems.attempt(`${at}.hostKey`, () =>
      hostKeyOf(known, host.host, host.port ?? port ?? 22, host.bastion ?? jump),
    ) ?? "";
}

/** A value for a message. What has the wrong shape may hold anything, so of its parts only the names are shown. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(() => "…");
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.keys(value).map((key) => [key, "…"]));
  return typeof value === "string" && /[\r\n]/.test(value) ? "…" : value;
}

/** The fields that a connection has too. */
export function pick(host: Host): Partial<Host> {
  return Object.fromEntries(Object.entries(host).filter(([key]) => HOST.has(key)));
}
