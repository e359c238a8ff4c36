/**
 * What a push that fails means and what to do. Plugins give a reason alone, which may name neither registry nor
 * reference.
 */
import * as pulumi from "@pulumi/pulumi";
import { AsyncResource } from "node:async_hooks";

import { hookableMonitor } from "../engine";
import { type Answer, answerOfWords } from "../registry/answers";
import { registryOf } from "../registry/reference";
import * as log from "../log";

/** What pushes: the docker engine a platform's image; the docker-build plugin an index over them, or another image's copy. */
export type Push = "image" | "index" | "mirror";

/** The registry that a reason is about, and the argument that names it. */
interface Where {
  push: Push;
  registry: string;
  field: "reference" | "mirrorOf";
}

/** A fixed answer, or one that depends on the registry. */
type WayOut = string | ((where: Where) => string);

const PUSH_ALL_AGAIN = "pulumi up --replace '**PauseImage$**'";

const pullLogin = ({ registry }: Where) => `run: docker login ${registry}, as someone who may pull mirrorOf`;

/** Reasons that only a push is given. They count before the answers that everybody gets. */
const OF_A_PUSH: readonly (readonly [RegExp, WayOut])[] = [
  [
    /name unknown|project \S+ not found|repository with name/i,
    "create the repository, or its project, in the registry",
  ],
  [
    /immutable|cannot be overwritten/i,
    "use another tag, or let the registry overwrite this one and <tag>-linux-<arch>",
  ],
  [
    /@sha256:[0-9a-f]{64}: not found/,
    `the registry lost images that the index names; push all again: ${PUSH_ALL_AGAIN}`,
  ],
];
const OF_A_SOURCE: readonly (readonly [RegExp, WayOut])[] = [
  [/not found/, "check name, tag and digest of mirrorOf; a registry may hide what it shows after docker login"],
];
const PLAIN_HTTP: readonly (readonly [RegExp, WayOut])[] = [
  [
    /(?:request to |Head ")http:\/\//,
    "an index goes over plain HTTP to a loopback address: use another one, or plainHttp (pushPlainHttp in a stack) with one platform",
  ],
];

const ANYWHERE: Partial<Record<Answer, WayOut>> = {
  untrusted: ({ push, registry }) =>
    push === "image"
      ? `put the authority of ${registry} into /etc/docker/certs.d/${registry}/ca.crt, where the docker engine runs`
      : `have this machine trust the authority of ${registry}: its trust store, or the file that SSL_CERT_FILE names`,
  "no-tls":
    "give the registry TLS, or set plainHttp (pushPlainHttp in a stack) with one platform, where its docker engine may speak HTTP",
  "too-often": "the registry limits requests: run pulumi up again later",
  unreached: ({ field }) =>
    `check host and port of ${field}, and the way there from this machine and its docker engine`,
  fails: ({ registry }) => `look into the log of ${registry}, then run pulumi up again`,
};
const AT_TARGET: Partial<Record<Answer, WayOut>> = {
  ...ANYWHERE,
  "no-login": ({ registry }) => `give a login (registryUsername in a stack), or run: docker login ${registry}`,
  unauthorized: "give another login (registryUsername in a stack)",
  forbidden: "give a login (registryUsername in a stack) that may push to this repository",
};
/** Where a mirror is copied from. */
const AT_SOURCE: Partial<Record<Answer, WayOut>> = {
  ...ANYWHERE,
  "no-login": ({ registry }) => `run: docker login ${registry}`,
  unauthorized: pullLogin,
  forbidden: pullLogin,
};

function wayOutOf(said: string, atSource: boolean): WayOut | undefined {
  const own = (atSource ? OF_A_SOURCE : OF_A_PUSH).find(([words]) => words.test(said));
  if (own) return own[1];
  const answer = answerOfWords(said);
  const known = answer && (atSource ? AT_SOURCE : AT_TARGET)[answer];
  const plain = PLAIN_HTTP.find(([words]) => words.test(said))?.[1];
  // A login or a certificate tells more than the way there.
  const telling = answer !== undefined && ["no-login", "unauthorized", "forbidden", "untrusted"].includes(answer);
  return telling ? known : (plain ?? known);
}

/**
 * Names registry, reference, reason and way out.
 * @param reference What was to be pushed, `host[:port]/repository:tag`.
 * @param reason What the plugin said, as it is.
 * @param source Of a mirror: the image to copy.
 */
export function pushFailure(push: Push, reference: string, reason: string, source = reference): string {
  const said = reason.trim().replace(/\s+/g, " ");
  const registry = registryOf(reference);
  // The plugin reads back what it wrote.
  const written = said.startsWith("reading: ");
  const outcome = written
    ? `was pushed to registry ${registry}, but not read back`
    : `was not pushed to registry ${registry}`;
  const atSource = push === "mirror" && isOfSource(said, registry, registryOf(source));
  const where: Where = atSource
    ? { push, registry: registryOf(source), field: "mirrorOf" }
    : { push, registry, field: "reference" };
  const wayOut =
    wayOutOf(said, atSource) ?? (written ? "run pulumi up again" : "docs/image.md lists reasons and what to do");
  const next = typeof wayOut === "string" ? wayOut : wayOut(where);
  return `${reference} ${outcome} (${said}). What to do: ${next}`;
}

/** The reason may have an address; what has none, and is neither a copy nor a tag that is written, is from reading. */
function isOfSource(reason: string, target: string, source: string): boolean {
  const reads = !/: (?:copy|publish) /.test(reason);
  if (reason.includes(`//${target}/`)) return source === target && reads;
  return reason.includes(`//${source}/`) || reads;
}

let hooks = 0;

/**
 * Has the engine say so, under the component, when a push fails; nothing is tried again. Where no hooks can be had, as
 * under mocks, a resource goes without.
 * @param component Whose push it is.
 * @param name The name of the resource.
 */
export function explainedPush(component: pulumi.Resource, name: string, push: Push): pulumi.CustomResourceOptions {
  if (!hookableMonitor("registerErrorHook")) return {};
  const say = async ({ newInputs, errors }: pulumi.ErrorHookArgs): Promise<boolean> => {
    const { imageName, tag = imageName, sources } = (newInputs ?? {}) as Record<string, unknown>;
    if (typeof tag === "string" && errors[0] !== undefined) {
      const [source = tag] = Array.isArray(sources) ? (sources as string[]) : [];
      await log.error(pushFailure(push, tag, errors[0], source), component);
    }
    return false;
  };
  // The engine wants other names for other hooks, whatever the names of two components are. An inline program's engine is
  // known in its own context only, which the engine does not call in.
  const hook = new pulumi.ErrorHook(`pause-sandbox-push-${name}-${++hooks}`, AsyncResource.bind(say));
  return { hooks: { onError: [hook] } };
}
