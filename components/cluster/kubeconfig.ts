/** Which kubeconfig is read, and from where. */
import type { KubeConfig } from "@kubernetes/client-node";
import * as fs from "fs";
import * as os from "os";

import { firstLine, userError } from "../errors";

/** The Kubernetes client, which only programs need that ask a cluster for its nodes. No exported type may name it. */
type Client = typeof import("@kubernetes/client-node");

/** @throws Error with the command that installs it. */
async function kubernetesClient(): Promise<Client> {
  try {
    return await import("@kubernetes/client-node");
  } catch (error) {
    throw userError(
      "asking the cluster needs the package @kubernetes/client-node: " +
        `run npm install @kubernetes/client-node@1 (${firstLine(error)})`,
    );
  }
}

/** The fields of a Node object that are read. */
export interface NodeObject {
  metadata?: { name?: string; labels?: Record<string, string> };
  status?: {
    addresses?: { type: string; address: string }[];
    conditions?: { type: string; status: string; reason?: string }[];
    nodeInfo?: { operatingSystem: string };
  };
}

/** The fields of a Pod object that are read. */
export interface PodObject {
  metadata?: { name?: string; namespace?: string; uid?: string; deletionTimestamp?: Date };
  spec?: { nodeName?: string };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { name: string; restartCount: number }[];
  };
}

/** The fields of an Event object that are read. */
export interface EventObject {
  involvedObject: { kind?: string; uid?: string };
  reason?: string;
  message?: string;
  /** How often it has happened. */
  count?: number;
  lastTimestamp?: Date;
  eventTime?: Date;
}

/** One page of objects, and the token for the next page. */
export interface Page<T> {
  items: T[];
  metadata?: { _continue?: string };
}

/** Which objects are asked for. */
export interface PageRequest {
  labelSelector?: string;
  fieldSelector?: string;
  limit: number;
  _continue?: string;
}

/** A cluster by its kubeconfig. */
export interface Cluster {
  /** How messages call the kubeconfig. */
  readonly called: string;
  /** URL of its API server. */
  readonly server: string;
  page(request: PageRequest): Promise<Page<NodeObject>>;
  /** Pods of all namespaces. */
  pods(request: PageRequest): Promise<Page<PodObject>>;
  /** Events of all namespaces. */
  events(request: PageRequest): Promise<Page<EventObject>>;
  /** What a ConfigMap says, by its keys. */
  configMap(namespace: string, name: string): Promise<{ data?: Record<string, string> }>;
  /** One namespace, and the only way to change something in a cluster. */
  within(namespace: string): Namespace;
}

/** A namespace, for who makes a Pod of their own there. */
export interface Namespace {
  create(body: object): Promise<PodObject>;
  read(name: string): Promise<PodObject>;
  /** As its own grace period has it. */
  remove(name: string): Promise<unknown>;
  events(request: PageRequest): Promise<Page<EventObject>>;
}

/**
 * Reads a kubeconfig from its content, from a file, or from where kubectl finds one. That is `$KUBECONFIG`, then
 * ~/.kube/config, then the Pod's own account.
 *
 * @param given Content or path. Default: as kubectl.
 * @param context Default: the kubeconfig's current one.
 * @returns Nothing where none is given and kubectl would have none.
 * @throws Error naming which one was read, and what is wrong with it. It has nothing of its content.
 */
export async function openKubeconfig(given?: string, context?: string): Promise<Cluster | undefined> {
  const client: Client = await kubernetesClient();
  const config = new client.KubeConfig();
  const called = load(config, given);
  if (called === undefined) return undefined;
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context)) {
      throw userError(`${called} has no context "${context}"; it has ${known.join(", ") || "none"}`);
    }
    config.setCurrentContext(context);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw userError(`${called} has no current context: name one`);
  const api = config.makeApiClient(client.CoreV1Api);
  return {
    ...{ called, server, page: (request) => api.listNode(request) },
    pods: (request) => api.listPodForAllNamespaces(request),
    events: (request) => api.listEventForAllNamespaces(request),
    configMap: (namespace, name) => api.readNamespacedConfigMap({ namespace, name }),
    within: (namespace) => ({
      create: (body) => api.createNamespacedPod({ namespace, body }),
      read: (name) => api.readNamespacedPod({ namespace, name }),
      remove: (name) => api.deleteNamespacedPod({ namespace, name }),
      events: (request) => api.listNamespacedEvent({ namespace, ...request }),
    }),
  };
}

function load(config: KubeConfig, given?: string): string | undefined {
  if (given === undefined) {
    config.loadFromDefault();
    // The client's fallback when it finds nothing.
    if (config.getCurrentCluster()?.server === "http://localhost:8080") return undefined;
    const file = process.env.KUBECONFIG;
    return file === undefined || file === "" ? "the default kubeconfig" : `the kubeconfig ${file} ($KUBECONFIG)`;
  }
  // A path is one line; YAML or JSON of this kind is at least a pair in braces.
  const isPath = !/[\n{]/.test(given.trim());
  const file = atHome(given);
  const called = isPath ? `the kubeconfig ${given.trim()}` : "the kubeconfig that was given as content";
  try {
    config.loadFromString(isPath ? fs.readFileSync(file, "utf8") : given);
  } catch (error) {
    // A parser's message may quote the line, which may hold a token.
    const why = isPath && !fs.existsSync(file) ? "there is no such file" : "it is no kubeconfig";
    throw userError(`${called} cannot be read: ${error instanceof SyntaxError ? "it is no kubeconfig" : why}`);
  }
  return called;
}

/** A path as people write it. */
export const atHome = (file: string): string => file.trim().replace(/^~(?=\/)/, os.homedir());
