import * as pulumi from "@pulumi/pulumi";
import * as fs from "fs";
import * as os from "os";

import {
  type ClusterNode,
  hostKeyOf,
  type PauseImageSource,
  type PauseSandboxArgs,
  type ProofScope,
  type RegistryLogin,
  type SshHost,
} from "./components";
import { Problems } from "./components/problems";

/** What the program takes from a stack's file. */
export interface StackConfig {
  readonly args: PauseSandboxArgs;
  /** Content of a kubeconfig. @default the kubeconfig of whoever runs the program */
  readonly kubeconfig?: pulumi.Output<string>;
  /** @default the kubeconfig's current context */
  readonly kubeContext?: string;
}

/** A host as it stands in a stack's file; secrets are set apart, for all hosts. */
interface HostConfig {
  host: string;
  port?: number;
  user?: string;
  hostKey?: string;
  insecureIgnoreHostKey?: boolean;
}

interface NodeConfig extends HostConfig {
  name: string;
  canary?: boolean;
  gone?: boolean;
  bastion?: HostConfig;
}

/** Each field of a host, and of a node, and what it must be. */
const HOST = new Map([
  ["host", "string"],
  ["port", "number"],
  ["user", "string"],
  ["hostKey", "string"],
  ["insecureIgnoreHostKey", "boolean"],
]);
const NODE = new Map([...HOST, ["name", "string"], ["canary", "boolean"], ["gone", "boolean"], ["bastion", "host"]]);

/** The fields that must be there, and what for. */
const NAME = ["name", "the name of the node as `kubectl get nodes` prints it"] as const;
const ADDRESS = ["host", "a host name or an IP address"] as const;
const HOST_KEY = [
  "hostKey",
  "the host's public key, `<type> <base64>` as ssh-keyscan prints it after the host name; " +
    "or set insecureIgnoreHostKey to do without and be open to anyone",
] as const;

/**
 * Reads the configuration of the stack.
 *
 * Shapes are checked here, values by the components. The engine has checked those that Pulumi.yaml declares a type of;
 * an empty value stands for "not set" there.
 *
 * @throws InputPropertiesError naming every setting that has the wrong shape.
 */
export function readStackConfig(config = new pulumi.Config()): StackConfig {
  const problems = new Problems("the stack's configuration");
  const known = knownHosts(problems, config);
  const read = { problems, known, port: config.getNumber("sshPort") };
  const nodes = nodesOf(read, object(config, "nodes") ?? []);
  const bastion = object(config, "bastion");
  const jump = isEmpty(bastion) ? undefined : hostOf(read, "bastion", bastion);
  const push = login(problems, config, "registry");
  const pull = login(problems, config, "pull");
  problems.throwIfAny();

  const key = {
    privateKey: secret(config, "sshPrivateKey"),
    privateKeyPassword: secret(config, "sshPrivateKeyPassword"),
  };
  const withLogin = (host: HostConfig): SshHost => ({
    ...key,
    ...pick(host),
    host: host.host,
    user: host.user ?? optional(config, "sshUser"),
    port: host.port ?? config.getNumber("sshPort"),
  });
  const toNode = (node: NodeConfig): ClusterNode => {
    const via = node.bastion ?? jump;
    return {
      name: node.name,
      canary: node.canary,
      gone: node.gone,
      connection: { ...withLogin(node), bastion: via && withLogin(via) },
    };
  };
  return {
    args: {
      image: { ...image(config), login: push },
      nodes: nodes.map(toNode),
      trust: {
        ca: optional(config, "registryCa"),
        mirrors: list(config, "registryMirrors"),
        plainHttp: config.getBoolean("registryPlainHttp") === true ? true : undefined,
        login: pull,
      },
      maxUnavailable: optional(config, "maxUnavailable"),
      kubeletFlag: config.getBoolean("kubeletFlag") === false ? false : undefined,
      recheck: config.getNumber("recheck"),
      dryRun: config.getBoolean("dryRun") === true ? true : undefined,
      proof: proof(config),
    },
    kubeconfig: secret(config, "kubeconfig"),
    kubeContext: optional(config, "kubeContext"),
  };
}

function image(config: pulumi.Config): PauseSandboxArgs["image"] {
  return {
    reference: config.get("reference") ?? "",
    source: optional(config, "imageSource") as PauseImageSource | undefined,
    mirrorOf: optional(config, "mirrorOf"),
    digest: optional(config, "imageDigest"),
    platforms: list(config, "platforms"),
    sourceUrl: optional(config, "sourceUrl"),
    buildFromSource: config.getBoolean("buildFromSource") === true ? true : undefined,
    plainHttp: config.getBoolean("pushPlainHttp") === true ? true : undefined,
  };
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
  };
}

