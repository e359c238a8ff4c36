import { isIPv6 } from "net";

import type * as pulumi from "@pulumi/pulumi";

import { userError } from "../errors";
import { describe, type Problems } from "../problems";

/** An image reference as nodes are configured with it: `host[:port]/repository:tag`. */
export interface ImageReference {
  /** Registry, `host` or `host:port`. */
  readonly registry: string;
  /** Path inside the registry, without tag. */
  readonly repository: string;
  readonly tag: string;
}

const HOST =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/i;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** Whether registries take it as a tag, and it does not say "the newest". */
export const isTag = (value: unknown): boolean => typeof value === "string" && TAG.test(value) && value !== "latest";

/** The required form of a reference, for messages. */
const REFERENCE_SHAPE = "host[:port]/repository:tag, for example registry.example.com:5000/platform/pause:3.10";

const SOURCE_SHAPE = "host[:port]/repository with a tag, a digest or both, for example registry.k8s.io/pause:3.10";

/** The parts of an image's name, before any check. */
export interface ImageName {
  /** Missing where the first part of the name is no host: runtimes disagree about the default one. */
  readonly registry?: string;
  readonly repository: string;
  readonly tag?: string;
  /** The text after the `@`. */
  readonly digest?: string;
}

/** Takes a name apart as runtimes do. The callers check whether the parts are allowed. */
export function splitImageName(text: string): ImageName {
  const at = text.indexOf("@");
  const name = at < 0 ? text : text.slice(0, at);
  const slash = name.indexOf("/");
  const registry = slash > 0 && isRegistryHost(name.slice(0, slash)) ? name.slice(0, slash) : undefined;
  const path = registry === undefined ? name : name.slice(slash + 1);
  const colon = path.lastIndexOf(":");
  const tagged = colon > path.lastIndexOf("/");
  return {
    registry,
    repository: tagged ? path.slice(0, colon) : path,
    tag: tagged ? path.slice(colon + 1) : undefined,
    digest: at < 0 ? undefined : text.slice(at + 1),
  };
}

/**
 * Reads a fully qualified, tagged reference.
 *
 * Nodes get exactly this string. containerd pins the sandbox image only if it was pulled by the very string in the
 * configuration. That is why short forms are refused instead of completed.
 *
 * @throws Error naming the value, what is allowed and the reason.
 */
export function parseReference(value: string): ImageReference {
  const refuse = refusal(value, REFERENCE_SHAPE);
  // An Output that turned out to hold nothing.
  if (typeof (value as unknown) !== "string") refuse("nodes need it");
  const name = splitImageName(value);
  if (name.digest !== undefined) {
    refuse("a digest is checked on the node, never configured (containerd does not pin digest references)");
  }
  const reference = checkedParts(name, refuse);
  const full = dockerHubName(reference);
  if (full !== value) {
    refuse(`runtimes call it ${full} and so never pin it under the name they are given; write ${full}`);
  }
  return reference;
}

/** The full name of a Docker Hub image. Runtimes change every other form to this one. */
function dockerHubName({ registry, repository, tag }: ImageReference): string {
  if (!["docker.io", "index.docker.io"].includes(registry)) return `${registry}/${repository}:${tag}`;
  return `docker.io/${repository.includes("/") ? "" : "library/"}${repository}:${tag}`;
}

/**
 * Checks an image to copy from: `host[:port]/repository` with a tag, a digest or both. Unlike what nodes get, a digest
 * is welcome here: it says for good which image is meant.
 *
 * @throws Error naming the value, what is allowed and the reason.
 */
export function checkSource(value: string): void {
  const refuse = refusal(value, SOURCE_SHAPE);
  const name = splitImageName(value);
  if (name.digest === undefined) {
    if (name.tag === undefined) refuse("neither tag nor digest says which image is meant");
    checkedParts(name, refuse);
    return;
  }
  if (!DIGEST.test(name.digest)) refuse("a digest is @sha256: and 64 hexadecimal digits");
  // The digest decides, so no tag is needed beside it, and any will do.
  checkedParts({ ...name, tag: name.tag === "latest" ? "any" : (name.tag ?? "any") }, refuse);
}

type Refuse = (why: string) => never;

function refusal(value: unknown, shape: string): Refuse {
  return (why) => {
    throw userError(`${describe(value)} is not allowed; it must be ${shape}: ${why}`);
  };
}

function checkedParts({ registry, repository, tag }: ImageName, refuse: Refuse): ImageReference {
  if (registry === undefined) return refuse("the registry is missing, and runtimes disagree about the default one");
  if (tag === undefined) return refuse("the tag is missing, and containerd never pins a tagless sandbox image");
  if (!REPOSITORY.test(repository)) refuse(`the repository ${JSON.stringify(repository)} is not a valid one`);
  if (!TAG.test(tag)) refuse(`the tag ${JSON.stringify(tag)} is not a valid one`);
  if (tag === "latest") refuse("`latest` means another image every day; nodes would not agree");
  return { registry, repository, tag };
}

/** A registry is told from a path component by a dot, a port, or being `localhost`. */
function isRegistryHost(host: string): boolean {
  if (!HOST.test(host)) return false;
  const address = /^\[(.*)\]/.exec(host)?.[1];
  if (address !== undefined && !isIPv6(address)) return false;
  const port = /:([0-9]+)$/.exec(host.replace(/^\[.*\]/, ""));
  if (port && Number(port[1]) > 65535) return false;
  return host.includes(".") || host.includes(":") || host === "localhost";
}

/** The same image's name in its registry, by another tag or by its digest. */
export function renamed(reference: string, { tag, digest }: { tag?: string; digest?: string }): string {
  const { registry = "", repository } = splitImageName(reference);
  return `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** The registry of a reference that has already been checked. */
export function registryOf(reference: string): string {
  return splitImageName(reference).registry ?? "";
}

/**
 * The digest of `repository@sha256:…` or `repository:tag@sha256:…`, as image resources report the pushed image.
 * @throws Error if there is none, since no node could be checked then. A refresh that the registry refused keeps none.
 */
export function digestOf(pushed: string): string {
  const digest = /@(sha256:[0-9a-f]{64})$/.exec(pushed)?.[1];
  if (digest === undefined)
    throw userError(
      `${JSON.stringify(pushed)}: the registry gave no digest for it when it was read back, as with a refused login. ` +
        "What to do: check the login and run pulumi up --replace '**PauseImage$**'",
    );
  return digest;
}

/** @throws Error naming the value and what is allowed. */
export function checkDigest(digest: unknown): void {
  if (typeof digest === "string" && DIGEST.test(digest)) return;
  throw userError(`${describe(digest)} is not allowed; it must be sha256: and 64 hexadecimal digits`);
}

/**
 * Adds the problems of a reference, which is required, and of a digest. Outputs are checked when they are known.
 * @param at Prefix of the field names in messages: `image.`.
 */
export function checkReferenceAndDigest(
  problems: Problems,
  at: string,
  { reference, digest }: { reference: pulumi.Input<string>; digest?: pulumi.Input<string | undefined> },
): void {
  if (problems.isGiven(`${at}reference`, reference, REFERENCE_SHAPE) && typeof reference === "string") {
    problems.attempt(`${at}reference`, () => parseReference(reference));
  }
  if (typeof digest === "string") {
    problems.attempt(`${at}digest`, () => {
      checkDigest(digest);
    });
  }
}
