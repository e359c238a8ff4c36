/** Host keys from a known_hosts text. Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
import { createHmac } from "crypto";

import { matchesPatterns } from "./patterns";
import { userError } from "../errors";
import { type HostAddress, scanOf, shortest } from "../host";

/** The types that the SSH plugin can check, the preferred one first. */
const TYPES = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];

/** One line of a known_hosts text. */
interface KnownKey {
  /** Counted from 1, for messages. */
  readonly line: number;
  readonly marker?: string;
  /** The first field: patterns, or one hashed name. */
  readonly names: string;
  readonly type: string;
  /** Base64. */
  readonly key: string;
}

/**
 * The key that a known_hosts text has for a host, as `hostKey` of a connection takes it.
 *
 * Where a host has keys of several types, ed25519 comes before ecdsa, and ecdsa before rsa. As `ssh` does, it takes the
 * key of the plain host name where there is none for the port.
 *
 * Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
 *
 * @param knownHosts Content of a known_hosts file. Names may be hashed.
 * @param host Host name or IP address, as the connection has it.
 * @param port TCP port of sshd. Default: 22.
 * @param jump The jump host in front of it: the message then names a scan that runs there. Default: none.
 * @returns The public key, `<type> <base64>`.
 * @throws Error naming the host and the remedy, if no key is known, all keys are revoked, two keys of one type differ, or only
 *   the host's certificate authority is known.
 */
export function hostKeyOf(knownHosts: string, host: string, port = 22, jump?: HostAddress): string {
  const scan = scanOf({ host, port }, jump);
  const known = parseKnownHosts(knownHosts).filter(({ type }) => TYPES.includes(type));
  const exact = entriesOf(known, knownName(host, port));
  const entries = port !== 22 && !exact.some(isOwn) ? [...exact, ...entriesOf(known, knownName(host))] : exact;
  const revoked = new Set(entries.filter(({ marker }) => marker === "@revoked").map(({ key }) => key));
  const own = entries.filter(isOwn);
  const [type, keys] = preferred(own.filter(({ key }) => !revoked.has(key)));
  if (type === undefined) throw userError(whyNone(entries, own, place(host, port), scan));
  const [key, other] = new Set(keys.map((entry) => entry.key));
  if (other === undefined) return `${type} ${key ?? ""}`;
  throw userError(
    `known_hosts has different ${type} keys for ${place(host, port)}, in lines ${lineNumbers(keys)}. ` +
      `Leave only the one that this prints: ${scan}`,
  );
}

/** The name that ssh looks a host up by. @param port TCP port of sshd. Default: 22. */
export const knownName = (host: string, port = 22): string =>
  port === 22 ? shortest(host) : `[${shortest(host)}]:${port}`;

/**
 * The hosts that a known_hosts text names, in its order. Two names of one key are one host. Names that are hashed and
 * patterns are passed over.
 */
export function hostsOfKnownHosts(text: string): HostAddress[] {
  const own = parseKnownHosts(text).filter((key) => isOwn(key) && !/[|*?!]/.test(key.names));
  const seen = new Set<string>();
  return own.flatMap(({ names, key }): HostAddress[] => {
    const all = names.split(",");
    const isNew = ![key, ...all].some((one) => seen.has(one));
    for (const one of [key, ...all]) seen.add(one);
    const [name = ""] = all;
    const [, host = name, port] = /^\[(.+)\]:(\d+)$/.exec(name) ?? [];
    return isNew ? [{ host, ...(port === undefined ? {} : { port: Number(port) }) }] : [];
  });
}

/** True for a host key: not the key of an authority, and not revoked. */
function isOwn({ marker }: KnownKey): boolean {
  return marker === undefined;
}

function preferred(keys: readonly KnownKey[]): [type: string | undefined, keys: KnownKey[]] {
  const type = TYPES.find((wanted) => keys.some((key) => key.type === wanted));
  return [type, keys.filter((key) => key.type === type)];
}

function whyNone(entries: readonly KnownKey[], own: readonly KnownKey[], at: string, scan: string): string {
  const check = `Check what this prints, and add it: ${scan}`;
  if (own.length > 0) {
    return `known_hosts marks every key of ${at} as @revoked, in lines ${lineNumbers(own)}. Give the host a new key. ${check}`;
  }
  const authorities = entries.filter(({ marker }) => marker === "@cert-authority");
  if (authorities.length > 0) {
    return (
      `known_hosts has only a certificate authority for ${at}, in line ${lineNumbers(authorities)}. ` +
      `The SSH plugin does not check host certificates, so it needs a key of the host itself. ${check}`
    );
  }
  return `known_hosts has no key for ${at}. ${check}`;
}

function place(host: string, port: number): string {
  return port === 22 ? host : `${host}, port ${port}`;
}

function lineNumbers(keys: readonly KnownKey[]): string {
  return keys.map(({ line }) => line).join(", ");
}

/** The last parsed text: a list of nodes looks up every node in the same text. */
let last: { text: string; keys: KnownKey[] } = { text: "", keys: [] };

/** The readable lines; all others are ignored, as ssh does. */
function parseKnownHosts(text: string): KnownKey[] {
  if (text !== last.text) last = { text, keys: readLines(text) };
  return last.keys;
}

function readLines(text: string): KnownKey[] {
  return text.split(/\r?\n/).flatMap((content, index): KnownKey[] => {
    const fields = content.trim().split(/[ \t]+/);
    const marker = fields[0]?.startsWith("@") ? fields.shift() : undefined;
    const [names = "", type = "", key = ""] = fields;
    if (names.startsWith("#") || !isKey(type, key)) return [];
    return [{ line: index + 1, marker, names, type, key }];
  });
}

/** A public key begins with the length and the name of its type. */
function isKey(type: string, key: string): boolean {
  const blob = Buffer.from(key, "base64");
  return type !== "" && blob.length > 4 + type.length && blob.toString("latin1", 4, 4 + type.length) === type;
}

/** @param name The host, or `[host]:port`. */
function entriesOf(known: readonly KnownKey[], name: string): KnownKey[] {
  const wanted = name.toLowerCase();
  return known.filter(({ names }) =>
    names.startsWith("|") ? isHashOf(names, wanted) : matchesPatterns(names.toLowerCase().split(","), wanted),
  );
}

/** `|1|salt|hash`: the hash is an HMAC-SHA1 of the name, with the salt as its key. */
function isHashOf(hashed: string, name: string): boolean {
  const [, version, salt = "", hash = ""] = hashed.split("|");
  if (version !== "1") return false;
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
}
