import * as pulumi from "@pulumi/pulumi";

import type { BootSetupOptions } from "../components";
import {
  type ClusterNode,
  PauseImageSource,
  type PauseSandboxArgs,
  type ProofScope,
  type PullLogin,
  type Reconcile,
  type RegistryLogin,
  type RolloutGroup,
  type SshHost,
} from "../components";
import type { PlainNode } from "../components/clusterNode";
import type { Host, HostAddress } from "../components/host";
import * as log from "../components/log";
import { Problems } from "../components/problems";
import { type FoundNodes, nodesFrom } from "./found";
import { checkNames } from "./known";
import { asksForCa } from "./words";
import { foundNodes, hostOf, includedFiles, nodesOf, pick } from "./hosts";
import { isEmpty, list, object, optional, pathIn, readFile, secret, textOrFile } from "./values";

/** What the program takes from a stack's file. */
export interface StackConfig {
  readonly args: PauseSandboxArgs;
  /** Content of a kubeconfig, or the path of one. @default the kubeconfig of whoever runs the program */
  readonly kubeconfig?: pulumi.Output<string>;
  /** @default the kubeconfig's current context */
  readonly kubeContext?: string;
  /** Paths of the private keys that an ssh_config or an inventory names, by the names of the nodes: the command line gives them to ssh. */
  readonly keyFiles: ReadonlyMap<string, string>;
  /** The same of the jump hosts in front of these nodes. */
  readonly jumpKeyFiles: ReadonlyMap<string, string>;
  /** Fail where the cluster has nodes that the stack does not have. */
  readonly requireAllNodes: boolean;
}

/**
 * Reads the configuration of the stack.
 *
 * Shapes are checked here, values by the components. The engine has checked those that Pulumi.yaml declares a type of;
 * an empty value stands for "not set" there.
 *
 * @param found The nodes that `nodesFrom` names; {@link findNodes} finds them.
 * @throws InputPropertiesError naming every setting that has the wrong shape.
 */
export function readStackConfig(config = new pulumi.Config(), found?: FoundNodes): StackConfig {
  const problems = new Problems("the stack's configuration");
  const read = {
    problems,
    known: textOrFile({ problems, config, what: "a known_hosts file" }, "knownHosts"),
    sshConfig: textOrFile({ problems, config, what: "an ssh_config" }, "sshConfig"),
    include: (pattern: string) => includedFiles(pattern),
    port: config.getNumber("sshPort"),
    gone: namesGone(problems, config),
  };
  checkNames(problems, config);
  if (asksForCa(optional(config, "registryCa") ?? "")) {
    problems.add("registryCa", "the doctor's placeholder", "the certificate of the registry's authority, PEM");
  }
  const bastion = object(config, "bastion");
  const nodes = withGone(read.gone, listedNodes({ ...read, jump: addressIn(bastion) }, config, found));
  const jump = isEmpty(bastion) ? undefined : hostOf(read, "bastion", bastion);
  const push = login(problems, config, "registry");
  const pull = pullLogin(problems, config);
  const signing = signingOf(problems, config);
  const privateKey = privateKeyOf(problems, config);
  const groups = withNodes(problems, config, groupsOf(problems, config), nodes);
  const bootSetup = bootSetupOf(problems, config);
  problems.throwIfAny();

  const kubeconfig = secret(config, "kubeconfig");
  const kubeContext = optional(config, "kubeContext");
  const privateKeyPassword = secret(config, "sshPrivateKeyPassword");
  const withLogin = (host: Host): SshHost => ({
    privateKey: privateKey ?? keyIn(host.keyFile),
    privateKeyPassword,
    ...pick(host),
    host: host.host,
    user: host.user ?? optional(config, "sshUser"),
    port: host.port ?? config.getNumber("sshPort"),
  });
  const toNode = (node: PlainNode): ClusterNode => {
    const via = node.bastion ?? jump;
    const { name, canary, gone, group, restoreOnRemoval, sftp } = node;
    const connection = { ...withLogin(node), bastion: via && withLogin(via) };
    return { name, canary, gone, group, restoreOnRemoval, sftp, connection };
  };
  return {
    args: {
      image: { ...image(config), login: push, signing },
      nodes: nodes.map(toNode),
      trust: {
        ca: optional(config, "registryCa"),
        mirrors: list(config, "registryMirrors"),
        plainHttp: config.getBoolean("registryPlainHttp") === true ? true : undefined,
        login: pull,
      },
      maxUnavailable: optional(config, "maxUnavailable"),
      groups,
      kubeletFlag: config.getBoolean("kubeletFlag") === false ? false : undefined,
      selfHeal: config.getBoolean("selfHeal") === false ? false : undefined,
      recheck: config.getNumber("recheck"),
      reconcile: optional(config, "reconcile") as Reconcile | undefined,
      dryRun: config.getBoolean("dryRun") === true ? true : undefined,
      soakSeconds: config.getNumber("soakSeconds"),
      kubeconfig,
      kubeContext,
      proof: proof(config),
      bootSetup,
    },
    kubeconfig,
    kubeContext,
    keyFiles: filesOf(nodes, ({ keyFile }) => keyFile),
    jumpKeyFiles: filesOf(nodes, ({ bastion = jump }) => bastion?.keyFile),
    requireAllNodes: config.getBoolean("requireAllNodes") === true,
  };
}

