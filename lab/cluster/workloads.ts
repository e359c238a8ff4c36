/** Images of the sample Pod, built from Debian's packages and pushed to the lab's registry. */
import type { Log } from "../log";
import { docker } from "./docker";
import { ensureImage } from "./images";
import { workloadReferences } from "./info";
import { registryHas } from "./registry";
import { rootFsImage, WORKLOAD_ROOTFS } from "./rootfs";

/** Pushes what the registry does not have; the engine must trust the registry by now. */
export async function ensureWorkloads(ca: string, log: Log): Promise<void> {
  const missing: [string, string][] = [];
  for (const [name, tag] of Object.entries(workloadReferences())) {
    const [, repository = "", version = ""] = /^[^/]*\/(.*):([^:]*)$/.exec(tag) ?? [];
    if (!(await registryHas(ca, repository, version))) missing.push([name, tag]);
  }
  if (missing.length === 0) return;
  const base = await rootFsImage(WORKLOAD_ROOTFS, log);
  for (const [name, tag] of missing) {
    await ensureImage({ name, base, tag }, log);
    await log.step(`push ${tag}`, () => docker(["push", "--quiet", tag]));
  }
}
