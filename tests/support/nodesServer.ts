/** An API server that only knows of nodes, in pages, and a kubeconfig for it. */
import * as http from "http";
import type { AddressInfo } from "net";
import { text } from "node:stream/consumers";

import type { NodeObject } from "../../components/cluster/kubeconfig";

/** A Node object as the API server gives it. */
export function node(
  name: string,
  more: { labels?: Record<string, string>; ready?: string; system?: string; ip?: string } = {},
): NodeObject {
  const { labels, ready = "True", system = "linux", ip = "10.0.0.1" } = more;
  return {
    metadata: { name, labels },
    status: {
      addresses: [
        { type: "Hostname", address: `${name}.example` },
        { type: "InternalIP", address: ip },
      ],
      conditions: [
        { type: "MemoryPressure", status: "False" },
        { type: "Ready", status: ready },
      ],
      nodeInfo: { operatingSystem: system },
    },
  };
}

/** A Pod object as the API server gives it. */
export function pod(
  name: string,
  nodeName: string,
  more: { ready?: string; restarts?: number; phase?: string; deleted?: boolean; uid?: string } = {},
): object {
  const { ready = "True", restarts = 0, phase = "Running", deleted = false, uid = `uid of ${name}` } = more;
  return {
    metadata: { name, uid, namespace: "default", ...(deleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
    spec: { nodeName },
    status: {
      phase,
      conditions: [{ type: "Ready", status: ready }],
      containerStatuses: [{ name: "main", restartCount: restarts }],
    },
  };
}

export interface NodesServer {
  readonly kubeconfig: string;
  /** What was asked of it. */
  readonly asked: URL[];
  /** Whether nobody may list nodes. */
  denied: boolean;
  close(): void;
}

/** What it answers to a request, before anything else; nothing where the rest counts. */
export type Answers = (method: string, path: string, body: string) => { status: number; body: object } | undefined;

/**
 * @param pages The nodes of each page.
 * @param more What it has of another kind, by the last part of the path.
 */
export async function nodesServer(
  pages: readonly (readonly NodeObject[])[],
  more: Readonly<Record<string, readonly object[]>> = {},
  answers: Answers = () => undefined,
): Promise<NodesServer> {
  const asked: URL[] = [];
  const server = http.createServer((request, response) => {
    void text(request).then((body) => {
      answer(request, response, body);
    });
  });
  const answer = (request: http.IncomingMessage, response: http.ServerResponse, body: string): void => {
    const url = new URL(request.url ?? "", "http://api");
    asked.push(url);
    const own = answers(request.method ?? "", url.pathname, body);
    if (own) {
      response.writeHead(own.status, { "content-type": "application/json" }).end(JSON.stringify(own.body));
      return;
    }
    const page = Number(url.searchParams.get("continue") ?? "0");
    const metadata = page + 1 < pages.length ? { continue: String(page + 1) } : {};
    const other = more[url.pathname.split("/").pop() ?? ""];
    const [label = "", value] = (url.searchParams.get("labelSelector") ?? "").split("=");
    const matches = ({ metadata: { labels = {} } = {} }: NodeObject): boolean =>
      value === undefined || labels[label] === value;
    const nodes = { kind: "NodeList", apiVersion: "v1", metadata, items: pages[page]?.filter(matches) };
    const listing = other === undefined ? nodes : { kind: "List", apiVersion: "v1", metadata: {}, items: other };
    const message = 'nodes is forbidden: User "eve" cannot list resource "nodes"';
    const listed = result.denied ? { kind: "Status", message, code: 403 } : listing;
    response.writeHead(result.denied ? 403 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(listed));
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const cluster = { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true };
  const kubeconfig = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "one",
    clusters: [{ name: "one", cluster }],
    users: [{ name: "eve", user: { token: "secret-token" } }],
    contexts: [{ name: "one", context: { cluster: "one", user: "eve" } }],
  });
  const result: NodesServer = { kubeconfig, asked, denied: false, close: () => void server.close() };
  return result;
}