/** One file per node that has one, by the names of the nodes. */
const filesOf = (nodes: readonly PlainNode[], of: (node: PlainNode) => string | undefined): Map<string, string> =>
  new Map(nodes.flatMap((node) => [of(node)].flatMap((file) => (file === undefined ? [] : [[node.name, file]]))));

/** The jump host as a message names it; undefined if it is not one. */
function addressIn(bastion: unknown): HostAddress | undefined {
  const { host, port, user } = (bastion ?? {}) as Record<string, unknown>;
  if (typeof host !== "string" || host === "") return undefined;
  return {
    ...{ host, port: typeof port === "number" ? port : undefined },
    user: typeof user === "string" ? user : undefined,
  };
}

/** The nodes in the stack's file, or those that were found. */
function listedNodes(read: Parameters<typeof nodesOf>[0], config: pulumi.Config, found?: FoundNodes): PlainNode[] {
  const listed = object(config, "nodes");
  const from = nodesFrom(config);
  const none = isEmpty(listed) || (Array.isArray(listed) && listed.length === 0);
  if (from === undefined) return nodesOf(read, none ? [] : listed);
  if (!none) read.problems.add("nodes", "a list", "left out, because nodesFrom is set");
  return foundNodes(read, found?.nodes ?? []);
}

/**
 * Marks the nodes that the setting `gone` names. One that is neither listed nor found is there without an address: state has how it was
 * reached, and nobody connects to it.
 */
function withGone(names: readonly string[], nodes: PlainNode[]): PlainNode[] {
  const gone = new Set(names);
  const there = nodes.map((node) => (gone.has(node.name) ? { ...node, gone: true } : node));
  const others = [...gone].filter((name) => !nodes.some((node) => node.name === name));
  return [...there, ...others.map((name) => ({ name, gone: true, host: NOBODY, insecureIgnoreHostKey: true }))];
}

/** The setting `gone`; empty where it has another shape, which is noted. */
function namesGone(problems: Problems, config: pulumi.Config): string[] {
  const names = object(config, "gone");
  if (isEmpty(names)) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  problems.add("gone", typeof names, "a list of the names of nodes");
  return [];
}

/** No host has such a name (RFC 2606). */
const NOBODY = "host-is-gone.invalid";

/** The key itself, or what its file has. */
function privateKeyOf(problems: Problems, config: pulumi.Config): pulumi.Output<string> | undefined {
  const given = secret(config, "sshPrivateKey");
  const file = optional(config, "sshPrivateKeyFile");
  if (file === undefined) return given;
  if (given !== undefined) problems.add("sshPrivateKeyFile", file, "left out, because sshPrivateKey is set");
  const key = readFile(problems, "sshPrivateKeyFile", file, "the path of a private key that can be read");
  return key === undefined ? undefined : pulumi.secret(key);
}

/** A key that an ssh_config or an inventory names; where it is not there, the SSH agent may have it. */
function keyIn(file: string | undefined): pulumi.Output<string> | undefined {
  if (file === undefined) return undefined;
  const key = readFile(new Problems(""), "", file, "");
  return key === undefined ? undefined : pulumi.secret(key);
}

/** Values are checked by the component. */
function groupsOf(problems: Problems, config: pulumi.Config): RolloutGroup[] | undefined {
  const groups = object(config, "groups");
  if (isEmpty(groups) || (Array.isArray(groups) && groups.length === 0)) return undefined;
  if (Array.isArray(groups)) return groups as RolloutGroup[];
  problems.add("groups", typeof groups, "a list of groups, each an object with name and perhaps maxUnavailable");
  return undefined;
}

