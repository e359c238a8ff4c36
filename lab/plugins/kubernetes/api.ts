import type { IncomingMessage } from "http";
import * as https from "https";
import * as readline from "readline";

import { isObject, type Props } from "../protocol/values";
import type { Cluster } from "./kubeconfig";

/** An object of the API, as far as this plugin looks into it. */
export type KubeObject = Props & { metadata?: Props & { name?: string; namespace?: string; uid?: string } };

export interface Ask {
  method?: "GET" | "PATCH" | "DELETE";
  query?: Record<string, string>;
  contentType?: string;
  body?: Props;
  signal: AbortSignal;
}

/** What the API server refused, with its own reason. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** A client of one API server. */
export class Api {
  private readonly agent: https.Agent;

  constructor(readonly cluster: Cluster) {
    const { ca, cert, key } = cluster;
    this.agent = new https.Agent({ ca, cert, key, keepAlive: true });
  }

  async ask(path: string, ask: Ask): Promise<KubeObject> {
    const response = await this.send(path, ask);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return objectOf(response.statusCode ?? 0, Buffer.concat(chunks).toString(), `${ask.method ?? "GET"} ${path}`);
  }

  /** @returns undefined when there is no such object */
  async find(path: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.ask(path, { signal });
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return undefined;
      throw error;
    }
  }

  /**
   * Watches one object until `done` says so, from what it is now on.
   * @param done Gets the object, or undefined while there is none.
   * @throws Error when the signal is aborted
   */
  async until(
    collection: string,
    name: string,
    signal: AbortSignal,
    done: (object: KubeObject | undefined) => boolean,
  ): Promise<void> {
    const only = { fieldSelector: `metadata.name=${name}` };
    for (;;) {
      const list = await this.ask(collection, { query: only, signal });
      if (done((list.items as KubeObject[])[0])) return;
      const resourceVersion = String(list.metadata?.resourceVersion);
      for await (const { type, object } of this.watch(collection, { ...only, resourceVersion }, signal)) {
        // The server no longer knows that version; what is to be seen now tells as much.
        if (type === "ERROR") break;
        if (done(type === "DELETED" ? undefined : object)) return;
      }
    }
  }

  private async *watch(
    collection: string,
    query: Record<string, string>,
    signal: AbortSignal,
  ): AsyncGenerator<{ type: string; object: KubeObject }> {
    const response = await this.send(collection, { query: { ...query, watch: "true" }, signal });
    try {
      if (response.statusCode !== 200)
        throw new Refused(`watching ${collection} was refused`, response.statusCode ?? 0);
      const lines = readline.createInterface({ input: response });
      for await (const line of lines) yield JSON.parse(line) as { type: string; object: KubeObject };
      signal.throwIfAborted();
    } finally {
      response.destroy();
    }
  }

  private send(path: string, { method = "GET", query, contentType, body, signal }: Ask): Promise<IncomingMessage> {
    const { server, token } = this.cluster;
    const url = new URL(server.replace(/\/$/, "") + path);
    for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, value);
    const text = body && JSON.stringify(body);
    const headers = {
      accept: "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      // Node gives a DELETE no length by itself, and its body would then be read as the next request.
      ...(text !== undefined && {
        "content-type": contentType ?? "application/json",
        "content-length": Buffer.byteLength(text),
      }),
    };
    return new Promise((resolve, reject) => {
      const request = https.request(url, { method, headers, agent: this.agent, signal }, resolve);
      request.on("error", (error) => {
        reject(new Error(`${method} ${server}${path}: ${error.message}`));
      });
      request.end(text);
    });
  }
}

function objectOf(status: number, text: string, what: string): KubeObject {
  const content: unknown = text.startsWith("{") ? JSON.parse(text) : undefined;
  if (status >= 200 && status < 300 && isObject(content)) return content;
  const reason = isObject(content) ? String(content.message) : text.slice(0, 500);
  throw new Refused(`${what}: the API server answered ${status}: ${reason}`, status);
}
