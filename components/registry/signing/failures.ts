/** Causes and remedies when a signature cannot be written or read. */
import { messageOf, userError } from "../../errors";
import { type Answer, answerOfStatus, answerOfWords } from "../answers";
import { registryOf } from "../reference";
import { RegistryAnswer, WithoutTls } from "../requests";

/** An image that is signed or verified. */
export interface SignedImage {
  /** `host[:port]/repository:tag` */
  readonly reference: string;
  /** `sha256:…` */
  readonly digest: string;
}

/** The name of an image in messages. */
export const called = ({ reference, digest }: SignedImage): string => `${reference}@${digest}`;

export const repositoryOf = ({ reference }: SignedImage): string => reference.slice(0, reference.lastIndexOf(":"));

type Doing = "signed" | "verified";

const OTHER_REGISTRY = "use a registry with OCI 1.1 referrers, or leave signing out";
/** OCI 1.1's fallback for the API: a tag named after the digest. */
const TAG = /\/manifests\/sha256-[0-9a-f]{64}$/;
const MANIFEST = /\/manifests\/sha256:[0-9a-f]{64}$/;

type WayOut = (doing: Doing, registry: string) => string;

const OF_ANSWERS: Partial<Record<Answer, WayOut>> = {
  unauthorized: (_, registry) => `give a login, or run: docker login ${registry}`,
  forbidden: (doing) => `give a login that may ${doing === "signed" ? "push to" : "pull from"} this repository`,
  missing: () => "the image is not there; push it again: pulumi up --replace '**PauseImage$**'",
  "too-often": () => "the registry limits requests: run pulumi up again later",
  fails: () => "look into the log of the registry, then run pulumi up again",
  untrusted: (_, registry) =>
    `have this machine trust the authority of ${registry}: /etc/docker/certs.d/${registry}/ca.crt, its trust store, ` +
    "or the file that SSL_CERT_FILE names",
  "no-tls": () => "give the registry TLS: signatures go over verified TLS only",
};

function ofStatus(status: number, url: string, doing: Doing, registry: string): string {
  const answer = answerOfStatus(status);
  if (doing === "signed" && answer === "refuses" && TAG.test(url)) {
    return `it has no referrers, and lets nobody write the tag that stands in for them: ${OTHER_REGISTRY}`;
  }
  if (doing === "signed" && answer === "refuses" && MANIFEST.test(url)) {
    return `it takes nothing that refers to an image, it has no referrers: ${OTHER_REGISTRY}`;
  }
  return OF_ANSWERS[answer]?.(doing, registry) ?? "docs/image.md says what a registry needs";
}

function ofReason(error: unknown, doing: Doing, registry: string): string {
  const reason = messageOf(error);
  const words = /unable to verify/i.test(reason) ? "untrusted" : answerOfWords(reason);
  const answer = error instanceof WithoutTls ? "no-tls" : words;
  const known = answer === "untrusted" || answer === "no-tls" ? OF_ANSWERS[answer] : undefined;
  return (
    known?.(doing, registry) ?? `check host and port of the reference, and the way to ${registry} from this machine`
  );
}

/** An error that names image, registry, reason and remedy. Errors that already do are returned unchanged. */
export function explainedSigning(error: unknown, image: SignedImage, doing: Doing): Error {
  const registry = registryOf(image.reference);
  const said = messageOf(error);
  const way =
    error instanceof RegistryAnswer
      ? ofStatus(error.status, error.request, doing, registry)
      : ofReason(error, doing, registry);
  return userError(
    `${called(image)} was not ${doing} in registry ${registry} (${said}). No node is changed. What to do: ${way}`,
  );
}
