/** Options that name nodes, and those that are given to ssh. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import * as path from "node:path";
import { Duplex } from "node:stream";

import { type Command, InvalidArgumentError, Option } from "commander";

import { Refused } from "./refuse";
import { tell } from "./terminal";
import type { PlainNode } from "../components/clusterNode";
import { firstLine, messageOf } from "../components/errors";
import { counted } from "../components/counted";
import { isHostName, isUserName } from "../components/host";
import { isWholeNumber } from "../components/problems";
import { knownName } from "../components/sources/knownHosts";
import type { Host, HostAddress } from "../components/host";
import { quoted } from "../components/visible";
import { CouldNotLook } from "../doctor/facts";
import type { StuckPod } from "../doctor/finding";
import { local, overSsh, type Reach, TIMEOUT_SECONDS } from "../doctor/reach";

export interface ReachOptions {
  readonly host?: readonly string[];
  readonly hosts?: string;
  readonly local?: boolean;
  readonly parallel: number;
  /** In seconds. */
  readonly timeout: number;
  readonly sshConfig?: string;
  readonly identity?: string;
  readonly jump?: string;
  readonly user?: string;
  readonly port?: string;
}

const MORE_THAN_0 = "a whole number from 1 to 100";
const SECONDS = "a whole number from 1 to 3600";

export function withReachOptions(command: Command): Command {
  return command
    .option("--host <name...>", "nodes, by the names that ssh uses")
    .option("--hosts <file>", "file with one node per line")
    .option("--local", "check this machine")
    .addOption(new Option("--parallel <number>", `nodes at a time, ${MORE_THAN_0}`).default(10).argParser(parallel))
    .addOption(new Option("--timeout <seconds>", "maximum time for a node").default(TIMEOUT_SECONDS).argParser(timeout))
    .option("-F, --ssh-config <file>", "given to ssh as -F")
    .option("-i, --identity <file>", "given to ssh as -i")
    .option("-J, --jump <host>", "given to ssh as -J")
    .option("-l, --user <name>", "given to ssh as -l")
    .option("-p, --port <number>", "given to ssh as -p");
}

const wholeNumber =
  (most: number, allowed: string) =>
  (text: string): number => {
    const number = Number(text);
    if (isWholeNumber(number, 1, most)) return number;
    throw new InvalidArgumentError(`It must be ${allowed}.`);
  };
const parallel = wholeNumber(100, MORE_THAN_0);
const timeout = wholeNumber(3600, SECONDS);

/** The nodes that the options name. */
export function namedNodes(options: ReachOptions, command: Command): Reach[] {
  const { host = [], hosts } = options;
  const listed = hostsInFile(hosts, command)
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
  const names = [...new Set([...host, ...listed])];
  const seconds = options.timeout;
  const own = options.local ? [local(hostname(), seconds)] : [];
  return [...own, ...names.map((name) => overSsh(name, sshArguments(options), seconds))];
}

/** A node of a stack. An option counts more than the stack's setting; the host keys are the stack's. */
export function stackReach(node: PlainNode, options: ReachOptions, keyFile?: string): Reach {
  // As a run has it: one key for all nodes, else the one that an ssh_config or an inventory names.
  const { user = node.user, jump, identity = keyFile ?? node.keyFile, port = node.port } = options;
  for (const one of [node, ...(node.bastion ? [node.bastion] : [])]) {
    if (isHostName(one.host) && (one.user === undefined || isUserName(one.user))) continue;
    throw new Refused(`node ${node.name} of the stack: ${quoted(`${one.user ?? ""}@${one.host}`)} is no user and host`);
  }
  const bastion = jump === undefined ? node.bastion : undefined;
  const via = jump ?? (bastion && jumpText(bastion));
  const keyOfJump = options.identity ?? keyFile ?? bastion?.keyFile;
  const sshConfig = bastion ? configOfJump(bastion, keyOfJump, options.sshConfig) : options.sshConfig;
  const given = sshArguments({ ...options, sshConfig, user, port: port?.toString(), jump: via, identity });
  return overSsh(node.host, [...given, ...hostKeyOptions({ ...node, port: Number(port ?? 22) })], options.timeout);
}

/**
 * A node of a cluster. Whoever may write Node objects chooses its address, which to ssh could also be a user, a port, or text for the shell
 * of a ProxyCommand.
 */
export function clusterReach(host: string, options: ReachOptions): Reach {
  if (isHostName(host)) {
    const reach = overSsh(host, sshArguments(options), options.timeout);
    return { ...reach, run: (tries) => reach.run(tries).catch(withOtherName) };
  }
  const no = () =>
    new CouldNotLook(`its Node object has the address ${quoted(host)}, which is no host name or IP address`);
  const refuse = () => Promise.reject(no());
  return { name: host, run: refuse, plan: refuse, dial: () => new Duplex().destroy(no()) };
}

