/** Requests to one registry, over verified TLS. The login is sent only to the registry and to the token server that it names. */
import type { FetchInterface } from "make-fetch-happen";

import type { KnownLogin } from "./access";
import { quoted } from "../visible";

/** In bytes: OCI 1.1 asks registries for no larger manifest. A bundle has some 10 kB. */
const LONGEST_BODY = 4 << 20;
/** Timeout of one request with its answer. */
const TIMEOUT_SECONDS = 60;
const MOST_REDIRECTS = 5;

/** The parts of a request. */
export interface Asked {
  /** Default: GET. */
  readonly method?: "GET" | "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The media type, without parameters. */
  readonly type: string;
  /** A header; empty where there is none. */
  header(name: string): string;
  /** Method and URL. */
  readonly request: string;
}

/** An unexpected answer of a registry. */
export class RegistryAnswer extends Error {
  constructor(
    readonly status: number,
    /** Method and URL. */
    readonly request: string,
  ) {
    super(`the registry answered ${status} to ${request}`);
  }
}

/** An answer that is longer than any valid one. */
export class TooLong extends Error {}

/** The registry asks for a request without TLS. */
export class WithoutTls extends Error {}

/** @throws RegistryAnswer for an unexpected answer. */
export function good(answer: Answer, ...statuses: readonly number[]): Answer {
  if (!(statuses.length === 0 ? [200] : statuses).includes(answer.status)) {
    throw new RegistryAnswer(answer.status, answer.request);
  }
  return answer;
}

export class Requests {
  /** The answer to a registry's challenge. Tokens for reading and for writing differ. */
  private readonly authorization = new Map<boolean, string>();

  /**
   * @param origin Of the registry, https.
   * @param scope For a challenge that names none.
   */
  constructor(
    private readonly fetch: FetchInterface,
    private readonly origin: string,
    private readonly scope: string,
    private readonly login: KnownLogin | undefined,
  ) {}

  /**
   * Logs in if the registry asks for a login, and follows redirects.
   * @param url Absolute, or a path at the registry.
   * @throws WithoutTls, TooLong, or an error of the network.
   */
  async send(url: string, asked: Asked = {}): Promise<Answer> {
    const writes = asked.method !== undefined && asked.method !== "GET";
    const answer = await this.follow(url, asked, writes);
    if (answer.status !== 401) return answer;
    const authorization = await this.authorize(answer.header("www-authenticate"));
    if (authorization === undefined) return answer;
    this.authorization.set(writes, authorization);
    return this.follow(url, asked, writes);
  }

  private async follow(first: string, asked: Asked, writes: boolean): Promise<Answer> {
    let url = urlIn(first, "it sends on to", new URL(this.origin));
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const authorization = url.origin === this.origin ? this.authorization.get(writes) : undefined;
      const answer = await this.once(url, asked, authorization);
      const location = answer.header("location");
      // A write follows only redirects that keep its method and body.
      const sendsOn = (writes ? [307, 308] : [301, 302, 303, 307, 308]).includes(answer.status) && location !== "";
      if (!sendsOn) return answer;
      url = urlIn(location, "it sends on to", url);
    }
    throw new Error(`it sends on more than ${MOST_REDIRECTS} times from ${first}`);
  }

  private async once(url: URL, { method = "GET", headers = {}, body }: Asked, authorization?: string): Promise<Answer> {
    const login: Record<string, string> = authorization === undefined ? {} : { authorization };
    const request = `${method} ${url.origin}${url.pathname}`;
    const ended = new AbortController();
    const timer = setTimeout(() => {
      ended.abort();
    }, TIMEOUT_SECONDS * 1000);
    try {
      const response = await this.fetch(url.href, {
        ...{ method, body, headers: { ...headers, ...login }, redirect: "manual", retry: false, strictSSL: true },
        // The library accepts this option, but its types lack it.
        ...({ signal: ended.signal } as object),
      });
      const header = (name: string): string => response.headers.get(name) ?? "";
      const type = header("content-type").split(";")[0]?.trim() ?? "";
      const text = await bodyOf(response, request);
      return { status: response.status, body: text, type, header, request };
    } catch (error) {
      if (ended.signal.aborted) throw new Error(`timed out: no end of ${request} in ${TIMEOUT_SECONDS} s`);
      ended.abort();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The answer to a registry's challenge: the login itself, or a token that another server issues for it. */
  private async authorize(challenge: string): Promise<string | undefined> {
    const { login } = this;
    const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    if (/^basic\b/i.test(challenge)) return basic;
    if (!/^bearer /i.test(challenge)) {
      if (basic === undefined) return undefined;
      throw new Error("the registry asks for a login in another way than Basic or Bearer");
    }
    const value = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? "";
    const url = urlIn(value("realm"), "it gives logins out at");
    const wanted = { service: value("service"), scope: value("scope") || this.scope };
    // A redirect is not followed: its target must not get the login.
    if (login?.identityToken) return `Bearer ${tokenIn(good(await this.once(url, exchange(login.password, wanted))))}`;
    for (const [name, text] of Object.entries(wanted)) url.searchParams.set(name, text);
    return `Bearer ${tokenIn(good(await this.once(url, {}, basic)))}`;
  }
}

/** An identity token for an access token. Source: the specification of OAuth 2 in the CNCF project Distribution. */
function exchange(token: string, wanted: Readonly<Record<string, string>>): Asked {
  const grant = { grant_type: "refresh_token", client_id: "pause-sandbox", refresh_token: token };
  const body = new URLSearchParams({ ...grant, ...wanted }).toString();
  return { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body };
}

async function bodyOf({ body }: { body: unknown }, request: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_BODY) throw new TooLong(`${request} has more than ${LONGEST_BODY >> 20} MiB`);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString();
}

/** @param words The registry's action, for messages. */
function urlIn(text: string, words: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new Error(`${words} ${quoted(text)}, which is no URL`);
  }
  if (url.protocol !== "https:") throw new WithoutTls(`${words} ${url.origin}, which is not TLS`);
  return url;
}

function tokenIn({ body, request }: Answer): string {
  try {
    const { token, access_token } = JSON.parse(body) as { token?: unknown; access_token?: unknown };
    const given = access_token ?? token;
    if (typeof given === "string" && /^[\x21-\x7e]+$/.test(given)) return given;
  } catch {
    // Below.
  }
  throw new Error(`${request} gave no token`);
}
