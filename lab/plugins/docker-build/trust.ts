import * as fs from "fs";
import * as os from "os";
import * as path from "path";
import * as tls from "tls";

/** A log-in to a registry. */
export interface Login {
  username: string;
  password: string;
}

/** Where distributions keep the certificate authorities that everything on the machine trusts. */
const SYSTEM_ROOTS = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/**
 * Certificate authorities for registries: the machine's (or SSL_CERT_FILE, as Go programs take it) and NODE_EXTRA_CA_CERTS;
 * not those that the docker engine was told of, which the published plugin knows nothing about either.
 */
export function roots(): string[] {
  const named = process.env.SSL_CERT_FILE;
  const system = named ? [named] : SYSTEM_ROOTS.filter((file) => fs.existsSync(file)).slice(0, 1);
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  const files = [...system, ...(extra ? [extra] : [])];
  return [...tls.rootCertificates, ...files.map((file) => fs.readFileSync(file, "utf8"))];
}

/** The log-in for a host that `docker login` has left in its configuration. Credential helpers are not asked. */
export function savedLogin(host: string): Login | undefined {
  const folder = process.env.DOCKER_CONFIG ?? path.join(os.homedir(), ".docker");
  const file = path.join(folder, "config.json");
  if (!fs.existsSync(file)) return undefined;
  const { auths = {} } = JSON.parse(fs.readFileSync(file, "utf8")) as { auths?: Record<string, { auth?: string }> };
  const encoded = auths[host]?.auth;
  if (encoded === undefined) return undefined;
  const [username = "", ...password] = Buffer.from(encoded, "base64").toString().split(":");
  return { username, password: password.join(":") };
}
