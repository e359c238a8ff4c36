/** The way of a pull, walked from a node: TCP, TLS, then what the registry says. No login is ever sent. */
import { X509Certificate } from "node:crypto";
import { type IncomingHttpHeaders, request } from "node:http";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as tlsConnect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { hostAndPort } from "./pulledImage";
import { messageOf } from "../components/errors";

/** What is asked for, in parts. */
export interface WireQuestion {
  readonly host: string;
  readonly port: number;
  readonly repository: string;
  readonly tag: string;
  /** As images name it: `amd64`. */
  readonly architecture: string;
  /** True where the node is told to use no TLS. Default: false. */
  readonly plainHttp?: boolean;
  /** Of each connection. Default: 15. */
  readonly timeoutSeconds?: number;
}

/** How far it went. */
export interface WireFact {
  /** Why there is no connection. */
  readonly unreached?: string;
  /** Why there is no TLS, where there is a connection. */
  readonly noTls?: string;
  /** As the server sent them, its own certificate first. */
  readonly served?: readonly X509Certificate[];
  /** The answer that decides: that of the manifest. */
  readonly status?: number;
  /** Who gives out logins, from WWW-Authenticate. */
  readonly realm?: string;
  readonly digest?: string;
  /** Those that the image has; empty where its manifest does not say. */
  readonly architectures?: readonly string[];
}

/** Opens a connection that starts on the node. */
export type Dial = (host: string, port: number) => Duplex;

const ACCEPT = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** In characters: OCI 1.1 asks registries for no larger manifest. */
const LONGEST_BODY = 4 << 20;
/** In characters, of a name, a digest or a realm. */
const LONGEST_NAME = 512;
const MOST_ARCHITECTURES = 64;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** @returns how far a pull gets; this never throws for what a server or a network does */
export async function walk(dial: Dial, question: WireQuestion): Promise<WireFact> {
  const { host, port, plainHttp } = question;
  const first = await opened(dial, question);
  if (first instanceof Error) return { unreached: first.message };
  if (first instanceof NoTls) return { noTls: first.message };
  const served = plainHttp ? undefined : chainOf(first as TLSSocket);
  first.destroy();
  try {
    const get = (path: string, headers: Record<string, string>) => ask(dial, question, path, headers);
    return { served, ...(await manifest(get, dial, question)) };
  } catch (error) {
    return { served, unreached: `${host}:${port} ended the connection: ${messageOf(error)}` };
  }
}

/** What OpenSSL says where the first bytes are no TLS. */
const SPEAKS_NO_TLS = /wrong version number|packet length too long|http request/i;

/** A server that speaks, but no TLS. */
class NoTls {
  constructor(readonly message: string) {}
}

/** A stream on which HTTP can be spoken, whatever the certificate is: it is judged apart, by the node's clock. */
function opened(dial: Dial, question: WireQuestion): Promise<Duplex | Error | NoTls> {
  const { host, port, plainHttp = false, timeoutSeconds = 15 } = question;
  return new Promise((resolve) => {
    let raw: Duplex;
    try {
      raw = dial(host, port);
    } catch (error) {
      // A port that is none, from a file of the node's.
      resolve(new Error(messageOf(error)));
      return;
    }
    const timer = setTimeout(() => {
      raw.destroy();
      resolve(new Error(`no answer from ${host}:${port} in ${timeoutSeconds} s`));
    }, timeoutSeconds * 1000);
    const done = (result: Duplex | Error | NoTls) => {
      clearTimeout(timer);
      resolve(result);
    };
    raw.once("error", (error) => {
      done(new Error(messageOf(error)));
    });
    if (plainHttp) {
      done(raw);
      return;
    }
    // An empty list: what is served is wanted, and nothing that this machine would add to it.
    const tls = tlsConnect({ socket: raw, ca: [], rejectUnauthorized: false, servername: isIP(host) > 0 ? "" : host });
    tls.once("secureConnect", () => {
      done(tls);
    });
    tls.once("error", (error) => {
      done(SPEAKS_NO_TLS.test(messageOf(error)) ? new NoTls("it speaks plain HTTP") : new Error(messageOf(error)));
    });
    tls.once("end", () => {
      done(new Error(`${host}:${port} ended the connection before it said anything`));
    });
  });
}

