/** Signs an image in its registry, and verifies its signature. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { isDeepStrictEqual } from "node:util";

import { RunError } from "@pulumi/pulumi/errors";

import { type Claim, signedBundle, statementOf, verifiedClaim } from "./bundles";
import { called, explainedSigning, repositoryOf, type SignedImage } from "./failures";
import { messageOf, userError } from "../../errors";
import type { KnownLogin } from "../access";
import { registryOf } from "../reference";
import { type Descriptor, PREDICATE_TYPE, Repository } from "../repository";

/** The claim of a plain signature: only that the key's owner signed the image. */
export const SIGNATURE: Claim = { predicateType: "https://sigstore.dev/cosign/sign/v1", predicate: {} };

/**
 * Attaches a signed statement for each claim to an image. Existing statements stay unchanged.
 *
 * @param login Default: the login of `docker login`, else an anonymous one.
 * @returns the claims that were missing before.
 * @throws Error naming image, registry, reason and remedy.
 */
export async function signImage(
  image: SignedImage,
  claims: readonly Claim[],
  privateKey: KeyObject,
  login?: KnownLogin,
): Promise<Claim[]> {
  const attached: Claim[] = [];
  try {
    const repository = await Repository.open(repositoryOf(image), login);
    const there = await repository.referrers(image.digest);
    for (const claim of claims) {
      if (await isAmong(there, repository, image, claim, privateKey)) continue;
      await attach(repository, image, claim, privateKey);
      const kept = await repository.referrers(image.digest);
      if (!(await isAmong(kept, repository, image, claim, privateKey))) throw userError(notKept(image));
      attached.push(claim);
    }
  } catch (error) {
    throw RunError.isInstance(error) ? error : explainedSigning(error, image, "signed");
  }
  return attached;
}

const notKept = (image: SignedImage): string =>
  `${called(image)} was signed, but registry ${registryOf(image.reference)} does not give the signature back: ` +
  "it has no referrers. What to do: use a registry with OCI 1.1 referrers, or leave signing out";

/** Looks for exactly this claim, not only for its type: another version of the project may claim more. cosign's own signature is enough. */
async function isAmong(
  referrers: readonly Descriptor[],
  repository: Repository,
  { digest }: SignedImage,
  claim: Claim,
  privateKey: KeyObject,
): Promise<boolean> {
  const { predicateType } = claim;
  const wanted = { digest, predicateType, key: createPublicKey(privateKey) };
  for await (const bundle of repository.bundles(referrers, predicateType)) {
    if ("unread" in bundle) continue;
    const said = await verifiedClaim(bundle.json, wanted).catch(() => undefined);
    if (said !== undefined && isDeepStrictEqual(said.predicate, claim.predicate)) return true;
  }
  return false;
}

async function attach(
  repository: Repository,
  { digest }: SignedImage,
  claim: Claim,
  privateKey: KeyObject,
): Promise<void> {
  const annotations = { "dev.sigstore.bundle.content": "dsse-envelope", [PREDICATE_TYPE]: claim.predicateType };
  await repository.attach(digest, await signedBundle(statementOf(digest, claim), privateKey), annotations);
}

/**
 * Verifies that a signature by this key is attached to an image.
 *
 * @param login Default: the login of `docker login`, else an anonymous one.
 * @throws Error naming image, registry, reason and remedy.
 */
export async function verifyImage(image: SignedImage, publicKey: KeyObject, login?: KnownLogin): Promise<void> {
  const reasons: string[] = [];
  const { digest } = image;
  const { predicateType } = SIGNATURE;
  try {
    const repository = await Repository.open(repositoryOf(image), login);
    const referrers = await repository.referrers(digest);
    for await (const bundle of repository.bundles(referrers, predicateType)) {
      const why =
        "unread" in bundle
          ? bundle.unread
          : await verifiedClaim(bundle.json, { digest, predicateType, key: publicKey }).then(
              () => undefined,
              messageOf,
            );
      if (why === undefined) return;
      reasons.push(why);
    }
  } catch (error) {
    throw RunError.isInstance(error) ? error : explainedSigning(error, image, "verified");
  }
  throw userError(notVerified(image, reasons));
}

function notVerified(image: SignedImage, reasons: readonly string[]): string {
  const found =
    reasons.length === 0
      ? "none is there"
      : `${reasons.length} found, none counts: ${[...new Set(reasons)].join("; ")}`;
  return (
    `${called(image)} has no signature by publicKey in registry ${registryOf(image.reference)} (${found}). ` +
    "No node is changed. What to do: sign it with the key that publicKey belongs to, " +
    `cosign sign --key cosign.key ${repositoryOf(image)}@${image.digest} (cosign 3), or give another publicKey`
  );
}
