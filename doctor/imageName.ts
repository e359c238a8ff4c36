/** An image's name in the parts that a pull needs. */

export interface ImageName {
  /** As the runtime names it, and its directory in certs.d: `registry.example.com:5000`. */
  readonly registry: string;
  readonly host: string;
  readonly port: number;
  readonly repository: string;
  readonly tag: string;
}

/** @returns nothing where the name has no tag, or no registry: runtimes do not agree on what that means */
export function parseImage(image: string): ImageName | undefined {
  const found = /^([^/]+)\/(.+):([\w][\w.-]*)$/.exec(image);
  const [, registry = "", repository = "", tag = ""] = found ?? [];
  if (!found || repository.includes("@") || !/[.:]|^localhost$/.test(registry)) return undefined;
  // Docker Hub answers under another name than the one that its images have.
  const at = registry === "docker.io" ? "registry-1.docker.io" : registry;
  return { registry, repository, tag, ...hostAndPort(at, 443) };
}

/** `[2001:db8::1]:5000`, `registry.example.com:5000` or a name alone. */
export function hostAndPort(text: string, standardPort: number): { host: string; port: number } {
  const [, host = text, port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: port === undefined ? standardPort : Number(port) };
}
