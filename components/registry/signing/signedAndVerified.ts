/** Signs and verifies after the push, and before any resource that waits for the digest. */
import * as pulumi from "@pulumi/pulumi";
import type { KeyObject } from "node:crypto";

import type { Claim } from "./bundles";
import { claimsOf } from "./claims";
import { called, type SignedImage } from "./failures";
import { privateKeyOf, publicKeyOf } from "./keys";
import { libraries, sbomLibrary } from "./libraries";
import { SIGNATURE, signImage, verifyImage } from "./signedImage";
import { PUBLIC_KEY } from "./signingArgs";
import { hookableMonitor } from "../../engine";
import { buildInputs } from "../../image/pauseBuild";
import { DEFAULT_PLATFORMS, type PauseImageArgs, PauseImageSource } from "../../image/pauseImageArgs";
import { checked, checkedInput, fieldsOf, known } from "../../inputs";
import type { KnownLogin } from "../access";
import { checkDigest, registryOf } from "../reference";
import * as log from "../../log";

interface Keys {
  readonly privateKey?: KeyObject;
  readonly publicKey?: KeyObject;
}

/**
 * The keys in an image's arguments. None under mocks, because they have no registry.
 * @throws Error, later, where a key cannot be read, or a package is not installed.
 */
export function keysFor(name: string, args: PauseImageArgs): Promise<Keys> | undefined {
  if (args.signing === undefined && args.publicKey === undefined) return undefined;
  const subject = `PauseImage "${name}"`;
  const publicKey = checkedInput(subject, "publicKey", args.publicKey, PUBLIC_KEY);
  return hookableMonitor("registerErrorHook")
    ? keysOf(subject, args, publicKey)
    : known(publicKey).then((): Keys => ({}));
}

/** The value, after the keys have been read: the push waits for them. The result contains no key. */
export function onceRead<T>(keys: Promise<Keys> | undefined, value: pulumi.Output<T>): pulumi.Output<T> {
  if (keys === undefined) return value;
  return pulumi.all([value, keys.then(() => undefined)]).apply(([known]) => known) as pulumi.Output<T>;
}

/** The image in its registry. */
interface Pushed {
  readonly reference: pulumi.Output<string>;
  readonly digest: pulumi.Output<string | undefined>;
}

/**
 * The digest, after the image was signed and verified according to its arguments. A preview writes and reads nothing.
 * @param component The resource under which log lines appear.
 * @throws Error, later, if there is no digest to sign or verify, for any reason.
 */
export function signedAndVerified(
  component: pulumi.Resource,
  resourceName: string,
  args: PauseImageArgs,
  keys: Promise<Keys> | undefined,
  { reference, digest }: Pushed,
): Pushed["digest"] {
  if (keys === undefined) return digest;
  const needed = digest.apply((pushed) => checkedDigest(`PauseImage "${resourceName}"`, pushed));
  if (pulumi.runtime.isDryRun()) return needed;
  return pulumi.all([reference, needed]).apply(async ([name, pushed]) => {
    await run(component, args, { reference: name, digest: pushed }, await keys);
    return pushed;
  });
}

const checkedDigest = (subject: string, digest: string | undefined): string =>
  checked(subject, digest as string, (problems) => {
    problems.attempt("digest", () => {
      checkDigest(digest);
    });
  });

/** Awaited and not applied: a digest that depends on a secret would become a secret, and so would each node's command. */
async function keysOf(
  subject: string,
  { signing, source }: PauseImageArgs,
  given: PauseImageArgs["publicKey"],
): Promise<Keys> {
  await libraries();
  const pem = await known(given);
  const publicKey = pem === undefined ? undefined : publicKeyOf(pem);
  if (signing === undefined) return { publicKey };
  if (isBuilt(source)) await sbomLibrary();
  const { privateKey, password } = fieldsOf("signing", signing, ["privateKey", "password"]);
  const secret = (await known(pulumi.secret(pulumi.all([privateKey, password])))) as
    | [string, string | undefined]
    | undefined;
  // A preview may not know the digest yet.
  return { publicKey, privateKey: secret && (await privateKeyOf(subject, ...secret)) };
}

const isBuilt = (source?: PauseImageSource): boolean => (source ?? PauseImageSource.Build) === PauseImageSource.Build;

async function run(component: pulumi.Resource, args: PauseImageArgs, image: SignedImage, keys: Keys): Promise<void> {
  const login = args.login === undefined ? undefined : ((await known(args.login)) as KnownLogin);
  if (keys.privateKey !== undefined) {
    const claims = [SIGNATURE, ...(isBuilt(args.source) ? await claimsOfBuild(args) : [])];
    const attached = await signImage(image, claims, keys.privateKey, login);
    if (attached.length > 0) void log.info(signed(image, attached), component);
  }
  if (keys.publicKey !== undefined) await verifyImage(image, keys.publicKey, login);
}

async function claimsOfBuild(args: PauseImageArgs): Promise<Claim[]> {
  const { platforms = [...DEFAULT_PLATFORMS], sourceUrl, buildFromSource } = args;
  const { context } = buildInputs({ ...args, platforms });
  const asked = { context, sourceUrl: sourceUrl ?? "", buildFromSource: buildFromSource ?? false };
  return claimsOf({ ...(await known(asked)), platforms });
}

function signed(image: SignedImage, claims: readonly Claim[]): string {
  const types = claims.map(({ predicateType }) => predicateType).join(", ");
  return `${called(image)} is signed in registry ${registryOf(image.reference)}: ${types}`;
}
