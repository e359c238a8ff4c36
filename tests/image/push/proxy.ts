import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";

import { trustInEngine } from "../../support/engineTrust";
import { type Registry, selfSigned } from "../../support/registry";

/**
 * What happens to a request instead of reaching the registry: it is refused, the registry is out of order (503), or the
 * connection is cut.
 */
export type Fault = "refuse" | "break" | "cut";

export interface ProxyOptions {
  plainHttp?: boolean;
  /**
   * One of this machine's addresses, with a certificate that no known authority has signed. @default the registry's, with its
   * certificate, which the docker engine is told of
   */
  address?: string;
}

const ANSWERS = {
  refuse: [403, "DENIED", "refused by the test"],
  break: [503, "UNAVAILABLE", "broken by the test"],
} as const;

function ownCertificate(address: string): { cert: Buffer; key: Buffer } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "image-proxy-"));
  const [cert, key] = [path.join(folder, "cert.pem"), path.join(folder, "key.pem")];
  selfSigned(address, cert, key);
  const made = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  fs.rmSync(folder, { recursive: true });
  return made;
}

/**
 * A way to a real registry that can be told to fail, keeps a record of what was asked, and may speak plain HTTP, for
 * all the world the registry itself.
 */
export class Proxy {
  /** `METHOD path` of every request that reached the registry or failed here, in order. */
  readonly asked: string[] = [];
  /** Says which requests fail. */
  fault: (method: string, path: string) => Fault | undefined = () => undefined;
  private distrust: () => void = () => undefined;

  private constructor(
    private readonly server: http.Server,
    private registry: Registry,
    private readonly address: string,
    /** Of the certificate's authority: itself. */
    readonly certificate: Buffer,
    private port = 0,
  ) {}

  static async start(registry: Registry, { plainHttp, address }: ProxyOptions = {}): Promise<Proxy> {
    const handle = (request: http.IncomingMessage, response: http.ServerResponse) => {
      proxy.pass(request, response);
    };
    const key =
      address === undefined
        ? { cert: fs.readFileSync(registry.caFile), key: fs.readFileSync(registry.keyFile) }
        : ownCertificate(address);
    const server = plainHttp ? http.createServer(handle) : https.createServer(key, handle);
    const proxy = new Proxy(server, registry, address ?? registry.host.split(":")[0] ?? "", key.cert);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, proxy.address, resolve);
    });
    proxy.port = (server.address() as AddressInfo).port;
    if (address === undefined) proxy.distrust = trustInEngine(proxy.host, key.cert);
    return proxy;
  }

  get host(): string {
    return `${this.address}:${this.port}`;
  }

  /** Forgets what was asked, and lets everything through. */
  reset(): void {
    this.asked.length = 0;
    this.fault = () => undefined;
  }

  /** Leads to another registry from now on, as if this one had been replaced. */
  leadTo(registry: Registry): void {
    this.registry = registry;
  }

  /** What changed the registry, or tried to. */
  get written(): string[] {
    return this.asked.filter((line) => !/^(GET|HEAD) /.test(line));
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
    this.distrust();
  }

  private pass(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method = "", url = "", headers } = request;
    this.asked.push(`${method} ${url}`);
    const fault = this.fault(method, url);
    if (fault === "cut") {
      request.socket.destroy();
      return;
    }
    if (fault !== undefined) {
      const [status, code, message] = ANSWERS[fault];
      request.resume();
      const errors = [{ code, message }];
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ errors }));
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
