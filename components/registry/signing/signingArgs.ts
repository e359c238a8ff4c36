import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";

import { checkUnlessOutput, type Rule } from "../../inputs";
import { isOutput, type Problems } from "../../problems";

/** The key that an image is signed with, where it is pushed. */
export interface ImageSigning {
  /**
   * An EC P-256 private key in PEM, as openssl writes it (`PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`, `EC PRIVATE KEY`) or as
   * `cosign generate-key-pair` does (`ENCRYPTED SIGSTORE PRIVATE KEY`). Kept secret, whether or not it is given as a secret.
   */
  privateKey: pulumi.Input<string>;
  /** What the key is encrypted with. Kept secret like the key. Default: an empty text, for a key that is not encrypted. */
  password?: pulumi.Input<string | undefined>;
}

const BEGINS = "-----BEGIN ";
/** cosign's own form, under both of its names. */
export const COSIGN_KEY = /^-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----$/m;
const ENCRYPTED_KEY = /^-----BEGIN ENCRYPTED PRIVATE KEY-----$|^Proc-Type: 4,ENCRYPTED$/m;

/** The only tested kind of key; `cosign generate-key-pair` creates it. */
export function isP256({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  return asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1";
}

function readsAsP256(read: () => KeyObject): boolean {
  try {
    return isP256(read());
  } catch {
    return false;
  }
}

/** An encrypted key is read when its password is known. */
const PRIVATE_KEY: Rule = {
  allows: (value) =>
    typeof value === "string" &&
    (COSIGN_KEY.test(value) || ENCRYPTED_KEY.test(value) || readsAsP256(() => createPrivateKey(value))),
  allowed: "an EC P-256 private key in PEM, of openssl or of cosign",
  hidden: true,
};

const PASSWORD: Rule = {
  allows: (value) => typeof value === "string",
  allowed: "the passphrase of the private key",
  hidden: true,
};

/** If a user mixes up the two keys, the private one must not appear in a log. */
export const PUBLIC_KEY: Rule = {
  // Node.js silently derives a public key from a private one.
  allows: (value) =>
    typeof value === "string" &&
    value.includes(`${BEGINS}PUBLIC KEY-----`) &&
    !value.includes("PRIVATE KEY") &&
    readsAsP256(() => createPublicKey(value)),
  allowed: "an EC P-256 public key in PEM, such as cosign.pub",
  hidden: true,
};

/** Adds the problems of a signing key's plain values. */
export function checkSigning(problems: Problems, field: string, signing: pulumi.Input<ImageSigning>): void {
  if (isOutput(signing) || !problems.isObject(field, signing, "privateKey")) return;
  const { privateKey, password } = signing as ImageSigning;
  if (problems.isGiven(`${field}.privateKey`, privateKey, PRIVATE_KEY.allowed)) {
    checkUnlessOutput(problems, `${field}.privateKey`, privateKey, PRIVATE_KEY);
  }
  checkUnlessOutput(problems, `${field}.password`, password, PASSWORD);
}
