/** Hosts from an ssh_config text. Source: ssh_config(5). */
import * as os from "os";
import SSHConfig, { LineType } from "ssh-config";

import { matchesPatterns } from "./patterns";
import { messageOf, userError } from "../errors";
import type { HostAddress } from "../host";
import { kindOf } from "../problems";

/** How to log in to a host, as an ssh_config says. What is undefined has its default. */
export interface SshConfigHost extends HostAddress {
  /** Private keys to try, as paths, in this order. */
  readonly identityFiles: readonly string[];
  /** The jump host in front of it, with that host's settings from the same text. */
  readonly proxyJump?: SshConfigHost;
}

/** @returns The texts of the files that match a pattern after `Include`. */
export type IncludeReader = (pattern: string) => readonly string[];

/** The settings found so far; the first value of each wins. */
interface Found {
  hostname?: string;
  port?: string;
  user?: string;
  proxyjump?: string;
  proxycommand?: string;
  identityfile: string[];
}
const WANTED = new Set(["hostname", "port", "user", "proxyjump", "proxycommand", "identityfile"]);

/** `ssh` gives up at this depth of files, too. */
const MAX_DEPTH = 16;

interface Reading {
  readonly alias: string;
  /** How many files include this one. */
  readonly depth: number;
  readonly include: IncludeReader;
  readonly found: Found;
}

/**
 * What an ssh_config says of a host: HostName, Port, User, IdentityFile and ProxyJump, from Host and Match blocks.
 *
 * A Match block counts with `all`, `host` and `originalhost`. No command is run for it.
 *
 * Source: ssh_config(5). `ssh -G` prints what ssh itself finds.
 *
 * @param config Content of an ssh_config file.
 * @param alias The host, as one would type it behind `ssh`.
 * @param include Reads the files after `Include`. Default: an `Include` that applies to the host is refused.
 * @throws Error naming host, keyword, value and what is allowed.
 */
export function sshHostOf(config: string, alias: string, include: IncludeReader = refuseInclude): SshConfigHost {
  return resolve({ config, include }, alias, []);
}

function resolve(source: { config: string; include: IncludeReader }, alias: string, behind: string[]): SshConfigHost {
  const found: Found = { identityfile: [] };
  readText({ alias, depth: 0, include: source.include, found }, source.config);
  const host = found.hostname === undefined ? alias : withTokens("HostName", found.hostname, { h: alias });
  const { user } = found;
  const port = found.port === undefined ? undefined : portOf(alias, found.port);
  const { username } = os.userInfo();
  const home = os.homedir();
  const tokens = { h: host, n: alias, p: String(port ?? 22), r: user ?? username };
  const local = { ...tokens, d: home, u: username };
  return {
    host,
    port,
    user,
    identityFiles: [...new Set(found.identityfile)]
      .filter((file) => file.toLowerCase() !== "none")
      .map((file) => withTokens("IdentityFile", file.replace(/^~(?=\/)/, home), local)),
    proxyJump: jumpOf(source, alias, found, tokens, behind),
  };
}

/** ssh uses the first one. */
function jumpOf(
  source: { config: string; include: IncludeReader },
  alias: string,
  found: Found,
  tokens: Record<string, string>,
  behind: string[],
) {
  const { proxycommand = "none" } = found;
  const proxyjump = withTokens("ProxyJump", found.proxyjump ?? "none", tokens);
  if (proxycommand.toLowerCase() !== "none") {
    throw userError(
      `ssh_config has a ProxyCommand for ${alias}, and the SSH plugin runs none: give it a ProxyJump instead`,
    );
  }
  if (proxyjump.toLowerCase() === "none") return undefined;
  const only = `ssh_config leads to ${alias} over several jump hosts, and the SSH plugin takes one: ${proxyjump}`;
  if (proxyjump.includes(",") || behind.length > 0) throw userError(only);
  const hop = parseJump(alias, proxyjump);
  const jump = resolve(source, hop.host, [...behind, alias]);
  return { ...jump, user: hop.user ?? jump.user, port: hop.port ?? jump.port };
}

/** A jump host. */
export type JumpHost = HostAddress;

/**
 * A jump host as `ssh -J` takes it: `[user@]host[:port]`, or a URL.
 * @throws Error naming the text where it is none.
 */
export function parseJump(alias: string, text: string): JumpHost {
  const plain = text.replace(/^ssh:\/\//, "").replace(/\/$/, "");
  const [, user, bracketed, name, port] =
    /^(?:([^@:]+)@)?(?:\[([^\]]+)\]|([^:\]]+|[^:]*:[^:]*:.*))(?::([0-9]+))?$/.exec(plain) ?? [];
  const host = bracketed ?? name;
  // It may hold a password.
  if (host === undefined)
    throw userError(`the jump host of ${alias} is ${kindOf(text)}: it must be [user@]host[:port]`);
  return { host, user, port: port === undefined ? undefined : portOf(alias, port) };
}

