/** A stack's YAML file, as the program itself reads it. Pulumi's engine is not asked, so what is encrypted stays so. */
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";

import { type Command, Option } from "commander";
import { parse } from "yaml";

import { readNamed, Refused } from "./refuse";
import type { ClusterNode, PauseSandboxArgs, SshConnection, SshHost } from "../components";
import { atHome } from "../components/cluster/kubeconfig";
import type { PlainNode } from "../components/clusterNode";
import { messageOf } from "../components/errors";
import type { Host } from "../components/host";
import type { NodeSettings } from "../components/node/nodeSettings";
import type { StackConfig } from "../settings/config";

/** How a command line names a stack. */
export interface StackOptions {
  /** The stack's name, in the project of the current folder. */
  readonly stack?: string;
  /** The path of the stack's file. */
  readonly stackFile?: string;
}

/** Adds the options that name a stack. @param what What the command does with the stack: the start of the help texts. */
export const withStackOptions = (command: Command, what: string): Command =>
  command
    .addOption(new Option("--stack <name>", `${what}, by its name in this folder's project`).conflicts("stackFile"))
    .option("--stack-file <file>", `${what}, such as stacks/Pulumi.mine.yaml`);

/**
 * The file of the stack that the options name, found as Pulumi finds it.
 * @throws Refused where there is no project.
 */
export function stackFileOf({ stack, stackFile }: StackOptions): string | undefined {
  if (stack === undefined) return stackFile;
  const project = projectFile(process.cwd());
  if (project === undefined) throw new Refused(`--stack ${stack}: there is no Pulumi.yaml here or above`);
  const { stackConfigDir = "." } = (parse(readFileSync(project, "utf8")) ?? {}) as { stackConfigDir?: string };
  // A stack may be called by its organization and project, too.
  return path.resolve(path.dirname(project), stackConfigDir, `Pulumi.${stack.split("/").pop() ?? ""}.yaml`);
}

function projectFile(folder: string): string | undefined {
  const file = path.join(folder, "Pulumi.yaml");
  if (existsSync(file)) return file;
  return path.dirname(folder) === folder ? undefined : projectFile(path.dirname(folder));
}

/** What is read of a stack. */
export interface Stack {
  readonly args: PauseSandboxArgs;
  /** Those that exist; in the order of the file. */
  readonly nodes: readonly PlainNode[];
  /** The pull login. Its password is {@link UNKNOWN} where it is encrypted and nobody gave it. */
  readonly login?: NonNullable<NodeSettings["login"]>;
  /** Path of the private key for the nodes. */
  readonly keyFile?: string;
}

/** Stands for what is encrypted. */
export const UNKNOWN = "encrypted";

/** Of use for a run only: they are passed over, encrypted or not. */
const OF_A_RUN = [
  ...["sshPrivateKey", "sshPrivateKeyPassword", "registryUsername", "registryPassword"],
  ...["imageSigningKey", "imageSigningPassword"],
];
/** Those that may be encrypted, since the commands know what to do without them. */
const TOLERATED = [...OF_A_RUN, "kubeconfig", "pullUsername", "pullPassword"];

const PROJECT = "pause-sandbox";

/**
 * Reads a stack's file.
 * @param password The password of the pull login, where the user gave it.
 */
