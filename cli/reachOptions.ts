/** Options that name nodes, and those that are given to ssh. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import * as path from "node:path";

import { type Command, InvalidArgumentError, Option } from "commander";

import type { PlainNode } from "../components/clusterNode";
import { messageOf } from "../components/errors";
import type { Host, HostAddress } from "../components/host";
import { CouldNotLook } from "../doctor/facts";
import type { StuckPod } from "../doctor/finding";
import { local, overSsh, type Reach } from "../doctor/reach";

export interface ReachOptions {
  readonly host?: readonly string[];
  readonly hosts?: string;
  readonly local?: boolean;
  readonly parallel: number;
  readonly sshConfig?: string;
  readonly identity?: string;
  readonly jump?: string;
  readonly user?: string;
  readonly port?: string;
}

const MORE_THAN_0 = "a whole number from 1 to 100";

export function withReachOptions(command: Command): Command {
  return command
    .option("--host <name...>", "nodes, as ssh knows them")
    .option("--hosts <file>", "a file with a node in each line")
    .option("--local", "this machine")
    .addOption(new Option("--parallel <number>", `nodes at a time, ${MORE_THAN_0}`).default(10).argParser(parallel))
    .option("-F, --ssh-config <file>", "given to ssh as -F")
    .option("-i, --identity <file>", "given to ssh as -i")
    .option("-J, --jump <host>", "given to ssh as -J")
    .option("-l, --user <name>", "given to ssh as -l")
    .option("-p, --port <number>", "given to ssh as -p");
}

function parallel(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 100) return number;
  throw new InvalidArgumentError(`It must be ${MORE_THAN_0}.`);
}

/** The nodes that the options name. */
export function namedNodes(options: ReachOptions, command: Command): Reach[] {
  const { host = [], hosts } = options;
  const listed = hostsInFile(hosts, command)
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
  const names = [...new Set([...host, ...listed])];
  return [...(options.local ? [local(hostname())] : []), ...names.map((name) => overSsh(name, sshArguments(options)))];
}

/**
 * A node of a stack. What an option says counts before what the stack says; its host key is the stack's. That of a jump host is
 * ssh's own business.
 */
export function stackReach(node: PlainNode, options: ReachOptions, keyFile?: string): Reach {
  const { user = node.user, jump, identity = keyFile, port = node.port } = options;
  const via = jump ?? (node.bastion && jumpText(node.bastion));
  const given = sshArguments({ ...options, user, port: port?.toString(), jump: via, identity });
  return overSsh(node.host, [...given, ...hostKeyOptions({ ...node, port: Number(port ?? 22) })]);
}

/** ssh takes host keys from files only; this one goes with the process. */
function hostKeyOptions({ host, port = 22, hostKey }: Host): string[] {
  const anyKey = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];
  if (hostKey === undefined) return anyKey;
  keysFolder ??= folderForKeys();
  const file = path.join(keysFolder, createHash("sha256").update(`${host}:${port}`).digest("hex"));
  writeFileSync(file, `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}\n`);
  return ["-o", `UserKnownHostsFile=${file}`, "-o", "StrictHostKeyChecking=yes"];
}

let keysFolder: string | undefined;

function folderForKeys(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "pause-sandbox-known-hosts-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const jumpText = ({ host, user, port }: HostAddress): string =>
  `${user === undefined ? "" : `${user}@`}${host.includes(":") ? `[${host}]` : host}${port === undefined ? "" : `:${port}`}`;

export function sshArguments({ sshConfig, identity, jump, user, port }: Omit<ReachOptions, "parallel">): string[] {
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

const unlooked =
  (node: string) =>
  (error: unknown): Unlooked => {
    if (error instanceof CouldNotLook) return { node, unlooked: error.message };
    throw error;
  };