/** known_hosts may have the node by another of its names. */
function withOtherName(error: unknown): never {
  if (!(error instanceof CouldNotLook) || !error.message.startsWith("PS-L002")) throw error;
  throw new CouldNotLook(
    `${error.message}. --address Hostname logs in by another name of the node, such as one that known_hosts has`,
  );
}

const hostKeyOptions = (host: Host): string[] => hostKeySettings(host).flatMap((setting) => ["-o", setting.join("=")]);

/** Settings of ssh by which a host shows this key. */
function hostKeySettings({ host, port = 22, hostKey }: Host): [string, string][] {
  if (hostKey === undefined) {
    tellOnce(`the host key of ${host} is not checked: the stack has insecureIgnoreHostKey for it\n`);
    return [
      ["StrictHostKeyChecking", "no"],
      ["UserKnownHostsFile", "/dev/null"],
      ["LogLevel", "ERROR"],
    ];
  }
  const file = ownFile(`${host}:${port}`, `${knownName(host, port)} ${hostKey}\n`);
  return [
    ["UserKnownHostsFile", file],
    ["StrictHostKeyChecking", "yes"],
  ];
}

/**
 * ssh gives the jump host's own ssh nothing but the file of `-F`. So this one says how to log in there, and then includes what ssh would
 * read.
 */
function configOfJump(bastion: Host, identity: string | undefined, sshConfig: string | undefined): string {
  const settings = [...(identity === undefined ? [] : [["IdentityFile", identity]]), ...hostKeySettings(bastion)];
  const lines = settings.map(([name = "", value = ""]) => `  ${name} "${value}"\n`);
  // ssh says nothing of an included file that is not there.
  if (sshConfig !== undefined && !existsSync(sshConfig))
    throw new Refused(`--ssh-config ${sshConfig}: there is no such file`);
  const others = sshConfig === undefined ? ["~/.ssh/config", "/etc/ssh/ssh_config"] : [path.resolve(sshConfig)];
  // An Include below a Host line holds for that host only.
  const text = `Host ${bastion.host}\n${lines.join("")}Host *\n${others.map((file) => `  Include "${file}"\n`).join("")}`;
  return ownFile(`jump ${text}`, text);
}

/** ssh takes host keys and such from files only; this one goes with the process. */
function ownFile(what: string, text: string): string {
  keysFolder ??= folderForKeys();
  const file = path.join(keysFolder, createHash("sha256").update(what).digest("hex"));
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const told = new Set<string>();
function tellOnce(line: string): void {
  if (!told.has(line)) tell(line);
  told.add(line);
}

let keysFolder: string | undefined;

function folderForKeys(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "pause-sandbox-known-hosts-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** For ssh, `%` begins a token in a jump host. */
const jumpText = ({ host, user, port }: HostAddress): string =>
  `${user === undefined ? "" : `${user}@`}${host.includes(":") ? `[${host.replace("%", "%%")}]` : host}${port === undefined ? "" : `:${port}`}`;

export function sshArguments({ sshConfig, identity, jump, user, port }: Partial<ReachOptions>): string[] {
  const given = Object.entries({ "-F": sshConfig, "-i": identity, "-J": jump, "-l": user, "-p": port });
  return given.flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}

function hostsInFile(file: string | undefined, command: Command): string[] {
  if (file === undefined) return [];
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch (error) {
    return command.error(`--hosts ${file}: ${messageOf(error)}`);
  }
}

/** A node that nobody could look at, and why. */
export interface Unlooked {
  readonly node: string;
  readonly unlooked: string;
  /** Those that the cluster tells of, where it was asked. */
  readonly pods?: readonly StuckPod[];
}

/** Looks at each, some at a time. In the order in which they were named, whichever answers first. */
export async function lookAtAll<N extends { readonly name: string }, T>(
  nodes: readonly N[],
  atATime: number,
  look: (node: N) => Promise<T>,
): Promise<(T | Unlooked)[]> {
  // A look takes seconds, and up to the time-out where a host does not answer: a person should see that it goes on.
  if (process.stderr.isTTY) tellOnce(`looking at ${counted(nodes.length, "node")}, at most ${atATime} at a time\n`);
  const results: (T | Unlooked)[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < nodes.length; at = next++) {
      const node = nodes[at];
      if (node) results[at] = await look(node).catch(unlooked(node.name));
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return results;
}

/** An error of one node is that node's: the others are looked at. */
const unlooked =
  (node: string) =>
  (error: unknown): Unlooked => ({ node, unlooked: whyNot(error) });

/** Why something could not be looked at. */
export const whyNot = (error: unknown): string =>
  error instanceof CouldNotLook ? error.message : `it failed unexpectedly: ${firstLine(error)}`;
