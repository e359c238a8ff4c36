/** Reads keys from text. No message contains a part of a private key or of its password. */
import { createPrivateKey, createPublicKey, type KeyObject, scryptSync } from "node:crypto";

import { cosignKeys } from "./libraries";
import { COSIGN_KEY, isP256 } from "./signingArgs";
import { userError } from "../../errors";

/** The content of cosign's private key file: the format of go-securesystemslib's `encrypted` package. */
interface CosignKey {
  kdf: { name: string; params: { N: number; r: number; p: number }; salt: string };
  cipher: { name: string; nonce: string };
  ciphertext: string;
}

/** Upper limit of the key derivation's memory: cosign's strongest parameters use half of it. */
const MOST_MEMORY = 256 * 1024 * 1024;

const NOT_READ =
  ": signing.privateKey: the private key cannot be read; it must be an EC P-256 private key in PEM, of openssl or of " +
  "cosign. What to do: give signing.password, the one that it is encrypted with, or another key";

/**
 * @param subject Owner of the argument; the first words of the message.
 * @param password Of an encrypted key.
 * @throws Error that says what is allowed, or which package a key of cosign needs.
 */
export async function privateKeyOf(subject: string, pem: string, password = ""): Promise<KeyObject> {
  // Without encryption, a passphrase is ignored.
  const read = COSIGN_KEY.test(pem) ? cosignKey(await cosignKeys(), pem, password) : opened(pem, password);
  if (read === undefined || !isP256(read)) throw userError(subject + NOT_READ);
  return read;
}

export const publicKeyOf = (pem: string): KeyObject => createPublicKey(pem);

function opened(pem: string, passphrase: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem, passphrase });
  } catch {
    return undefined;
  }
}

type Cipher = Awaited<ReturnType<typeof cosignKeys>>;

function cosignKey({ secretbox }: Cipher, pem: string, password: string): KeyObject | undefined {
  try {
    const base64 = pem.replace(/-----[^-]+-----/g, "");
    const { kdf, cipher, ciphertext } = JSON.parse(Buffer.from(base64, "base64").toString()) as CosignKey;
    if (kdf.name !== "scrypt" || cipher.name !== "nacl/secretbox") return undefined;
    const derived = scryptSync(password, bytes(kdf.salt), secretbox.keyLength, { ...kdf.params, maxmem: MOST_MEMORY });
    const der = secretbox.open(bytes(ciphertext), bytes(cipher.nonce), derived);
    return der === null ? undefined : createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
  } catch {
    return undefined;
  }
}

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