/** @throws Error naming the host and the text where it is none. */
export function portOf(alias: string, text: string): number {
  const port = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (port > 0 && port < 65536) return port;
  // An option of sshpass is a password.
  throw userError(`the port of ${alias} is ${kindOf(text)}: it must be a whole number from 1 to 65535`);
}

function readText(reading: Reading, text: string): void {
  if (reading.depth > MAX_DEPTH) {
    throw userError(
      `ssh_config for ${reading.alias} includes files that are more than ${MAX_DEPTH} deep in each other`,
    );
  }
  readLines(reading, parsedLines(reading.alias, text));
}

function parsedLines(alias: string, text: string): Iterable<SSHConfigLine> {
  try {
    return SSHConfig.parse(text);
  } catch (error) {
    throw userError(`ssh_config cannot be read for ${alias}: ${messageOf(error)}`);
  }
}

function readLines(reading: Reading, lines: Iterable<SSHConfigLine>): void {
  for (const line of lines) {
    if (line.type !== LineType.DIRECTIVE) continue;
    const keyword = line.param.toLowerCase();
    // The library takes a keyword without a value together with the next line.
    if (/\s/.test(keyword)) {
      throw userError(
        `ssh_config has a keyword without a value, in front of ${line.param.split(/\s+/).slice(1).join(" ")}`,
      );
    }
    if ("config" in line) readBlock(reading, keyword, line);
    else if (keyword === "include") {
      const inside = { ...reading, depth: reading.depth + 1 };
      for (const pattern of wordsOf(line.value)) for (const text of reading.include(pattern)) readText(inside, text);
    } else if (WANTED.has(keyword)) note(reading.found, keyword as keyof Found, line.value);
  }
}

type SSHConfigLine = ReturnType<typeof SSHConfig.parse>[number];
type Block = Extract<SSHConfigLine, { config: unknown }>;

function readBlock(reading: Reading, keyword: string, block: Block): void {
  const words = wordsOf(block.value);
  const applies = keyword === "host" ? matchesPatterns(words, reading.alias) : matches(reading, words, block);
  if (applies) readLines(reading, block.config);
}

/** Whether a Match block applies. If it has a wanted keyword, conditions on ssh's own run are refused. */
function matches({ alias, found }: Reading, criteria: readonly string[], block: Block): boolean {
  let applies = true;
  for (let i = 0; i < criteria.length; i++) {
    const [, not, name = ""] = /^(!?)(.*)$/.exec(criteria[i]?.toLowerCase() ?? "") ?? [];
    let now: boolean;
    if (name === "all") now = true;
    else if (name === "host" || name === "originalhost") {
      const host = name === "host" ? (found.hostname ?? alias).replaceAll("%h", alias) : alias;
      // Unlike Host, Match does not look at the case of letters.
      now = matchesPatterns((criteria[++i] ?? "").toLowerCase().split(","), host.toLowerCase());
    } else if (applies && hasWanted(block.config)) {
      throw userError(
        `ssh_config has "Match ${criteria.join(" ")}", which depends on how ssh is run: only all, host and originalhost ` +
          `can be read here. Give ${alias} a Host block in front of it`,
      );
    } else return false;
    applies &&= now !== (not === "!");
  }
  return applies;
}

function hasWanted(lines: Iterable<SSHConfigLine>): boolean {
  return [...lines].some((line) => isWanted(line) || isInclude(line));
}
const isInclude = (line: SSHConfigLine): boolean =>
  line.type === LineType.DIRECTIVE && line.param.toLowerCase() === "include";
const isWanted = (line: SSHConfigLine): boolean =>
  line.type === LineType.DIRECTIVE && WANTED.has(line.param.toLowerCase());

function note(found: Found, keyword: keyof Found, value: Block["value"]): void {
  const text = wordsOf(value).join(" ");
  if (keyword === "identityfile") {
    found.identityfile.push(text);
    return;
  }
  // The first of the two wins.
  const taken =
    keyword === "proxyjump" || keyword === "proxycommand" ? (found.proxyjump ?? found.proxycommand) : found[keyword];
  if (taken === undefined) found[keyword] = text;
}

function wordsOf(value: Block["value"]): string[] {
  return typeof value === "string" ? [value] : value.map(({ val }) => val);
}

/** @throws Error naming a token that has no meaning here. */
function withTokens(keyword: string, text: string, tokens: Record<string, string>): string {
  return text.replace(/%(.)/g, (token, letter: string) => {
    if (letter === "%") return "%";
    const value = tokens[letter];
    if (value !== undefined) return value;
    throw userError(`ssh_config has ${keyword} ${text}: ${token} cannot be read here`);
  });
}

function refuseInclude(pattern: string): never {
  throw userError(
    `ssh_config includes ${pattern}, which needs a file on disk: give the path of the ssh_config, not its content`,
  );
}
