import type { IncomingHttpHeaders } from "http";
import * as http from "http";
import * as https from "https";

import { type Login, roots, savedLogin } from "./trust";

export type Scheme = "http" | "https";

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Ask {
  method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  headers?: Record<string, string>;
  body?: Buffer;
}

/** A manifest or index as the registry keeps it. */
export interface Manifest {
  mediaType: string;
  digest: string;
  bytes: Buffer;
}

/** An answer of a registry that is none of those hoped for. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Repository in a registry, spoken to by the distribution API. */
export class Repository {
  private readonly ca = roots();
  private authorization: string | undefined;

  constructor(
    private readonly host: string,
    private readonly path: string,
    private readonly login: Login | undefined,
    private readonly signal: AbortSignal,
    private readonly scheme: Scheme,
  ) {
    this.login ??= savedLogin(host);
  }

  /** @param reference Tag or digest. @returns undefined when the registry has none */
  async manifest(reference: string, accept: readonly string[]): Promise<Manifest | undefined> {
    const headers = { accept: accept.join(", ") };
    const { status, headers: answered, body } = await this.ask(`manifests/${reference}`, { method: "GET", headers });
    if (status === 404) return undefined;
    const digest = answered["docker-content-digest"];
    if (status !== 200 || typeof digest !== "string") throw this.refused("GET", `manifests/${reference}`, status, body);
    return { mediaType: answered["content-type"] ?? "", digest, bytes: body };
  }

  async blob(digest: string): Promise<Buffer> {
    const { status, headers, body } = await this.ask(`blobs/${digest}`, { method: "GET" });
    if ([302, 307].includes(status) && headers.location !== undefined) {
      // Storage elsewhere, which must not see the registry's credentials.
      const moved = await this.send(new URL(headers.location, this.url("")), { method: "GET" });
      if (moved.status === 200) return moved.body;
    }
    if (status !== 200) throw this.refused("GET", `blobs/${digest}`, status, body);
    return body;
  }

  async hasBlob(digest: string): Promise<boolean> {
    const { status, body } = await this.ask(`blobs/${digest}`, { method: "HEAD" });
    if (status !== 200 && status !== 404) throw this.refused("HEAD", `blobs/${digest}`, status, body);
    return status === 200;
  }

  /** Uploads in one piece; the registry refuses bytes that are not the digest's. */
  async putBlob(digest: string, bytes: Buffer): Promise<void> {
    const begun = await this.ask("blobs/uploads/", { method: "POST", headers: { "content-length": "0" } });
    const { location } = begun.headers;
    if (begun.status !== 202 || location === undefined) {
      throw this.refused("POST", "blobs/uploads/", begun.status, begun.body);
    }
    const url = new URL(location, this.url(""));
    url.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream", "content-length": String(bytes.length) };
    const done = await this.ask(url, { method: "PUT", headers, body: bytes });
    if (done.status !== 201) throw this.refused("PUT", `blobs/${digest}`, done.status, done.body);
  }

  /** @param reference Tag or digest. @returns the digest that the registry computed */
  async putManifest(reference: string, mediaType: string, bytes: Buffer): Promise<string> {
    const headers = { "content-type": mediaType, "content-length": String(bytes.length) };
    const answer = await this.ask(`manifests/${reference}`, { method: "PUT", headers, body: bytes });
    const digest = answer.headers["docker-content-digest"];
    if (answer.status !== 201 || typeof digest !== "string") {
      throw this.refused("PUT", `manifests/${reference}`, answer.status, answer.body);
    }
    return digest;
  }

  /** Deletes what every tag of this digest stands for. @returns false when the registry deletes nothing, ever */
  async deleteManifest(digest: string): Promise<boolean> {
    const { status, body } = await this.ask(`manifests/${digest}`, { method: "DELETE" });
    if (status === 405) return false;
    if (status !== 202 && status !== 404) throw this.refused("DELETE", `manifests/${digest}`, status, body);
    return true;
  }

  get name(): string {
    return `${this.host}/${this.path}`;
  }

  private url(what: string): URL {
    return new URL(`${this.scheme}://${this.host}/v2/${this.path}/${what}`);
  }

  private async ask(what: string | URL, ask: Ask): Promise<Answer> {
    const url = what instanceof URL ? what : this.url(what);
    const answer = await this.send(url, this.authorized(ask));
    const challenge = answer.headers["www-authenticate"];
    if (answer.status !== 401 || challenge === undefined) return answer;
    this.authorization = await this.authorize(challenge);
    return this.authorization === undefined ? answer : this.send(url, this.authorized(ask));
  }

  private authorized(ask: Ask): Ask {
    if (this.authorization === undefined) return ask;
    return { ...ask, headers: { ...ask.headers, authorization: this.authorization } };
  }

  /** Answers a challenge: with the log-in itself, or with a token that another server gives for it. */
  private async authorize(challenge: string): Promise<string | undefined> {
    const { username, password } = this.login ?? {};
    const basic = username && `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`;
    if (/^basic\b/i.test(challenge)) return basic === "" ? undefined : basic;
    const parameters = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value ?? ""]));
    const realm = parameters.get("realm");
    if (realm === undefined) return undefined;
    const url = new URL(realm);
    url.searchParams.set("service", parameters.get("service") ?? "");
    url.searchParams.set("scope", parameters.get("scope") ?? `repository:${this.path}:pull,push`);
    const answer = await this.send(url, { method: "GET", headers: basic ? { authorization: basic } : {} });
    if (answer.status !== 200) throw this.refused("GET", realm, answer.status, answer.body);
    const { token, access_token: accessToken } = JSON.parse(answer.body.toString()) as Record<string, string>;
    return `Bearer ${token ?? accessToken ?? ""}`;
  }

  private send(url: URL, { method, headers, body }: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { method, headers, signal: this.signal };
      const handle = (response: http.IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
        });
      };
      const request =
        url.protocol === "http:"
          ? http.request(url, options, handle)
          : https.request(url, { ...options, ca: this.ca }, handle);
      request.on("error", (error) => {
        reject(new Error(`${method} ${url.href}: ${error.message}`));
      });
      request.end(body);
    });
  }

  private refused(method: string, what: string, status: number, body: Buffer): Refusal {
    const where = what.includes("://") ? what : this.url(what).href;
    const first = `unexpected status from ${method} request to ${where}: ${status} ${http.STATUS_CODES[status] ?? ""}`;
    return new Refusal([first.trim(), ...errorsIn(body)].join("\n"), status);
  }
}

/** What a registry says is wrong, as the published plugin's client words it: `name unknown: repository not known`. */
function errorsIn(body: Buffer): string[] {
  try {
    const { errors = [] } = JSON.parse(body.toString()) as { errors?: { code: string; message?: string }[] };
    return errors.map(({ code, message = "" }) =>
      [code.toLowerCase().replaceAll("_", " "), message].filter((part) => part !== "").join(": "),
    );
  } catch {
    // Not every answer is a registry's own.
    return [];
  }
}
