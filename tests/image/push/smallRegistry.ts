import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";

import { bridgeAddress, trustInEngine } from "../../support/engineTrust";
import { Registry, selfSigned } from "../../support/registry";

/**
 * What a registry makes of a manifest that refers to another one: OCI 1.1's API lists it, a page for each; or it is refused;
 * or only the tag that stands in for the API is; or it is taken and forgotten.
 */
export type Referrers = "listed" | "refused" | "tag refused" | "forgotten";

const INDEX = "application/vnd.oci.image.index.v1+json";

interface Manifest {
  type: string;
  body: string;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** A registry in memory, over TLS that this machine trusts. A login gets a token from it, as from those of clouds. */
export class SmallRegistry {
  /** `METHOD path` of every request but those for a token. */
  readonly asked: string[] = [];
  readonly manifests = new Map<string, Manifest>();
  private readonly blobs = new Map<string, string>();
  private distrust: () => void = () => undefined;
  host = "";

  private constructor(
    private readonly server: https.Server,
    private readonly referrers: Referrers,
  ) {}

  static async start(referrers: Referrers): Promise<SmallRegistry> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "small-registry-"));
    const [cert, key] = [path.join(folder, "cert.pem"), path.join(folder, "key.pem")];
    selfSigned(bridgeAddress(), cert, key);
    const certificate = fs.readFileSync(cert);
    const server = https.createServer({ cert: certificate, key: fs.readFileSync(key) });
    fs.rmSync(folder, { recursive: true });
    const registry = new SmallRegistry(server, referrers);
    server.on("request", (request, response) => void registry.serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, bridgeAddress(), resolve));
    registry.host = `${bridgeAddress()}:${(server.address() as AddressInfo).port}`;
    registry.distrust = trustInEngine(registry.host, certificate);
    return registry;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
    this.distrust();
  }

  /** Puts an image there. @returns its digest */
  image(): string {
    return this.keep({ type: INDEX, body: JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] }) });
  }

  private keep(manifest: Manifest): string {
    const digest = digestOf(manifest.body);
    this.manifests.set(digest, manifest);
    return digest;
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { status, headers: said, body: answer = "" } = this.answer(method, url, headers, body);
    response.writeHead(status, { ...said, "content-length": Buffer.byteLength(answer) });
    response.end(method === "HEAD" ? "" : answer);
  }

  private answer(method: string, url: string, headers: http.IncomingHttpHeaders, body: string): Answer {
    const { username, password } = Registry.user;
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    if (url.startsWith("/token")) {
      return headers.authorization === basic ? { status: 200, body: '{"token":"for-this-test"}' } : { status: 401 };
    }
    this.asked.push(`${method} ${url}`);
    if (headers.authorization !== "Bearer for-this-test") {
      const challenge = `Bearer realm="https://${this.host}/token",service="small",scope="repository:pause:pull,push"`;
      return { status: 401, headers: { "www-authenticate": challenge } };
    }
    const [, kind = "", name = ""] = /^\/v2\/pause\/(blobs|manifests|referrers)\/([^?]*)/.exec(url) ?? [];
    if (kind === "blobs") return this.blob(method, name, url, body);
    if (kind === "referrers") return this.list(name, new URL(url, "https://x").searchParams.get("page"));
    return method === "PUT" ? this.put(name, headers["content-type"] ?? "", body) : this.manifest(name);
  }

  private blob(method: string, name: string, url: string, body: string): Answer {
    if (method === "POST") return { status: 202, headers: { location: "/v2/pause/blobs/uploads/one" } };
    if (method === "PUT") {
      this.blobs.set(new URL(url, "https://x").searchParams.get("digest") ?? "", body);
      return { status: 201 };
    }
    const blob = this.blobs.get(name);
    return blob === undefined ? { status: 404 } : { status: 200, body: blob };
  }

  private manifest(name: string): Answer {
    const found = this.manifests.get(name);
    if (found === undefined) return { status: 404 };
    const headers = { "content-type": found.type, "docker-content-digest": digestOf(found.body) };
    return { status: 200, headers, body: found.body };
  }

  private put(name: string, type: string, body: string): Answer {
    const refused = { status: 400, body: '{"errors":[{"code":"MANIFEST_INVALID"}]}' };
    const { subject } = JSON.parse(body) as { subject?: { digest: string } };
    if (subject !== undefined && this.referrers === "refused") return refused;
    if (name.startsWith("sha256-") && this.referrers === "tag refused") return refused;
    if (subject !== undefined && this.referrers === "forgotten") {
      return { status: 201, headers: { "oci-subject": subject.digest } };
    }
    this.keep({ type, body });
    this.manifests.set(name, { type, body });
    const listed = subject !== undefined && this.referrers === "listed";
    return { status: 201, headers: listed ? { "oci-subject": subject.digest } : {} };
  }

  private list(digest: string, page: string | null): Answer {
    if (!["listed", "forgotten"].includes(this.referrers)) return { status: 404 };
    const all = [...this.manifests].flatMap(([name, { type, body }]) => {
      const { subject, artifactType } = JSON.parse(body) as { subject?: { digest: string }; artifactType?: string };
      // Some registries list no annotations.
      return subject?.digest === digest ? [{ mediaType: type, digest: name, artifactType, size: body.length }] : [];
    });
    const at = Number(page ?? 0);
    const manifests = all.slice(at, at + 1);
    const next: Record<string, string> =
      at + 1 < all.length ? { link: `</v2/pause/referrers/${digest}?page=${at + 1}>; rel="next"` } : {};
    const body = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
    return { status: 200, headers: { "content-type": INDEX, ...next }, body };
  }
}

export const digestOf = (content: string): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;
