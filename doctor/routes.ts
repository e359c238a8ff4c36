/** The servers that containerd asks for an image, in its order: the hosts of hosts.toml, then the registry itself. */
import type { Facts, RuntimeFact } from "./facts";
import { proxyFor } from "./proxy";
import { hostAndPort, type PulledImage } from "./pulledImage";

export interface Route {
  readonly host: string;
  readonly port: number;
  readonly plainHttp: boolean;
  /** Whether the certificates that hosts.toml names count for it. */
  readonly takesCa: boolean;
  readonly url: string;
  /** Whether hosts.toml has a login for it. It is not read, and not sent. */
  readonly hasLogin: boolean;
  /** URL of the proxy that the runtime takes to it; missing where it takes none. */
  readonly proxy?: string;
}

export function routesOf(facts: Facts, image: PulledImage): Route[] {
  const entries = hostsFile(facts, image)?.entries ?? [];
  const own = { ...route(`https://${image.registry}`, entries), host: image.host, port: image.port };
  const server = valueOf(entries, "server");
  const hosts = entries.flatMap((entry) => /^host\|([^|]+)\|/.exec(entry)?.[1] ?? []);
  const last = server === "" ? own : route(server, entries);
  const all = [...[...new Set(hosts)].map((url) => route(url, entries)), last];
  const told = facts.registry;
  // CRI-O and docker have one way for a registry, and what they trust for it lies in a directory.
  const takesAll = !readsHosts(facts.runtime);
  return all
    .filter(({ url }, at) => all.findIndex((one) => one.url === url) === at)
    .map((one) => ({
      ...one,
      ...{ takesCa: one.takesCa || takesAll, hasLogin: one.hasLogin || told?.login === true },
      proxy: proxyFor(facts.proxy ?? [], one)?.url,
    }));
}

/** Whether the runtime is a containerd, its own or that of k3s. */
const readsHosts = (runtime?: RuntimeFact): boolean => /^(containerd|k3s|rke2)$/.test(runtime?.name ?? "");

/** The hosts.toml that counts, where containerd reads one. */
export function hostsFile(facts: Facts, image: PulledImage) {
  const { registry, runtime } = facts;
  if (!registry || !runtime || runtime.configPath === "" || isMisread(runtime)) return undefined;
  const at = (name: string) => registry.files.find(({ path }) => path === `${registry.directory}/${name}/hosts.toml`);
  // Where a name has a port, the form without a colon comes first.
  return at(image.registry.replace(/:(\d+)$/, "_$1_")) ?? at(image.registry) ?? at("_default");
}

/**
 * Whether config_path is a list that containerd takes for one directory, which is not there. 1.x and 2.0 take each of its parts. So do later
 * ones that pull by themselves, without the transfer service: the node knows.
 */
export const isMisread = ({ version, configPath, misread }: RuntimeFact): boolean =>
  configPath.includes(":") && (misread ?? /^2\.[1-9]/.test(version));

function route(url: string, entries: readonly string[]): Route {
  const plainHttp = url.startsWith("http://");
  const bare = url.replace(/^https?:\/\//, "").replace(/\/.*/, "");
  const takesCa = entries.some((entry) => entry.startsWith(`host|${url}|ca\t`));
  const hasLogin = entries.some((entry) => entry.toLowerCase().startsWith(`host|${url}|header|authorization\t`));
  return { url, plainHttp, takesCa, hasLogin, ...hostAndPort(bare, plainHttp ? 80 : 443) };
}

/** The text of a key at the top of a TOML file; empty where there is none. */
export function valueOf(entries: readonly string[], key: string): string {
  const found = entries.find((entry) => entry.startsWith(`${key}\t`));
  return found?.slice(key.length + 1).replace(/^["'](.*)["']$/, "$1") ?? "";
}
