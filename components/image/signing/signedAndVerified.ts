/** Where a program signs: after the push, and before anything that waits for the digest. */
import * as pulumi from "@pulumi/pulumi";
import type { KeyObject } from "node:crypto";

import { checkedInput, fieldsOf, known } from "../../inputs";
import { userError } from "../../userError";
import { buildInputs } from "../pauseBuild";
import { DEFAULT_PLATFORMS, type PauseImageArgs, PauseImageSource } from "../pauseImageArgs";
import type { KnownLogin } from "./access";
import type { Claim } from "./bundles";
import { claimsOf } from "./claims";
import { called, registryOfImage, type SignedImage } from "./failures";
import { privateKeyOf, publicKeyOf } from "./keys";
import { libraries, sbomLibrary } from "./libraries";
import { SIGNATURE, signImage, verifyImage } from "./signedImage";
import { PUBLIC_KEY } from "./signingArgs";

type Digest = pulumi.Output<string | undefined>;

/** The image, as it is in its registry. */
interface Pushed {
  readonly reference: pulumi.Output<string>;
  readonly digest: Digest;
}

/**
 * The digest, once the image is signed and verified as its arguments ask for. A preview writes and reads nothing: it looks
 * at the keys only. Under mocks there is no registry, so the digest is what it is.
 * @param component The resource that lines stand below.
 */
export function signedAndVerified(
  component: pulumi.Resource,
  name: string,
  args: PauseImageArgs,
  { reference, digest }: Pushed,
): Digest {
  if (args.signing === undefined && args.publicKey === undefined) return digest;
  const publicKey = checkedInput(`PauseImage "${name}"`, "publicKey", args.publicKey, PUBLIC_KEY);
  const monitor = pulumi.runtime.getMonitor() as object | undefined;
  if (!monitor || !("registerErrorHook" in monitor)) return digest;
  const isPreview = pulumi.runtime.isDryRun();
  // Before anything is pushed: a key that cannot be read, or a package that is not installed.
  const keys = keysOf(args, publicKey);
  const checked = pulumi.output(keys.then(() => undefined));
  return pulumi.all([reference, digest, checked]).apply(async ([name, pushed]) => {
    if (isPreview || pushed === undefined) return pushed;
    await run(component, args, { reference: name, digest: pushed }, await keys);
    return pushed;
  });
}

interface Keys {
  readonly privateKey?: KeyObject;
  readonly publicKey?: KeyObject;
}

/** Awaited and not applied: a digest that depends on a secret would be one, and each node's command with it. */
async function keysOf({ signing, source }: PauseImageArgs, given: PauseImageArgs["publicKey"]): Promise<Keys> {
  await libraries();
  const pem = await known(given);
  const publicKey = pem === undefined ? undefined : publicKeyOf(pem);
  if (signing === undefined) return { publicKey };
  if (isBuilt(source)) await sbomLibrary();
  const { privateKey, password } = fieldsOf(signing, ["privateKey", "password"]);
  const secret = (await known(pulumi.secret(pulumi.all([privateKey, password])))) as
    | [string, string | undefined]
    | undefined;
  // A preview may not know it yet.
  return { publicKey, privateKey: secret && (await privateKeyOf(...secret)) };
}

const isBuilt = (source?: PauseImageSource): boolean => (source ?? PauseImageSource.Build) === PauseImageSource.Build;

async function run(component: pulumi.Resource, args: PauseImageArgs, image: SignedImage, keys: Keys): Promise<void> {
  const login = args.login === undefined ? undefined : ((await known(args.login)) as KnownLogin);
  if (keys.privateKey !== undefined) {
    const claims = [SIGNATURE, ...(isBuilt(args.source) ? await claimsOfBuild(args) : [])];
    const attached = await signImage(image, claims, keys.privateKey, login);
    if (attached.length > 0) void pulumi.log.info(signed(image, attached), component);
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
  return `${called(image)} is signed in registry ${registryOfImage(image)}: ${types}`;
}
