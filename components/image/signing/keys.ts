/** Keys from their texts. No message has anything of a private key or of its password. */
import { createPrivateKey, createPublicKey, type KeyObject, scryptSync } from "node:crypto";

import { userError } from "../../userError";
import { cosignKeys } from "./libraries";
import { COSIGN_KEY, isP256 } from "./signingArgs";

/** What cosign writes below the armour of a private key: go-securesystemslib's `encrypted` package. */
interface CosignKey {
  kdf: { name: string; params: { N: number; r: number; p: number }; salt: string };
  cipher: { name: string; nonce: string };
  ciphertext: string;
}

/** More memory than this is no parameter of cosign's: its strongest takes half of it. */
const MOST_MEMORY = 256 * 1024 * 1024;

const NOT_READ =
  "signing.privateKey: the private key cannot be read; it must be an EC P-256 private key in PEM, of openssl or of " +
  "cosign. What to do: give signing.password, the one that it is encrypted with, or another key";

/**
 * @param password Of an encrypted key.
 * @throws Error that says what is allowed.
 */
export async function privateKeyOf(pem: string, password = ""): Promise<KeyObject> {
  const key = await opened(pem, password).catch(() => undefined);
  if (key === undefined || !isP256(key)) throw userError(NOT_READ);
  return key;
}

export const publicKeyOf = (pem: string): KeyObject => createPublicKey(pem);

async function opened(pem: string, password: string): Promise<KeyObject> {
  // Without encryption, a passphrase is ignored.
  if (!COSIGN_KEY.test(pem)) return createPrivateKey({ key: pem, passphrase: password });
  const { secretbox } = await cosignKeys();
  const base64 = pem.replace(/-----[^-]+-----/g, "");
  const { kdf, cipher, ciphertext } = JSON.parse(Buffer.from(base64, "base64").toString()) as CosignKey;
  if (kdf.name !== "scrypt" || cipher.name !== "nacl/secretbox") throw new Error("encrypted in another way");
  const derived = scryptSync(password, bytes(kdf.salt), secretbox.keyLength, { ...kdf.params, maxmem: MOST_MEMORY });
  const der = secretbox.open(bytes(ciphertext), bytes(cipher.nonce), derived);
  if (der === null) throw new Error("another password");
  return createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
}

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