/** What the server sent; Node links each certificate to its issuer. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let now: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  while (now?.raw) {
    const one = new X509Certificate(now.raw);
    // A root is linked to itself; an end whose issuer was not sent, to nothing.
    if (chain.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256)) break;
    chain.push(one);
    now = now.issuerCertificate;
  }
  return chain;
}

type Get = (path: string, headers: Record<string, string>) => Promise<Answer>;

async function manifest(get: Get, dial: Dial, question: WireQuestion): Promise<WireFact> {
  const path = `/v2/${question.repository}/manifests/${question.tag}`;
  let answer = await get(path, { accept: ACCEPT });
  const challenge = answer.headers["www-authenticate"] ?? "";
  const realm = /realm="([^"]*)"/.exec(challenge)?.[1]?.slice(0, LONGEST_NAME);
  if (answer.status === 401 && /^bearer /i.test(challenge) && realm !== undefined) {
    const token = await anonymousToken(dial, realm, challenge, question);
    if (token !== undefined) answer = await get(path, { accept: ACCEPT, authorization: `Bearer ${token}` });
  }
  if (answer.status !== 200) return { status: answer.status, realm };
  const digest = answer.headers["docker-content-digest"];
  const architectures = await architecturesOf(get, question, answer.body);
  return { status: 200, realm, architectures, digest: named(digest)[0] };
}

/** The token that a registry gives to everybody, as runtimes ask for it. */
async function anonymousToken(
  dial: Dial,
  realm: string,
  challenge: string,
  question: WireQuestion,
): Promise<string | undefined> {
  const url = new URL(realm);
  const service = /service="([^"]*)"/.exec(challenge)?.[1];
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", `repository:${question.repository}:pull`);
  const plainHttp = url.protocol === "http:";
  const to = { ...question, ...hostAndPort(url.host, plainHttp ? 80 : 443), plainHttp };
  const { status, body } = await ask(dial, to, `${url.pathname}${url.search}`, {});
  if (status !== 200) return undefined;
  const { token, access_token } = objectIn(body);
  const given = token ?? access_token;
  return typeof given === "string" && /^[\x21-\x7e]+$/.test(given) ? given : undefined;
}

/** The fields of an object in JSON; none where it is something else. */
function objectIn(json: string): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(json));
  } catch {
    return {};
  }
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** An architecture, as a list of one. */
const named = (value: unknown): string[] => (typeof value === "string" ? [value.slice(0, LONGEST_NAME)] : []);

async function architecturesOf(get: Get, question: WireQuestion, body: string): Promise<string[]> {
  const { manifests, config } = objectIn(body);
  if (Array.isArray(manifests)) {
    const all = (manifests as unknown[]).map((one) => objectOf(objectOf(one).platform).architecture);
    return [...new Set(all.flatMap(named))].slice(0, MOST_ARCHITECTURES);
  }
  const { digest } = objectOf(config);
  if (typeof digest !== "string" || !/^sha256:[0-9a-f]{64}$/.test(digest)) return [];
  const blob = await get(`/v2/${question.repository}/blobs/${digest}`, {});
  // A registry may send to its store, which is somewhere else. The manifest is there, and that is what counts.
  if (blob.status !== 200) return [];
  return named(objectIn(blob.body).architecture);
}

async function ask(dial: Dial, question: WireQuestion, path: string, headers: Record<string, string>): Promise<Answer> {
  const socket = await opened(dial, question);
  if (socket instanceof Error || socket instanceof NoTls) throw new Error(socket.message);
  const { host, port, timeoutSeconds = 15 } = question;
  try {
    return await new Promise<Answer>((resolve, reject) => {
      socket.on("error", reject);
      // A byte now and then keeps a connection from being idle.
      const timer = setTimeout(() => {
        reject(new Error(`no end of ${path} in ${timeoutSeconds} s`));
      }, timeoutSeconds * 1000);
      socket.once("close", () => {
        clearTimeout(timer);
      });
      const sent = request(
        { createConnection: () => socket, host, port, path, headers, timeout: timeoutSeconds * 1000 },
        (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (text: string) => {
            body += text;
            if (body.length > LONGEST_BODY) reject(new Error(`${path} has more than ${LONGEST_BODY >> 20} MiB`));
          });
          response.on("end", () => {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
          });
          response.on("error", reject);
        },
      );
      sent.on("timeout", () => sent.destroy(new Error(`no answer to ${path} in ${timeoutSeconds} s`)));
      sent.on("error", reject);
      sent.end();
    });
  } finally {
    socket.destroy();
  }
}
