/**
 * A server that gives out tokens for a registry, as Harbor, GitLab, Artifactory and the registries of the clouds do it: the registry
 * takes no login itself, and names this server in its WWW-Authenticate.
 */
import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";

import { selfSigned } from "./registry";

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface TokenServer {
  /** `auth.token` of the registry's configuration. Its certificate file is {@link certificate}. */
  readonly auth: { realm: string; service: string; issuer: string };
  /** PEM. Tokens are signed with its key. */
  readonly certificate: string;
  /** A token for this scope, such as `repository:a/pause:pull,push`, for nobody's login. */
  readonly tokenFor: (scope: string) => string;
  close(): void;
}

const NAMES = { service: "a registry", issuer: "the token server of a test" };

/**
 * @param address Where it listens.
 * @param folder For its key.
 * @param logins Who may pull, asked each time.
 */
export async function tokenServer(
  address: string,
  folder: string,
  logins: () => readonly Login[],
): Promise<TokenServer> {
  const [certFile, keyFile] = [path.join(folder, "tokens.pem"), path.join(folder, "tokens.key")];
  selfSigned("127.0.0.1", certFile, keyFile);
  const certificate = fs.readFileSync(certFile, "utf8");
  const key = createPrivateKey(fs.readFileSync(keyFile));
  const x5c = [new X509Certificate(certificate).raw.toString("base64")];

  const tokenFor = (...scopes: string[]): string => {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.flatMap((scope) => {
      const [, type, name, actions = ""] = /^(\w+):(.+):([\w,*]*)$/.exec(scope) ?? [];
      return type === undefined ? [] : [{ type, name, actions: actions.split(",") }];
    });
    const times = { iat: now, nbf: now - 60, exp: now + 600 };
    const claims = { iss: NAMES.issuer, sub: "", aud: NAMES.service, jti: randomUUID(), ...times, access };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ typ: "JWT", alg: "ES256", x5c })}.${part(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };

  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      const form = new URLSearchParams(body);
      const query = new URL(request.url ?? "", "http://tokens").searchParams;
      const given = request.method === "POST" ? fromForm(form) : fromHeader(request.headers.authorization);
      if (!logins().some(({ username, password }) => given === `${username}:${password}`)) {
        response.writeHead(401, { "content-type": "application/json" });
        response.end('{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}');
        return;
      }
      const scopes = [...form.getAll("scope"), ...query.getAll("scope")].flatMap((text) => text.split(" "));
      // Nodes may only pull.
      const token = tokenFor(...scopes.filter((scope) => scope.endsWith(":pull")));
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ token, access_token: token, expires_in: 600 }));
    });
  });
  // No test waits for its end.
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  const auth = { realm: `http://${address}:${port}/token`, ...NAMES };
  return { auth, certificate, tokenFor, close: () => server.close() };
}

const fromForm = (form: URLSearchParams): string => `${form.get("username") ?? ""}:${form.get("password") ?? ""}`;
const fromHeader = (header = ""): string => Buffer.from(header.replace(/^Basic /, ""), "base64").toString();
