/** The lab's certificate authorities and what they sign: made once, kept in the lab's directory, renewed in time. */
import "reflect-metadata";
import { webcrypto, generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import * as x509 from "@peculiar/x509";
import { readIfThere, writeAtomic } from "./files";

x509.cryptoProvider.set(webcrypto as Crypto);

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 24 * 60 * 60 * 1000;
const LEAF_DAYS = 365;
const AUTHORITY_DAYS = 3650;
/** A certificate this close to its end is replaced by the next `clusterUp`. */
const RENEW_DAYS = 7;

/** A certificate and its private key, both as PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** What a certificate is for. */
export interface CertRequest {
  /** Name of the file in the lab's pki directory, without its extension. */
  name: string;
  commonName: string;
  /** Kubernetes reads it as the user's group. */
  organization?: string;
  dns?: string[];
  ip?: string[];
  usages: ("server" | "client")[];
  /** When it is valid. Default: from yesterday on for a year. */
  valid?: { from: Date; to: Date };
}

export interface Authority extends KeyPair {
  /** Returns the certificate for `request`: the one on disk while it fits and is valid, else a new one. */
  issue(request: CertRequest): Promise<KeyPair>;
}

/** The authority of this name in `directory`, made at the first call. */
export async function authority(directory: string, name: string): Promise<Authority> {
  await fs.mkdir(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, `${name}.pem`);
  const kept = split(await readIfThere(file));
  const own = kept && expiresIn(kept.cert) > LEAF_DAYS ? kept : await createAuthority(file, name);
  return { ...own, issue: (request) => issue(directory, own, request) };
}

async function createAuthority(file: string, name: string): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=pause-sandbox lab ${name}`,
    serialNumber: serialNumber(),
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys as CryptoKeyPair,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as CryptoKey),
    ],
  });
  return store(file, certificate, keys.privateKey);
}

async function issue(directory: string, signer: KeyPair, request: CertRequest): Promise<KeyPair> {
  const file = path.join(directory, `${request.name}.pem`);
  const kept = split(await readIfThere(file));
  if (kept && (await fits(kept.cert, signer, request))) return kept;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const issuer = new x509.X509Certificate(signer.cert);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: subject(request),
    issuer: issuer.subjectName,
    serialNumber: serialNumber(),
    notBefore: request.valid?.from ?? new Date(Date.now() - DAY_MS),
    notAfter: request.valid?.to ?? new Date(Date.now() + LEAF_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    signingKey: await importKey(signer.key),
    publicKey: keys.publicKey as CryptoKey,
    extensions: await leafExtensions(request, issuer),
  });
  return store(file, certificate, keys.privateKey);
}

async function leafExtensions(request: CertRequest, issuer: x509.X509Certificate): Promise<x509.Extension[]> {
  const usages = request.usages.map((usage) => x509.ExtendedKeyUsage[`${usage}Auth`]);
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usages),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
  ];
  const names = alternativeNames(request);
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names));
  return extensions;
}

function alternativeNames(request: CertRequest): x509.JsonGeneralNames {
  return [
    ...(request.dns ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(request.ip ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
}

function subject(request: CertRequest): x509.JsonName {
  const organization = request.organization ? [{ O: [request.organization] }] : [];
  return [...organization, { CN: [request.commonName] }];
}

/** Whether a certificate from an earlier run still is what is asked for: names, signer and time. */
async function fits(pem: string, signer: KeyPair, request: CertRequest): Promise<boolean> {
  const certificate = new x509.X509Certificate(pem);
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
  return (
    expiresIn(pem) > RENEW_DAYS &&
    certificate.subject === new x509.Name(subject(request)).toString() &&
    JSON.stringify(names) === JSON.stringify(alternativeNames(request)) &&
    (await certificate.verify({ publicKey: new x509.X509Certificate(signer.cert).publicKey }))
  );
}

/** A key pair of the given file for signing service account tokens; these are verified by key, not by certificate. */
export async function signingKey(directory: string, name: string): Promise<string> {
  const file = path.join(directory, `${name}.key`);
  const kept = await readIfThere(file);
  if (kept) return kept;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  await writeAtomic(file, pem, 0o600);
  return pem;
}

/** Certificate and key share one file: a single rename makes both appear, so that they always match. */
async function store(
  file: string,
  certificate: x509.X509Certificate,
  privateKey: webcrypto.CryptoKey,
): Promise<KeyPair> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  const pair = { cert: `${certificate.toString("pem")}\n`, key: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n` };
  await writeAtomic(file, pair.cert + pair.key, 0o600);
  return pair;
}

function split(pem: string | undefined): KeyPair | undefined {
  const found =
    /^(-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n)(-----BEGIN PRIVATE KEY-----[\s\S]*)$/;
  const [, cert, key] = found.exec(pem ?? "") ?? [];
  return cert && key ? { cert, key } : undefined;
}

function importKey(pem: string): Promise<CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]) as Promise<CryptoKey>;
}

function expiresIn(pem: string): number {
  return (new x509.X509Certificate(pem).notAfter.getTime() - Date.now()) / DAY_MS;
}

function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  // Positive and without a leading zero byte, as DER wants its integers.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
