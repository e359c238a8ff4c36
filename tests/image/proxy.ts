import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";

import type { Registry } from "../contract/registry";

/** What happens to a request instead of reaching the registry: it is refused, or its connection is cut. */
export type Fault = "refuse" | "cut";

/**
 * A way to a real registry that can be told to fail, keeps a record of what was asked, and may speak plain HTTP, for
 * all the world the registry itself.
 */
export class Proxy {
  /** `METHOD path` of every request that reached the registry or failed here, in order. */
  readonly asked: string[] = [];
  /** Says which requests fail. */
  fault: (method: string, path: string) => Fault | undefined = () => undefined;

  private constructor(
    private readonly server: http.Server,
    private readonly registry: Registry,
    private port = 0,
  ) {}

  static async start(registry: Registry, options: { plainHttp?: boolean } = {}): Promise<Proxy> {
    const handle = (request: http.IncomingMessage, response: http.ServerResponse) => {
      proxy.pass(request, response);
    };
    const key = { cert: fs.readFileSync(registry.caFile), key: fs.readFileSync(registry.keyFile) };
    const server = options.plainHttp ? http.createServer(handle) : https.createServer(key, handle);
    const proxy = new Proxy(server, registry);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    proxy.port = (server.address() as AddressInfo).port;
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Forgets what was asked, and lets everything through. */
  reset(): void {
    this.asked.length = 0;
    this.fault = () => undefined;
  }

  /** What changed the registry, or tried to. */
  get written(): string[] {
    return this.asked.filter((line) => !/^(GET|HEAD) /.test(line));
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private pass(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method = "", url = "", headers } = request;
    this.asked.push(`${method} ${url}`);
    const fault = this.fault(method, url);
    if (fault === "cut") {
      request.socket.destroy();
      return;
    }
    if (fault === "refuse") {
      const errors = [{ code: "DENIED", message: "refused by the test" }];
      request.resume();
      response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify({ errors }));
      return;
    }
    const [host, port] = this.registry.host.split(":");
    const scheme = this.server instanceof https.Server ? "https" : "http";
    const options = { host, port, method, path: url, ca: fs.readFileSync(this.registry.caFile) };
    // The registry tells clients to go on where they came from.
    const forward = https.request({ ...options, headers: { ...headers, "x-forwarded-proto": scheme } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forward.on("error", () => {
      response.destroy();
    });
    request.pipe(forward);
  }
}
