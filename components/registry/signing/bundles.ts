/** Signed statements about an image, as `cosign sign --key` and `cosign attest --key` make them: bundles of sigstore. */
import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";

import { libraries } from "./libraries";

/** Artifact type of a bundle as a referrer, and media type of its only layer. */
export const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** The common prefix of all its versions. */
export const ANY_BUNDLE = "application/vnd.dev.sigstore.bundle";

const STATEMENT = "https://in-toto.io/Statement/v1";
const IN_TOTO = "application/vnd.in-toto+json";

/** A claim about an image. */
export interface Claim {
  /** Type of the predicate, a URI. */
  readonly predicateType: string;
  readonly predicate: object;
}

/** A statement of in-toto. */
interface Statement extends Claim {
  readonly _type: string;
  readonly subject: readonly { readonly name?: string; readonly digest: Readonly<Record<string, string>> }[];
}

/** The statement's text, the same for the same image and claim. */
export function statementOf(digest: string, { predicateType, predicate }: Claim): string {
  const subject = [{ digest: { sha256: hexOf(digest) } }];
  const statement: Statement = { _type: STATEMENT, subject, predicateType, predicate };
  return JSON.stringify(statement);
}

const hexOf = (digest: string): string => digest.replace(/^sha256:/, "");

/** How cosign names a key: the hash of its public half. */
function hintOf(key: KeyObject): string {
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  return createHash("sha256").update(der).digest("base64");
}

/** @returns the bundle as JSON. */
export async function signedBundle(statement: string, privateKey: KeyObject): Promise<string> {
  const { bundle, sign: builders } = await libraries();
  const publicKey = createPublicKey(privateKey).export({ format: "pem", type: "spki" }).toString();
  const signer = {
    sign: (data: Buffer) =>
      Promise.resolve({
        signature: sign("sha256", data, privateKey),
        key: { $case: "publicKey" as const, publicKey, hint: hintOf(privateKey) },
      }),
  };
  const builder = new builders.DSSEBundleBuilder({ signer, witnesses: [] });
  const made = await builder.create({ data: Buffer.from(statement), type: IN_TOTO });
  // cosign refuses a signature with another key name than its own, and its own signatures have no key name.
  for (const signature of made.content.dsseEnvelope.signatures) signature.keyid = "";
  return JSON.stringify(bundle.bundleToJSON(made));
}

/**
 * Verifies that a bundle is a statement about this image, signed with this key.
 *
 * Entries of a transparency log are ignored: only the key counts.
 *
 * @param json The bundle, as a registry gives it.
 * @returns the statement.
 * @throws Error with the reason.
 */
export async function verifiedClaim(
  json: string,
  { digest, predicateType, key }: { digest: string; predicateType: string; key: KeyObject },
): Promise<Claim> {
  const { bundle: bundles, verify } = await libraries();
  const bundle = bundles.bundleFromJSON(JSON.parse(json));
  if (!bundles.isBundleWithDsseEnvelope(bundle)) throw new Error("it signs no statement");
  // A certificate would identify its owner by an authority. Here only the key counts.
  if (!bundles.isBundleWithPublicKey(bundle)) throw new Error("it is not signed with a key");
  const anyTime = { publicKey: key, validFor: () => true };
  const none = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
  const thresholds = { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 };
  const verifier = new verify.Verifier({ ...none, publicKey: () => anyTime }, thresholds);
  verifier.verify({ ...verify.toSignedEntity(bundle), tlogEntries: [], timestamps: [] });
  const { payloadType, payload } = bundle.content.dsseEnvelope;
  if (payloadType !== IN_TOTO) throw new Error(`it signs ${payloadType}`);
  const statement = JSON.parse(payload.toString()) as Statement;
  checkStatement(statement, digest, predicateType);
  return statement;
}

function checkStatement({ _type, subject, predicateType }: Statement, digest: string, wanted: string): void {
  if (_type !== STATEMENT) throw new Error(`its statement is of type ${_type}`);
  if (predicateType !== wanted) throw new Error(`it says ${predicateType}`);
  if (!subject.some(({ digest: of }) => of.sha256 === hexOf(digest))) throw new Error("it is of another image");
}