/** Where problems go, and what a host has that gives no key or port of its own. */
interface Reading {
  problems: Problems;
  /** Content of a known_hosts file; none: each host gives its key. */
  known?: string;
  port?: number;
}

/** @returns Content of the known_hosts file that the setting is, or names. */
function knownHosts(problems: Problems, config: pulumi.Config): string | undefined {
  const value = optional(config, "knownHosts");
  // A line of such a file has at least three fields.
  if (value === undefined || /\s/.test(value.trim())) return value;
  const file = value.trim().replace(/^~(?=\/)/, os.homedir());
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    problems.add("knownHosts", value, `the content of a known_hosts file, or a path to one that can be read (${why})`);
    return undefined;
  }
}

function nodesOf(read: Reading, value: unknown): NodeConfig[] {
  const { problems } = read;
  if (!Array.isArray(value)) {
    problems.add("nodes", withoutSecrets(value), "a list");
    return [];
  }
  return value.map((node: unknown, i) => hostOf(read, `nodes[${i}]`, node, NODE, [NAME]) as unknown as NodeConfig);
}

/**
 * Checks that a host has all the fields that it needs, and none that nobody reads. A misspelt hostKey must not be
 * ignored. Once a problem has been noted, do not use what it returns.
 */
function hostOf(
  read: Reading,
  at: string,
  value: unknown,
  fields = HOST,
  needed: (readonly [string, string])[] = [],
): HostConfig {
  const { problems } = read;
  const names = [...fields.keys()].join(", ");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    problems.add(at, withoutSecrets(value), `an object with ${names}`);
    return { host: "" };
  }
  // YAML's `port:` with nothing behind it is null.
  const given = Object.entries(value).filter(([, field]) => field !== null);
  const host = Object.fromEntries(given) as unknown as HostConfig & { bastion?: HostConfig };
  for (const [key, field] of given) {
    const type = fields.get(key);
    if (type === undefined) {
      // Its name only: what stands in a field that does not belong here may be a private key.
      problems.add(at, key, `one of the fields ${names}; private keys and passwords are settings of their own`);
    } else if (type === "host") {
      host.bastion = hostOf(read, `${at}.${key}`, field);
    } else if (typeof field !== type) {
      problems.add(`${at}.${key}`, withoutSecrets(field), `a ${type}`);
    }
  }
  findKey(read, at, host);
  for (const [key, allowed] of [...needed, ADDRESS, ...(host.insecureIgnoreHostKey === true ? [] : [HOST_KEY])]) {
    if (!(key in host)) problems.add(`${at}.${key}`, undefined, allowed);
  }
  return host;
}

/** Looks the host's key up where it gives none. */
function findKey({ problems, known, port }: Reading, at: string, host: HostConfig): void {
  if (known === undefined || host.hostKey !== undefined || host.insecureIgnoreHostKey === true) return;
  if (typeof host.host !== "string" || host.host === "") return;
  host.hostKey = problems.attempt(`${at}.hostKey`, () => hostKeyOf(known, host.host, host.port ?? port ?? 22)) ?? "";
}

/** A value for a message. What has the wrong shape may hold anything, so of its parts only the names are shown. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(() => "…");
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.keys(value).map((key) => [key, "…"]));
  return typeof value === "string" && /[\r\n]/.test(value) ? "…" : value;
}

function pick(host: HostConfig): Partial<HostConfig> {
  return Object.fromEntries(Object.entries(host).filter(([key]) => HOST.has(key)));
}

/** The value of a setting that is no text. If it is a text all the same, it is wrong, and is left to the checks. */
function object(config: pulumi.Config, key: string): unknown {
  const text = optional(config, key);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}

function optional(config: pulumi.Config, key: string): string | undefined {
  const value = config.get(key);
  return value === "" ? undefined : value;
}

function secret(config: pulumi.Config, key: string): pulumi.Output<string> | undefined {
  return optional(config, key) === undefined ? undefined : config.getSecret(key);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || JSON.stringify(value) === "{}";
}

function list(config: pulumi.Config, key: string): string[] | undefined {
  const value = config.getObject<string[]>(key);
  return value?.length ? value : undefined;
}
