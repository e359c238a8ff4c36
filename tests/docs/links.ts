/** Which links of visited pages lead nowhere. */
import type { Visit } from "./visit";

/** The path of an address on this site. Undefined is another host. */
export const pathIn = (site: string, url: string): string | undefined =>
  url.startsWith(site) ? decodeURIComponent(new URL(url).pathname.slice(1)) : undefined;

/** As `page: address`. Addresses of other hosts are left out: nobody here can say what answers there. */
export function deadLinks(site: string, visits: readonly Visit[], files: readonly string[]): string[] {
  const ids = new Map(visits.map((visit) => [visit.path, new Set(visit.ids)]));
  const isDead = (url: string): boolean => {
    const path = pathIn(site, url);
    if (path === undefined) return false;
    const file = path.replace(/(^|\/)$/, "$1index.html");
    const anchor = decodeURIComponent(new URL(url).hash.slice(1));
    return !files.includes(file) || (anchor !== "" && !ids.get(file)?.has(anchor));
  };
  return visits.flatMap((visit) => [...new Set(visit.links)].filter(isDead).map((url) => `${visit.path}: ${url}`));
}
