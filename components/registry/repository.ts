/** OCI's referrers: lists, reads and attaches the artifacts that refer to an image. */
import { createHash } from "node:crypto";

import { authorities, dockerLogin, type KnownLogin } from "./access";
import { type Answer, good, RegistryAnswer, Requests, TooLong } from "./requests";
import { ANY_BUNDLE, BUNDLE } from "./signing/bundles";
import { libraries } from "./signing/libraries";
import { answerOfStatus } from "./answers";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const ANY_MANIFEST = [
  ...[INDEX, MANIFEST, "application/vnd.docker.distribution.manifest.list.v2+json"],
  "application/vnd.docker.distribution.manifest.v2+json",
].join(",");
/** The config of an artifact that is not an image. */
const EMPTY = { type: "application/vnd.oci.empty.v1+json", body: "{}" };
/** cosign's annotation for a bundle's predicate type. */
export const PREDICATE_TYPE = "dev.sigstore.bundle.predicateType";
const MOST_PAGES = 20;
/** Maximum number of bundles to read and verify; an image has about three. */
export const MOST_BUNDLES = 200;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** An artifact that refers to an image. */
export interface Descriptor {
  readonly digest: string;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, unknown>>;
}

/** A bundle, or the reason why a listed one cannot be read. */
export type Bundle = { readonly json: string } | { readonly unread: string };

/** A repository in a registry, over verified TLS. */
export class Repository {
  private constructor(
    private readonly requests: Requests,
    private readonly base: string,
  ) {}

  /**
   * @param name `host[:port]/repository`
   * @param login Default: the login of `docker login`, else an anonymous one.
   */
  static async open(name: string, login?: KnownLogin): Promise<Repository> {
    const registry = name.slice(0, name.indexOf("/"));
    const path = name.slice(registry.length + 1);
    const { fetch } = await libraries();
    const { origin } = new URL(`https://${endpointOf(registry)}`);
    const known = login ?? (await dockerLogin(registry));
    const defaults = fetch.defaults({ ca: authorities(registry) });
    return new Repository(new Requests(defaults, origin, `repository:${path}:pull`, known), `${origin}/v2/${path}/`);
  }

  /**
   * Bundles among the referrers that may have this predicate, one by one: the caller stops when it has found its bundle. Anyone who may
   * push can attach artifacts, so a bundle that cannot be read must not hide the others.
   */
  async *bundles(referrers: readonly Descriptor[], predicateType: string): AsyncGenerator<Bundle> {
    const wanted = referrers.filter(({ artifactType, annotations }) => {
      const says = annotations?.[PREDICATE_TYPE] ?? predicateType;
      return (artifactType ?? ANY_BUNDLE).startsWith(ANY_BUNDLE) && says === predicateType;
    });
    for (const { digest } of wanted.slice(0, MOST_BUNDLES)) {
      const bundle = await this.bundleIn(digest).catch(passedOver);
      if (bundle !== undefined) yield bundle;
    }
    if (wanted.length > MOST_BUNDLES) {
      yield { unread: `${wanted.length} are listed, and the first ${MOST_BUNDLES} were looked at` };
    }
  }

  private async bundleIn(digest: string): Promise<Bundle | undefined> {
    const manifest = await this.get(`manifests/${digest}`, MANIFEST);
    // The list may contain a deleted artifact.
    if (manifest.status === 404) return undefined;
    const layer = layerIn(good(manifest).body);
    return layer === undefined ? undefined : { json: good(await this.get(`blobs/${layer}`, "*/*")).body };
  }

