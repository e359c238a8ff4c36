/** The reading half of OCI's referrers; the writing half is the library @sigstore/oci's, which reads none. */
import type { FetchInterface } from "make-fetch-happen";

import { authorities, dockerLogin, type KnownLogin } from "./access";
import { ANY_BUNDLE, BUNDLE } from "./signing/bundles";
import { libraries } from "./signing/libraries";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** cosign's annotation of what a bundle says. */
export const PREDICATE_TYPE = "dev.sigstore.bundle.predicateType";
const MOST_PAGES = 20;

/** Something that refers to an image. */
export interface Descriptor {
  readonly digest: string;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A registry's answer that is not the one that was asked for. */
export class RegistryAnswer extends Error {
  constructor(
    readonly status: number,
    /** Method and URL. */
    readonly request: string,
  ) {
    super(`${status} to ${request}`);
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
  /** Where the list goes on. */
  readonly next?: string;
  readonly request: string;
}

/** A repository in a registry, over verified TLS. */
export class Repository {
  private authorization?: string;

  private constructor(
    private readonly fetch: FetchInterface,
    private readonly registry: string,
    private readonly path: string,
    readonly login: KnownLogin | undefined,
    readonly ca: string[],
  ) {}

  /**
   * @param name `host[:port]/repository`
   * @param login Default: what `docker login` knows, else nobody.
   */
  static async open(name: string, login?: KnownLogin): Promise<Repository> {
    const registry = name.slice(0, name.indexOf("/"));
    const ca = authorities(registry);
    const { fetch } = await libraries();
    const defaults = { ca, timeout: 60_000, retry: false };
    const known = login ?? (await dockerLogin(registry));
    return new Repository(fetch.defaults(defaults), registry, name.slice(registry.length + 1), known, ca);
  }

  /** The bundles among referrers that may say this of an image. */
  async bundles(referrers: readonly Descriptor[], predicateType: string): Promise<string[]> {
    const wanted = referrers.filter(({ artifactType, annotations }) => {
      const says = annotations?.[PREDICATE_TYPE] ?? predicateType;
      return (artifactType ?? ANY_BUNDLE).startsWith(ANY_BUNDLE) && says === predicateType;
    });
    const read: string[] = [];
    for (const referrer of wanted) read.push(...(await this.bundleIn(referrer.digest)));
    return read;
  }

  private async bundleIn(digest: string): Promise<string[]> {
    const manifest = await this.get(`manifests/${digest}`, MANIFEST);
    // A list may name what was deleted.
    if (manifest.status === 404) return [];
    const { layers = [] } = JSON.parse(good(manifest).body) as { layers?: Descriptor[] };
    const [layer] = layers;
    if (layer?.mediaType?.startsWith(ANY_BUNDLE) !== true) return [];
    return [good(await this.get(`blobs/${layer.digest}`, "*/*")).body];
  }

  /** What refers to an image: by OCI 1.1's API, else by the tag that stands in for it. */
  async referrers(digest: string): Promise<Descriptor[]> {
    const found: Descriptor[] = [];
    let page: string | undefined = `referrers/${digest}?artifactType=${encodeURIComponent(BUNDLE)}`;
    for (let pages = 0; page !== undefined && pages < MOST_PAGES; pages++) {
      const answer: Answer = await this.get(page, INDEX);
      if (!isIndex(answer)) return this.referrersByTag(digest, answer);
      found.push(...manifestsOf(answer));
      page = answer.next;
    }
    return found;
  }

  private async referrersByTag(digest: string, refused: Answer): Promise<Descriptor[]> {
    // An old registry says in many ways that it does not know the API.
    if ([401, 403, 429].includes(refused.status) || refused.status >= 500) good(refused);
    const tag = await this.get(`manifests/${digest.replace(":", "-")}`, INDEX);
    return tag.status === 404 ? [] : manifestsOf(good(tag));
  }

  private async get(what: string, accept: string): Promise<Answer> {
    const base = new URL(`https://${endpointOf(this.registry)}/v2/${this.path}/`);
    const { href: url, origin } = new URL(what, base);
    // Nobody else is given the login.
    if (origin !== base.origin) throw new Error(`the registry's list goes on at ${origin}`);
    const ask = () => {
      const { authorization } = this;
      return this.fetch(url, { headers: { accept, ...(authorization === undefined ? {} : { authorization }) } });
    };
    let response = await ask();
    if (response.status === 401) {
      this.authorization = await this.authorize(response.headers.get("www-authenticate") ?? "");
      if (this.authorization !== undefined) response = await ask();
    }
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
    const type = response.headers.get("content-type") ?? "";
    return { status: response.status, body: await response.text(), type, next, request: `GET ${url}` };
  }

  /** What a registry's challenge asks for: the login itself, or a token that another server gives for it. */
  private async authorize(challenge: string): Promise<string | undefined> {
    const { login } = this;
    const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    if (!/^bearer /i.test(challenge)) return basic;
    const value = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? "";
    const url = new URL(value("realm"));
    url.searchParams.set("service", value("service"));
    url.searchParams.set("scope", value("scope") || `repository:${this.path}:pull`);
    const response = await this.fetch(url.href, { headers: basic === undefined ? {} : { authorization: basic } });
    if (response.status !== 200) throw new RegistryAnswer(response.status, `GET ${url.origin}${url.pathname}`);
    const { token, access_token } = (await response.json()) as { token?: string; access_token?: string };
    return `Bearer ${access_token ?? token ?? ""}`;
  }
}

/** Docker Hub's registry has another name than its images. */
const endpointOf = (registry: string): string => (registry === "docker.io" ? "registry-1.docker.io" : registry);

const isIndex = ({ status, type }: Answer): boolean => status === 200 && type.startsWith(INDEX);

function manifestsOf({ body }: Answer): Descriptor[] {
  return (JSON.parse(body) as { manifests?: Descriptor[] | null }).manifests ?? [];
}

/** @throws RegistryAnswer where it is not the one that was asked for. */
function good(answer: Answer): Answer {
  if (answer.status !== 200) throw new RegistryAnswer(answer.status, answer.request);
  return answer;
}
