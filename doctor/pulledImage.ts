/** Where an image is pulled from. */
import type { RuntimeFact } from "./facts";
import { type ImageReference, splitImageName } from "../components/registry/reference";

/** A reference, and the host that answers for its registry. `registry` also names the directory in certs.d. */
export interface PulledImage extends ImageReference {
  readonly host: string;
  readonly port: number;
}

/**
 * As containerd completes a name: Docker Hub where it has no registry, `latest` where it has no tag, and the digest alone where it has
 * one.
 * @returns nothing where there is no name
 */
export function pulledImage(image: string): PulledImage | undefined {
  const { registry = "docker.io", repository, tag = "latest", digest } = splitImageName(image);
  if (repository === "") return undefined;
  // Docker Hub answers under another name than the one that its images have.
  const at = registry === "docker.io" ? "registry-1.docker.io" : registry;
  const path = registry === "docker.io" && !repository.includes("/") ? `library/${repository}` : repository;
  return { registry, repository: path, tag: digest ?? tag, ...hostAndPort(at, 443) };
}

/** Nobody pulls it: it was imported, such as that of EKS nodes. */
export const isLocal = ({ registry }: PulledImage): boolean => registry === "localhost";

/** containerd 2.3.0 to 2.3.3 does not find such an image even where it is (containerd#13529). */
export function isLost(image: string, { name, version }: Pick<RuntimeFact, "name" | "version">): boolean {
  const { registry, tag, digest } = splitImageName(image);
  const short = registry === undefined || tag === undefined || digest !== undefined;
  return short && name === "containerd" && /^2\.3\.[0-3](?!\d)/.test(version);
}

/** `[2001:db8::1]:5000`, `registry.example.com:5000` or a name alone. */
export function hostAndPort(text: string, standardPort: number): { host: string; port: number } {
  const [, host = text, port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: port === undefined ? standardPort : Number(port) };
}
