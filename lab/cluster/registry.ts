/** The lab's registry: TLS under a private CA that no node knows at first, the data in the lab's directory. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { stringify } from "yaml";
import { docker } from "./docker";
import { writeAtomic } from "./files";
import { request } from "./https";
import { INTERCEPTED_HOSTS, labDir, REGISTRY_CONTAINER, registryHost, registryIp } from "./layout";
import type { Machine } from "./machine";
import type { Authority } from "./pki";
import { waitFor } from "./wait";

/** docker-registry's own port, and the one that the intercepted registries are expected on. */
const PORT = 5000;

/**
 * One registry, answering on two ports. On 443 it is what a TLS-inspecting network looks like to a node: upstream's
 * registry names lead to it, and its certificate for them comes from an authority the node has never heard of.
 */
export async function registryMachine(image: string, ca: Authority): Promise<Machine> {
  const { cert, key } = await ca.issue({
    name: "registry",
    commonName: "pause-sandbox lab registry",
    ip: [registryIp()],
    dns: INTERCEPTED_HOSTS,
    usages: ["server"],
  });
  const data = path.join(labDir(), "registry");
  await fs.mkdir(data, { recursive: true });
  return {
    container: REGISTRY_CONTAINER,
    role: "registry",
    image,
    ip: registryIp(),
    // The images outlive the container: a registry that was rebuilt still has what the program pushed.
    flags: ["--cap-add", "NET_ADMIN", "--volume", `${data}:/var/lib/registry`],
    command: ["sh", "/etc/pause-sandbox-lab/registry.sh"],
    files: [
      { path: "/etc/pause-sandbox-lab/registry.sh", content: startScript() },
      { path: "/etc/pause-sandbox-lab/registry.yml", content: configuration() },
      { path: "/etc/pause-sandbox-lab/registry.crt", content: cert },
      { path: "/etc/pause-sandbox-lab/registry.key", content: key, mode: 0o600 },
    ],
  };
}

function startScript(): string {
  return [
    "set -eu",
    `iptables -t nat -A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports ${PORT}`,
    "exec docker-registry serve /etc/pause-sandbox-lab/registry.yml",
    "",
  ].join("\n");
}

function configuration(): string {
  return stringify({
    version: "0.1",
    log: { level: "info", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: "/var/lib/registry" }, delete: { enabled: true } },
    http: {
      addr: `:${PORT}`,
      tls: { certificate: "/etc/pause-sandbox-lab/registry.crt", key: "/etc/pause-sandbox-lab/registry.key" },
    },
  });
}

/** Directory where the engine looks for the authority of this registry; it needs no restart to see it. */
function engineTrustDirectory(): string {
  return path.join("/etc/docker/certs.d", registryHost());
}

export async function trustRegistryInEngine(ca: string): Promise<void> {
  await writeAtomic(path.join(engineTrustDirectory(), "ca.crt"), ca, 0o644);
}

/** Takes the empty directories above away too, as the engine's package does not come with them. */
export async function distrustRegistryInEngine(): Promise<void> {
  await fs.rm(engineTrustDirectory(), { recursive: true, force: true });
  for (const parent of ["/etc/docker/certs.d", "/etc/docker"]) {
    await fs.rmdir(parent).catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOTEMPTY" && code !== "ENOENT") throw error;
    });
  }
}

export async function waitForRegistry(ca: string): Promise<void> {
  await waitFor({
    what: `the registry at ${registryHost()} answers`,
    timeoutSeconds: 30,
    missing: async () => {
      const { status } = await request(`https://${registryHost()}/v2/`, { ca });
      return status === 200 ? undefined : `it answered ${status}`;
    },
    explain: () => docker(["logs", "--tail", "20", REGISTRY_CONTAINER]),
  });
}

/** Whether the registry has this repository and tag. */
export async function registryHas(ca: string, repository: string, tag: string): Promise<boolean> {
  const { status } = await request(
    `https://${registryHost()}/v2/${repository}/manifests/${tag}`,
    { ca },
    {
      method: "HEAD",
      headers: { accept: "application/vnd.docker.distribution.manifest.v2+json" },
    },
  );
  return status === 200;
}
