/** Where an image is pulled from. */
import { type ImageReference, splitImageName } from "../components/registry/reference";

/** A reference, and the host that answers for its registry. `registry` also names the directory in certs.d. */
export interface PulledImage extends ImageReference {
  readonly host: string;
  readonly port: number;
}

/** @returns nothing where the name has no tag, or no registry: runtimes do not agree on what that means */
export function pulledImage(image: string): PulledImage | undefined {
  const { registry, repository, tag, digest } = splitImageName(image);
  if (registry === undefined || tag === undefined || digest !== undefined) return undefined;
  // Docker Hub answers under another name than the one that its images have.
  const at = registry === "docker.io" ? "registry-1.docker.io" : registry;
  return { registry, repository, tag, ...hostAndPort(at, 443) };
}

/** `[2001:db8::1]:5000`, `registry.example.com:5000` or a name alone. */
export function hostAndPort(text: string, standardPort: number): { host: string; port: number } {
  const [, host = text, port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: port === undefined ? standardPort : Number(port) };
}
