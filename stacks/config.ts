import * as pulumi from "@pulumi/pulumi";

import type { ClusterNode, PauseSandboxArgs, PauseImageSource, ProofScope, SshHost } from "../components";
import { Problems } from "../components/problems";

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

const HOST_FIELDS = ["host", "port", "user", "hostKey", "insecureIgnoreHostKey"];
const NODE_FIELDS = [...HOST_FIELDS, "name", "canary", "gone", "bastion"];

/**
 * Reads the configuration of the stack.
 *
 * Shapes are checked here, values by the components. Declared settings (Pulumi.yaml) have been checked by the engine;
 * an empty string stands for "not set" there.
 *
 * @throws Error naming every setting that has the wrong shape.
 */
export function readStackConfig(config = new pulumi.Config()): StackConfig {
  const problems = new Problems("the stack's configuration");
  const nodes = hosts<NodeConfig>(problems, "nodes", config.getObject("nodes") ?? [], NODE_FIELDS);
  const bastion = config.getObject("bastion");
  const jump = bastion === undefined ? undefined : hosts<HostConfig>(problems, "bastion", [bastion], HOST_FIELDS)[0];
  for (const [i, node] of nodes.entries()) {
    if (node.bastion) hosts<HostConfig>(problems, `nodes[${i}].bastion`, [node.bastion], HOST_FIELDS);
  }
  problems.throwIfAny();

  const login = {
    privateKey: config.getSecret("sshPrivateKey"),
    privateKeyPassword: config.getSecret("sshPrivateKeyPassword"),
  };
  const withLogin = (host: HostConfig): SshHost => ({
    ...login,
    ...pick(host, HOST_FIELDS),
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
      image: image(config),
      nodes: nodes.map(toNode),
      trust: {
        ca: optional(config, "registryCa"),
        mirrors: list(config, "registryMirrors"),
        plainHttp: config.getBoolean("registryPlainHttp") === true ? true : undefined,
      },
      maxUnavailable: numberOrText(optional(config, "maxUnavailable")),
      generation: config.getNumber("generation"),
      proof: proof(config),
    },
    kubeconfig: config.getSecret("kubeconfig"),
    kubeContext: optional(config, "kubeContext"),
  };
}

function image(config: pulumi.Config): PauseSandboxArgs["image"] {
  const username = optional(config, "registryUsername");
  return {
    reference: config.get("reference") ?? "",
    source: optional(config, "imageSource") as PauseImageSource | undefined,
    mirrorOf: optional(config, "mirrorOf"),
    digest: optional(config, "imageDigest"),
    platforms: list(config, "platforms"),
    sourceUrl: optional(config, "sourceUrl"),
    insecureRegistry: config.getBoolean("insecureRegistry") === true ? true : undefined,
    login: username === undefined ? undefined : { username, password: config.requireSecret("registryPassword") },
  };
}

function proof(config: pulumi.Config): PauseSandboxArgs["proof"] {
  const scope = optional(config, "proof") as ProofScope | undefined;
  if (scope === ("none" as ProofScope)) return undefined;
  return {
    scope,
    nginxImage: config.get("nginxImage") ?? "",
    appImage: config.get("appImage") ?? "",
    appPort: config.getNumber("appPort"),
    namespace: optional(config, "namespace"),
  };
}

/** Checks that a setting is a list of hosts with no field that nobody reads: a misspelt hostKey must not be ignored. */
function hosts<T extends HostConfig>(problems: Problems, setting: string, value: unknown, fields: string[]): T[] {
  if (!Array.isArray(value)) {
    problems.add(setting, value, "a list");
    return [];
  }
  value.forEach((host: unknown, i) => {
    const field = setting === "nodes" ? `${setting}[${i}]` : setting;
    if (typeof host !== "object" || host === null) {
      problems.add(field, host, `an object with ${fields.join(", ")}`);
      return;
    }
    for (const [key, given] of Object.entries(host)) {
      if (!fields.includes(key)) problems.add(`${field}.${key}`, given, `one of the fields ${fields.join(", ")}`);
    }
  });
  return value as T[];
}

function pick(host: HostConfig, fields: string[]): Partial<HostConfig> {
  return Object.fromEntries(Object.entries(host).filter(([key]) => fields.includes(key)));
}

function optional(config: pulumi.Config, key: string): string | undefined {
  const value = config.get(key);
  return value === "" ? undefined : value;
}

function list(config: pulumi.Config, key: string): string[] | undefined {
  const value = config.getObject<string[]>(key);
  return value?.length ? value : undefined;
}

function numberOrText(value: string | undefined): number | string | undefined {
  return value !== undefined && /^[0-9]+$/.test(value) ? Number(value) : value;
}