/**
 * A pool of a cluster may have no node today: its group is passed over, with a warning (docs/decisions/0027-an-empty-pool-is-no-mistake.md).
 * All else is the component's to check.
 */
function withNodes(
  problems: Problems,
  config: pulumi.Config,
  groups: RolloutGroup[] | undefined,
  nodes: readonly PlainNode[],
): RolloutGroup[] | undefined {
  const from = nodesFrom(config);
  if (groups === undefined || from === undefined || !("cluster" in from)) return groups;
  if (from.cluster.groupLabel === undefined) {
    problems.add("groups", "a list", "left out, or nodesFrom.cluster.groupLabel set: without it no node has a group");
    return undefined;
  }
  const isEmptyOne = (group: unknown): boolean => {
    const { name } = (group ?? {}) as { name?: unknown };
    return typeof name === "string" && !nodes.some((node) => node.group === name);
  };
  const [empty, others] = [groups.filter(isEmptyOne), groups.filter((group) => !isEmptyOne(group))];
  if (empty.length > 0) {
    const names = [...new Set(nodes.flatMap(({ group }) => group ?? []))].join(", ") || "none";
    void log.warn(`groups: no node is in ${empty.map(({ name }) => name).join(", ")}; nodes are in ${names}`);
  }
  return others;
}

/** `true`, or an object with options. */
function bootSetupOf(problems: Problems, config: pulumi.Config): BootSetupOptions | undefined {
  const setup = object(config, "bootSetup");
  if (setup === undefined || setup === false) return undefined;
  if (setup === true) return {};
  if (typeof setup === "object" && setup !== null && !Array.isArray(setup)) {
    return isEmpty(setup) ? undefined : (setup as BootSetupOptions);
  }
  problems.add("bootSetup", typeof setup, "true, or an object with programUrl or allowLoginInUserData");
  return undefined;
}

function image(config: pulumi.Config): PauseSandboxArgs["image"] {
  const source = optional(config, "imageSource") as PauseImageSource | undefined;
  return {
    reference: optional(config, "reference") ?? (source === PauseImageSource.Carried ? undefined : ""),
    source,
    archive: pathIn(config, "imageArchive"),
    mirrorOf: optional(config, "mirrorOf"),
    digest: optional(config, "imageDigest"),
    platforms: list(config, "platforms"),
    alsoTags: list(config, "alsoTags"),
    sourceUrl: optional(config, "sourceUrl"),
    buildFromSource: config.getBoolean("buildFromSource") === true ? true : undefined,
    plainHttp: config.getBoolean("pushPlainHttp") === true ? true : undefined,
    publicKey: optional(config, "imagePublicKey"),
  };
}

function signingOf(problems: Problems, config: pulumi.Config): PauseSandboxArgs["image"]["signing"] {
  const privateKey = secret(config, "imageSigningKey");
  const password = secret(config, "imageSigningPassword");
  if (privateKey !== undefined) return { privateKey, password };
  if (password !== undefined)
    problems.add("imageSigningKey", undefined, "the key that imageSigningPassword belongs to");
  return undefined;
}

/** Whether it stays is said of a login that is there. */
function pullLogin(problems: Problems, config: pulumi.Config): PullLogin | undefined {
  const [given, keep] = [login(problems, config, "pull"), config.getBoolean("keepPullLogin")];
  return given && keep === false ? { ...given, keep } : given;
}

/** User and password go together: with one of them alone, the run would go on without a login. Nobody asked for that. */
function login(problems: Problems, config: pulumi.Config, what: "registry" | "pull"): RegistryLogin | undefined {
  const [user, word] = [`${what}Username`, `${what}Password`];
  const username = optional(config, user);
  const password = secret(config, word);
  if (username !== undefined && password !== undefined) return { username, password };
  if (username !== undefined) problems.add(word, undefined, `the password of ${user}, a secret`);
  if (password !== undefined) problems.add(user, undefined, `the user that ${word} belongs to`);
  return undefined;
}

function proof(config: pulumi.Config): PauseSandboxArgs["proof"] {
  const scope = optional(config, "proof");
  if (scope === "none") return undefined;
  return {
    scope: scope as ProofScope | undefined,
    nginxImage: config.get("nginxImage") ?? "",
    appImage: config.get("appImage") ?? "",
    appPort: config.getNumber("appPort"),
    namespace: optional(config, "namespace"),
    runtimeClasses: list(config, "runtimeClasses"),
  };
}
