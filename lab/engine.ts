/** Runs the program on the real engine against the lab: the same index.ts that users run, with the lab's stack file. */
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { parseDocument, stringify } from "yaml";

import type { LabInfo } from "./cluster";
import { exec } from "./cluster/exec";
import { writeAtomic } from "./cluster/files";
import { labDir, TREE } from "./cluster/layout";
import { variableOf } from "./cluster/process";
import { until } from "./kubectl";
import "./ownConnections";

const PROJECT = "pause-sandbox";
const STACK = "lab";
/** The providers of the program. docker-build is one wherever an image is pushed: it makes the index of the platforms' images. */
export const PLUGINS = ["command", "docker", "docker-build", "kubernetes"];

/** Settings of the stack that a caller wants otherwise than the lab's stack file has them. */
export type Overrides = Record<string, string | string[] | object>;

/**
 * Opens the lab's stack, creating it first if there is none.
 *
 * The stack file is a copy of stacks/Pulumi.lab.yaml beside the lab's other state: a first run writes a salt into it,
 * and the lab's keys belong there. With the nodejs language plugin the engine runs the program as `pulumi up` does;
 * without it the program runs inline, in this process. The state is the same.
 *
 * @param own What the stack file cannot have, since it is made with the lab.
 */
export async function openStack(lab: LabInfo, overrides: Overrides = {}, own = ofLab(lab)): Promise<Stack> {
  const { env, inline } = await environmentOfProgram();
  // The automation library looks for `pulumi` on the PATH of this process.
  Object.assign(process.env, env);
  const workDir = path.join(labDir(), "run");
  writeProject(workDir);
  await writeStackFile(workDir, lab, { ...own, ...overrides });
  const options = { workDir, envVars: env };
  const stack = inline
    ? await LocalWorkspace.createOrSelectStack(
        { stackName: STACK, projectName: PROJECT, program: (await import("../index")).default },
        options,
      )
    : await LocalWorkspace.createOrSelectStack({ stackName: STACK, workDir }, options);
  await releaseLock(stack);
  return stack;
}

/**
 * Takes over from a run that was interrupted: waits until its engine has ended, which finishes the node it was at, and
 * drops the lock that a killed one left.
 */
async function releaseLock(stack: Stack): Promise<void> {
  const locks = path.join(labDir(), "state/.pulumi/locks/organization", PROJECT, STACK);
  const files = fs.existsSync(locks) ? fs.readdirSync(locks) : [];
  for (const file of files.filter((name) => name.endsWith(".json"))) {
    const lock = path.join(locks, file);
    const pid = lockHolder(fs.readFileSync(lock, "utf8"), backendUrl());
    if (pid !== undefined) {
      await until(`process ${pid} to end: a run on this lab, which holds ${lock}; kill ${pid} ends it`, 300, () =>
        Promise.resolve(variableOf(pid, BACKEND_VARIABLE) === backendUrl() ? undefined : true),
      );
    }
    if (fs.existsSync(lock)) await stack.cancel();
  }
}

const BACKEND_VARIABLE = "PULUMI_BACKEND_URL";

function backendUrl(): string {
  return `file://${path.join(labDir(), "state")}`;
}

/**
 * Number of the engine that a lock stands for, while it runs: none where the lock was cut off by a power cut, and where
 * the number is that of a process by now which does not work on this state.
 */
export function lockHolder(lock: string, backend: string): number | undefined {
  const pid = Number(/"pid": *([0-9]+)/.exec(lock)?.[1]);
  return variableOf(pid, BACKEND_VARIABLE) === backend ? pid : undefined;
}

/**
 * Has the engine look at the sample Pods, so that what someone deleted, or what went with a control plane, is made again
 * by the next up. At those only: a refresh makes docker's plugin forget what it knows of an image (pulumi-docker#560).
 *
 * Also drops the note of what a killed run was making, which would be a warning from then on: the next up recreates it,
 * and a node's script takes over from whatever it finds.
 */
export async function noticeLoss(stack: Stack): Promise<void> {
  if (Object.keys(await stack.outputs()).length === 0) return;
  await stack.refresh({ target: ["**kubernetes:core/v1:*::*"], clearPendingCreates: true });
}

const GET = path.join(TREE, "lab/toolchain/get");

interface Environment {
  env: Record<string, string>;
  /** True where there is no nodejs language plugin. */
  inline: boolean;
}

