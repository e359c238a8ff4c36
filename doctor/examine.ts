/** A look at one node, from the log-in to what is to be judged. */
import type { Look } from "./diagnose";
import { CouldNotLook, parseFacts } from "./facts";
import type { StuckPod, TriedPod } from "./finding";
import { proxyFor, through } from "./proxy";
import { isLocal, pulledImage } from "./pulledImage";
import type { WantedImage } from "./judge/stack";
import type { Walk } from "./judge/wire";
import type { Reach } from "./reach";
import { routesOf } from "./routes";
import { walk } from "./wire";

/** What is known of a node from elsewhere. */
export interface Known {
  /** What a stack has for it. */
  readonly wanted?: WantedImage;
  /** The Pods of it that wait by the cluster's word; missing where nobody asked the cluster. */
  readonly stuck?: readonly StuckPod[];
  /** Starts a sandbox there too. Default: nothing is started. */
  readonly tries?: Tries;
}

/** How `--try` tries: by a sandbox in the host's network, or by a Pod of the cluster. Gets the node's name and its sandbox image. */
export type Tries = "sandbox" | ((name: string, image: string) => Promise<TriedPod>);

/** Each may take its time. hosts.toml has some three. */
const MOST_ROUTES = 8;

/**
 * Looks at a node, and compares with a stack where there is one. Unless it tries, nothing on it is changed. No login is sent.
 * @throws CouldNotLook where nobody could log in, or where it is no node.
 */
export async function look(reach: Reach, { tries, ...known }: Known = {}): Promise<Look> {
  const facts = parseFacts(await reach.run(tries === "sandbox"));
  const name = facts.host?.name ?? reach.name;
  if (facts.host?.kubernetes === false) {
    throw new CouldNotLook(`${name} is no Kubernetes node: it has no kubelet, and neither k3s nor RKE2`);
  }
  const ourSeconds = Math.floor(Date.now() / 1000);
  const image = facts.runtime && pulledImage(facts.runtime.image);
  const walks: Walk[] = [];
  if (image && !isLocal(image)) {
    const { repository, tag } = image;
    const architecture = facts.host?.architecture ?? "amd64";
    // One after the other, as a pull goes: a registry that limits requests is not to be asked by ten at once.
    for (const route of routesOf(facts, image).slice(0, MOST_ROUTES)) {
      const dial = (host: string, port: number) => {
        // A server that gives out tokens may be exempt where the registry is not.
        const { plainHttp } = route;
        const proxy = proxyFor(facts.proxy ?? [], { host, port, plainHttp: plainHttp && host === route.host });
        return proxy
          ? through(reach.dial(proxy.host, proxy.port), proxy, `${host.includes(":") ? `[${host}]` : host}:${port}`)
          : reach.dial(host, port);
      };
      walks.push({ route, fact: await walk(dial, { ...route, repository, tag, architecture }) });
    }
  }
  const tried = typeof tries === "function" ? await tries(name, facts.runtime?.image ?? "") : undefined;
  return { node: name, host: reach.name, facts, walks, ourSeconds, tried, ...known };
}
