import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as https from "node:https";
import * as os from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";

import { docker } from "../../lab/cluster/docker";
import { bridgeAddress, trustInEngine } from "./engineTrust";

interface Manifest {
  mediaType: string;
  config?: { digest: string };
  manifests?: { digest: string; platform: { architecture: string; os: string } }[];
}

/**
 * A real registry on this machine: TLS under an authority of its own, which the docker engine is told of, with one user.
 */
export class Registry {
  static readonly user = { username: "pusher", password: "s3cret:with/signs" };

  private readonly distrust: () => void;

  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
    readonly host: string,
  ) {
    this.distrust = trustInEngine(host, fs.readFileSync(this.caFile));
  }

  static async start(): Promise<Registry> {
    const address = bridgeAddress();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "contract-registry-"));
    const file = (name: string) => path.join(folder, name);
    selfSigned(address, file("ca.pem"), file("key.pem"));
    writeLogin(folder, Registry.user.password);
    const config = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: file("data") }, delete: { enabled: true } },
      http: { addr: `${address}:0`, tls: { certificate: file("ca.pem"), key: file("key.pem") } },
      auth: { htpasswd: { realm: "contract", path: file("htpasswd") } },
    };
    fs.writeFileSync(file("config.yml"), JSON.stringify(config));
    const child = spawn("docker-registry", ["serve", file("config.yml")], { stdio: ["ignore", "ignore", "pipe"] });
    const host = await new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      const lines: string[] = [];
      child.once("exit", () => {
        reject(new Error(`docker-registry did not start:\n${lines.join("\n")}`));
      });
      createInterface({ input: child.stderr }).on("line", (line) => {
        lines.push(line);
        // The kernel chose the port, so nobody else can have it; only the log tells which.
        const [, listening] = /listening on ([\d.]+:\d+)/.exec(line) ?? [];
        if (listening !== undefined) resolve(listening);
      });
    });
    return new Registry(folder, child, host);
  }

  stop(): void {
    this.child.removeAllListeners("exit");
    this.child.kill();
    this.distrust();
    fs.rmSync(this.folder, { recursive: true });
  }

  /** Has the user log in with another password from now on. */
  setPassword(password: string): void {
    writeLogin(this.folder, password);
  }

  /** Self-signed, so its own authority. */
  get caFile(): string {
    return path.join(this.folder, "ca.pem");
  }

  get keyFile(): string {
    return path.join(this.folder, "key.pem");
  }

  /** Digest and content of what a tag stands for, asked of the registry itself. */
  async manifest(repository: string, reference: string): Promise<{ digest: string; content: Manifest }> {
    const accept =
      "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, ";
    const images = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
    const { digest, body } = await this.get(`${repository}/manifests/${reference}`, accept + images);
    return { digest, content: JSON.parse(body) as Manifest };
  }

  async config(repository: string, reference: string): Promise<{ architecture: string; os: string }> {
    const { content } = await this.manifest(repository, reference);
    const { body } = await this.get(`${repository}/blobs/${content.config?.digest ?? ""}`, "*/*");
    return JSON.parse(body) as { architecture: string; os: string };
  }

  private get(what: string, accept: string): Promise<{ digest: string; body: string }> {
    const { username, password } = Registry.user;
    const options = { auth: `${username}:${password}`, ca: fs.readFileSync(this.caFile), headers: { accept } };
    return new Promise((resolve, reject) => {
      const request = https.get(`https://${this.host}/v2/${what}`, options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const body = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve({ digest: String(response.headers["docker-content-digest"]), body });
          else reject(new Error(`${what}: ${response.statusCode ?? 0} ${body}`));
        });
      });
      request.on("error", reject);
    });
  }
}

/** Writes a certificate for an IP address, its own authority, and its key. */
export function selfSigned(address: string, certificate: string, key: string): void {
  const subject = ["-subj", "/CN=registry of a test", "-addext", `subjectAltName=IP:${address}`];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  execFileSync("openssl", ["req", "-x509", ...kind, ...subject, "-keyout", key, "-out", certificate], {
    stdio: "ignore",
  });
}

/** Registries look at the file again when it has changed. */
function writeLogin(folder: string, password: string): void {
  const file = path.join(folder, "htpasswd");
  execFileSync("htpasswd", ["-Bbc", file, Registry.user.username, password], { stdio: "ignore" });
}

/** Removes what the engine keeps of a registry: tags, and what a later build has taken the tag from. */
export async function removeImages(host: string): Promise<void> {
  for (const name of await engineNames(host)) {
    // Removing a tag may have removed its digest as well.
    if ((await engineNames(host)).includes(name)) await docker(["image", "rm", name]);
  }
}

/** Every name of a registry in the engine, by tag and by digest. Images of others come and go while other suites run. */
async function engineNames(host: string): Promise<string[]> {
  const own = ["*", "*/*", "*/*/*"].flatMap((path) => ["--filter", `reference=${host}/${path}`]);
  const ids = await docker(["image", "ls", "--quiet", "--no-trunc", ...own]);
  const unique = [...new Set(ids.split("\n").filter(Boolean))];
  if (unique.length === 0) return [];
  type Names = { RepoTags: string[] | null; RepoDigests: string[] | null }[];
  const images = JSON.parse(await docker(["image", "inspect", ...unique])) as Names;
  const names = images.flatMap(({ RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])]);
  return names.filter((name) => name.startsWith(`${host}/`));
}