  /** The referrers of an image: by OCI 1.1's API, else by its fallback tag. */
  async referrers(digest: string): Promise<Descriptor[]> {
    const found: Descriptor[] = [];
    let page: string | undefined = `referrers/${digest}?artifactType=${encodeURIComponent(BUNDLE)}`;
    for (let pages = 0; page !== undefined && pages < MOST_PAGES; pages++) {
      const answer: Answer = await this.get(page, INDEX);
      if (!isIndex(answer)) return this.referrersByTag(digest, answer);
      found.push(...descriptorsIn(answer));
      page = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.header("link"))?.[1];
    }
    return found;
  }

  private async referrersByTag(digest: string, refused: Answer): Promise<Descriptor[]> {
    // Old registries reject the unknown API with many different answers.
    if (isOfAll(refused.status)) good(refused);
    const tag = await this.get(`manifests/${tagOf(digest)}`, INDEX);
    return tag.status === 404 ? [] : descriptorsIn(good(tag));
  }

  /** Attaches a bundle to an image: by OCI 1.1's API, and by the fallback tag if the registry lacks the API. */
  async attach(digest: string, bundle: string, notes: Readonly<Record<string, string>>): Promise<void> {
    const image = good(await this.get(`manifests/${digest}`, ANY_MANIFEST));
    const annotations = { "org.opencontainers.image.created": new Date().toISOString(), ...notes };
    const manifest = JSON.stringify({
      ...{ schemaVersion: 2, mediaType: MANIFEST, artifactType: BUNDLE },
      config: await this.upload(EMPTY),
      layers: [await this.upload({ type: BUNDLE, body: bundle })],
      subject: { mediaType: image.type, digest, size: Buffer.byteLength(image.body) },
      annotations,
    });
    const attached = { ...descriptorOf(MANIFEST, manifest), artifactType: BUNDLE, annotations };
    const put = await this.put(attached.digest, MANIFEST, manifest);
    // Some registries claim to list it, but have no list.
    const listed = put.header("oci-subject") !== "" && isIndex(await this.get(`referrers/${digest}`, INDEX));
    if (!listed) await this.listByTag(digest, attached);
  }

  private async listByTag(digest: string, attached: Descriptor): Promise<void> {
    const tag = tagOf(digest);
    const before = await this.get(`manifests/${tag}`, INDEX);
    const manifests = before.status === 404 ? [] : descriptorsIn(good(before));
    const etag = before.header("etag");
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [...manifests, attached] });
    await this.put(tag, INDEX, index, before.status === 404 || etag === "" ? {} : { "if-match": etag });
  }

  private async upload({ type, body }: { type: string; body: string }): Promise<Descriptor> {
    const begun = good(await this.requests.send(`${this.base}blobs/uploads/`, { method: "POST" }), 202);
    const url = new URL(begun.header("location"), this.base);
    const described = descriptorOf(type, body);
    url.searchParams.set("digest", described.digest);
    const headers = { "content-type": "application/octet-stream" };
    good(await this.requests.send(url.href, { method: "PUT", headers, body }), 201);
    return described;
  }

  private async put(name: string, type: string, body: string, also: Record<string, string> = {}): Promise<Answer> {
    const headers = { "content-type": type, ...also };
    return good(await this.requests.send(`${this.base}manifests/${name}`, { method: "PUT", headers, body }), 201);
  }

  private async get(what: string, accept: string): Promise<Answer> {
    const { href: url, origin } = new URL(what, this.base);
    if (origin !== new URL(this.base).origin) throw new Error(`the registry's list goes on at ${origin}`);
    return this.requests.send(url, { headers: { accept } });
  }
}

/** The entry of a bundle that cannot be read. @throws The error, where it concerns other bundles too. */
function passedOver(error: unknown): Bundle {
  if (error instanceof TooLong) return { unread: error.message };
  if (error instanceof RegistryAnswer && !isOfAll(error.status)) return { unread: error.message };
  throw error;
}

/** True for an answer about the login or the registry as a whole. */
const isOfAll = (status: number): boolean =>
  ["unauthorized", "forbidden", "too-often", "fails"].includes(answerOfStatus(status));

/** The host of Docker Hub's registry differs from the host in its image names. */
const endpointOf = (registry: string): string => (registry === "docker.io" ? "registry-1.docker.io" : registry);

const isIndex = ({ status, type }: Answer): boolean => status === 200 && type === INDEX;

const tagOf = (digest: string): string => digest.replace(":", "-");

const descriptorOf = (mediaType: string, body: string) => ({
  ...{ mediaType, size: Buffer.byteLength(body) },
  digest: `sha256:${createHash("sha256").update(body).digest("hex")}`,
});

/** The well-formed entries of a list. Anyone who may push can have written it. */
function descriptorsIn({ body }: Answer): Descriptor[] {
  const { manifests } = objectOf(parsed(body));
  return (Array.isArray(manifests) ? manifests : []).flatMap((one: unknown): Descriptor[] => {
    const { digest, artifactType } = objectOf(one);
    if (typeof digest !== "string" || !DIGEST.test(digest)) return [];
    return artifactType === undefined || typeof artifactType === "string" ? [one as Descriptor] : [];
  });
}

/** The digest of the bundle that a manifest is of; undefined where it is of something else. */
function layerIn(manifest: string): string | undefined {
  const { layers } = objectOf(parsed(manifest));
  const { mediaType, digest } = objectOf((Array.isArray(layers) ? (layers as unknown[]) : [])[0]);
  const isBundle = typeof mediaType === "string" && mediaType.startsWith(ANY_BUNDLE);
  return isBundle && typeof digest === "string" && DIGEST.test(digest) ? digest : undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