export async function readStackFile(file: string, password?: string): Promise<Stack> {
  const settings = settingsIn(file, await readNamed("--stack-file", file));
  const unreadable = [...settings].filter(([name, value]) => isEncrypted(value) && !TOLERATED.includes(name));
  if (unreadable.length > 0) {
    const names = unreadable.map(([name]) => `${PROJECT}:${name}`).join(", ");
    throw new Refused(
      `--stack-file ${file}: ${names} is encrypted, so it cannot be read here: it is no secret, set it without --secret`,
    );
  }
  const keyFile = settings.get("sshPrivateKeyFile");
  const login = loginOf(settings, password);
  for (const name of [...OF_A_RUN, "sshPrivateKeyFile", "pullUsername", "pullPassword"]) settings.delete(name);
  if (isEncrypted(settings.get("kubeconfig"))) settings.delete("kubeconfig");
  const folder = programOf(file);
  const resolved = (setting: unknown) =>
    typeof setting === "string" && setting !== "" ? path.resolve(folder, atHome(setting)) : undefined;
  const { args, keyFiles, jumpKeyFiles } = await within(folder, () => configOf(settings));
  const there = args.nodes.filter(({ gone }) => gone !== true);
  return {
    args: { ...args, image: { ...args.image, archive: resolved(args.image.archive) } },
    nodes: there.map((node) => {
      const { bastion, ...own } = ofStack(node);
      const jump = bastion && { ...bastion, keyFile: jumpKeyFiles.get(node.name) };
      return { ...own, keyFile: keyFiles.get(node.name), bastion: jump };
    }),
    login,
    keyFile: resolved(keyFile),
  };
}

/** The folder of the stack's program: paths in its file are relative to it. */
function programOf(file: string): string {
  const project = projectFile(path.dirname(path.resolve(file)));
  return project === undefined ? process.cwd() : path.dirname(project);
}

/** The program's code reads relative paths. */
async function within<T>(folder: string, read: () => Promise<T>): Promise<T> {
  const here = process.cwd();
  process.chdir(folder);
  try {
    return await read();
  } finally {
    process.chdir(here);
  }
}

function settingsIn(file: string, text: string): Map<string, unknown> {
  let config: unknown;
  try {
    ({ config } = (parse(text) ?? {}) as { config?: unknown });
  } catch (error) {
    // The rest of a parser's message quotes the line, which may hold a secret.
    throw new Refused(`--stack-file ${file}: it is not YAML: ${messageOf(error).split("\n")[0] ?? ""}`);
  }
  const all = typeof config === "object" && config !== null ? Object.entries(config) : [];
  const own = all.filter(([key]) => key.startsWith(`${PROJECT}:`));
  if (own.length === 0) throw new Refused(`--stack-file ${file}: it has no setting of ${PROJECT} below config`);
  return new Map(own.map(([key, value]) => [key.slice(PROJECT.length + 1), value as unknown]));
}

const isEncrypted = (value: unknown): boolean => typeof value === "object" && value !== null && "secure" in value;

function loginOf(settings: ReadonlyMap<string, unknown>, given?: string): Stack["login"] {
  const [username, own] = [settings.get("pullUsername"), settings.get("pullPassword")];
  if (username === undefined || username === "") return undefined;
  const password = given ?? (typeof own === "string" ? own : UNKNOWN);
  const known = { username: typeof username === "string" ? username : UNKNOWN, password };
  return String(settings.get("keepPullLogin")) === "false" ? { ...known, keep: false } : known;
}

/** The program's own code reads the stack here, as in a run. */
async function configOf(settings: ReadonlyMap<string, unknown>): Promise<StackConfig> {
  const pulumi = await import("@pulumi/pulumi");
  const [{ readStackConfig }, { findNodes }] = await Promise.all([
    import("../settings/config"),
    import("../settings/found"),
  ]);
  const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
  const entries = [...settings].filter(([, value]) => value !== null && value !== undefined);
  pulumi.runtime.setAllConfig(Object.fromEntries(entries.map(([name, value]) => [`${PROJECT}:${name}`, text(value)])));
  const config = new pulumi.Config(PROJECT);
  return readStackConfig(config, await findNodes(config));
}

/** All but keys is plain in a stack's file. */
function ofStack({ name, connection }: ClusterNode): PlainNode {
  const { bastion, ...own } = connection as SshConnection;
  return { name, ...plainHost(own), bastion: bastion === undefined ? undefined : plainHost(bastion as SshHost) };
}

/** A stack logs in as root where it names nobody, and ssh as whoever runs it. */
function plainHost({ host, user = "root", port, hostKey }: SshHost): Host {
  return { host, user, port, hostKey } as Host;
}