/** The engine's environment. Found once per process: the tools do not change under it, and its own PATH has them from then on. */
export function environmentOfProgram(): Promise<Environment> {
  return (environmentOnce ??= environment());
}
let environmentOnce: Promise<Environment> | undefined;

async function environment(): Promise<Environment> {
  const names = ["pulumi", "kubectl", ...PLUGINS.map((name) => `plugin:${name}`), "language-nodejs"];
  const tools = (await exec(GET, names, { onStderr: (line) => process.stderr.write(`${line}\n`) })).trim().split("\n");
  const folders = [...new Set(tools.map((tool) => path.dirname(tool)))];
  madeFolder(path.join(labDir(), "state"));
  const env = {
    PATH: [...folders, process.env.PATH ?? ""].join(path.delimiter),
    [BACKEND_VARIABLE]: backendUrl(),
    PULUMI_HOME: madeFolder(path.join(labDir(), "pulumi-home")),
    PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Every node's state holds the script twice; docs/decisions/0005-script-in-state.md has the figures.
    PULUMI_DIY_BACKEND_GZIP: "true",
    // Providers push to a registry whose authority only the lab trusts.
    SSL_CERT_FILE: certificateBundle(),
    NODE_EXTRA_CA_CERTS: path.join(labDir(), "pki/ca.crt"),
  };
  return { env, inline: !tools.some((tool) => path.basename(tool) === "pulumi-language-nodejs") };
}

function madeFolder(directory: string): string {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

function passphraseFile(): string {
  const file = path.join(labDir(), "passphrase");
  if (!fs.existsSync(file)) fs.writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return file;
}

/** SSL_CERT_FILE replaces the system's bundle, so it must hold both. */
function certificateBundle(): string {
  const system = "/etc/ssl/certs/ca-certificates.crt";
  const bundle = path.join(labDir(), "pki/bundle.crt");
  const parts = [path.join(labDir(), "pki/ca.crt"), ...(fs.existsSync(system) ? [system] : [])];
  fs.writeFileSync(bundle, parts.map((file) => fs.readFileSync(file, "utf8")).join("\n"));
  return bundle;
}

function writeProject(workDir: string): void {
  fs.mkdirSync(path.join(workDir, "stacks"), { recursive: true });
  const project = parseDocument(fs.readFileSync(path.join(TREE, "Pulumi.yaml"), "utf8"));
  project.set("main", path.join(TREE, String(project.get("main"))));
  fs.writeFileSync(path.join(workDir, "Pulumi.yaml"), project.toString());
}

/** Whole or not at all: with half a file the salt would be lost, and with that the state's secrets. */
async function writeStackFile(workDir: string, lab: LabInfo, settings: Overrides): Promise<void> {
  const file = path.join(workDir, "stacks", `Pulumi.${STACK}.yaml`);
  const tracked = readStack(path.join(TREE, "stacks", `Pulumi.${STACK}.yaml`));
  const before: StackFile = fs.existsSync(file) ? readStack(file) : {};
  const config = { ...tracked.config, ...prefixed(settings) };
  // Unfolded: a first run rewrites this file to add its salt, and gives folded text another line break.
  const text = stringify({ ...before, config }, { lineWidth: 0 }).replaceAll("10.203.0.2:5000", lab.registry.host);
  await writeAtomic(file, text, 0o600);
}

interface StackFile {
  config?: Record<string, unknown>;
  /** Without it the engine could not read the secrets of the last run's state. */
  encryptionsalt?: string;
}

function readStack(file: string): StackFile {
  return parseDocument(fs.readFileSync(file, "utf8")).toJS() as StackFile;
}

/** What is made with the lab, so cannot stand in the tracked stack file. */
export function ofLab(lab: LabInfo): Overrides {
  return {
    nodes: lab.nodes.map(({ name, host, port, hostKey }) => ({ name, host, port, hostKey })),
    registryCa: fs.readFileSync(lab.registry.caFile, "utf8"),
    sshUser: lab.ssh.user,
    sshPrivateKey: fs.readFileSync(lab.ssh.privateKeyFile, "utf8"),
    kubeconfig: fs.readFileSync(lab.kubeconfig, "utf8"),
    appImage: lab.images.app,
  };
}

function prefixed(values: Overrides): Overrides {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`pause-sandbox:${key}`, value]));
}
