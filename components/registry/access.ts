/** This machine's settings for a registry: the trusted authorities, and the login. */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { rootCertificates } from "node:tls";

/** A user and a password, or nobody. */
export interface KnownLogin {
  readonly username: string;
  readonly password: string;
  /** The password is an identity token, as `docker login` has it from some registries. Default: false. */
  readonly identityToken?: true;
}

/** Where systems keep the authorities that they trust; the first that is there counts, as for programs in Go. */
const SYSTEM_AUTHORITIES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * All authorities that the pushes of an image trust. The docker engine has some for this registry, the machine has its own,
 * and so has Node.js.
 * @param engine The folder that the docker engine reads.
 */
export function authorities(registry: string, engine = "/etc/docker/certs.d"): string[] {
  const { SSL_CERT_FILE, NODE_EXTRA_CA_CERTS } = process.env;
  const ofEngine = filesIn(path.join(engine, registry)).filter((file) => file.endsWith(".crt"));
  const system = SSL_CERT_FILE || SYSTEM_AUTHORITIES.find((file) => fs.existsSync(file));
  const files = [...ofEngine, system, NODE_EXTRA_CA_CERTS].filter((file) => file !== undefined && file !== "");
  return [...rootCertificates, ...files.flatMap((file) => readIfThere(file as string) ?? [])];
}

function filesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

interface DockerConfig {
  auths?: Record<string, { auth?: string; identitytoken?: string } | undefined>;
  credHelpers?: Record<string, string | undefined>;
  credsStore?: string;
}

/** Docker Hub's names, and the one that `docker login` keeps its login under. */
const DOCKER_HUB = ["docker.io", "index.docker.io", "registry-1.docker.io"];
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/**
 * The login that `docker login` stored for a registry. If a credential helper keeps it, the helper is asked.
 * @param folder Default: docker's own.
 */
export async function dockerLogin(registry: string, folder = dockerFolder()): Promise<KnownLogin | undefined> {
  const text = readIfThere(path.join(folder, "config.json"));
  if (text === undefined) return undefined;
  const config = (parsed(text) ?? {}) as DockerConfig;
  const key = DOCKER_HUB.includes(registry) ? DOCKER_HUB_KEY : registry;
  const helper = config.credHelpers?.[key] ?? config.credsStore;
  const asked = helper === undefined || helper === "" ? undefined : await fromHelper(helper, key);
  return asked ?? fromFile(config.auths?.[key] ?? config.auths?.[`https://${key}`]);
}

const dockerFolder = (): string => process.env.DOCKER_CONFIG || path.join(os.homedir(), ".docker");

function fromFile(kept: { auth?: string; identitytoken?: string } | undefined): KnownLogin | undefined {
  if (!kept?.auth) return undefined;
  const text = Buffer.from(kept.auth, "base64").toString();
  const colon = text.indexOf(":");
  const username = text.slice(0, colon);
  if (kept.identitytoken) return { username, password: kept.identitytoken, identityToken: true };
  return { username, password: text.slice(colon + 1) };
}

/** Docker's protocol for helpers: the registry on stdin, JSON on stdout, an error where there is no login. */
function fromHelper(helper: string, key: string): Promise<KnownLogin | undefined> {
  return new Promise((resolve) => {
    const child = execFile(`docker-credential-${helper}`, ["get"], { timeout: 30_000 }, (error, stdout) => {
      const said = error === null ? parsed(stdout) : undefined;
      const { Username, Secret } = (said ?? {}) as { Username?: string; Secret?: string };
      if (Username === undefined || Secret === undefined) resolve(undefined);
      // Docker's protocol: this name stands for no user, and the secret is an identity token.
      else if (Username === "<token>") resolve({ username: "", password: Secret, identityToken: true });
      else resolve({ username: Username, password: Secret });
    });
    // A missing helper reads nothing from stdin; the callback reports it.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(key);
  });
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
