/** Images of the sample Pod, built from Debian's packages and pushed to the lab's registry. */
import type { Log } from "../log";
import { docker } from "./docker";
import { ensureImage, fingerprint } from "./images";
import { workloadReferences } from "./info";
import { registryHas } from "./registry";
import { rootFsImage, rootFsReference, WORKLOAD_ROOTFS } from "./rootfs";

/** Pushes what the registry does not have; the engine must trust the registry by now. */
export async function ensureWorkloads(ca: string, log: Log): Promise<void> {
  for (const [name, reference] of Object.entries(workloadReferences())) await ensureWorkload(name, reference, ca, log);
}

/**
 * Beside its well-known tag each image has one that is the fingerprint of what it was built from: pushed last, it says
 * that the registry has this very image, also after the image's files have changed in the tree.
 */
async function ensureWorkload(name: string, reference: string, ca: string, log: Log): Promise<void> {
  const spec = { name, base: rootFsReference(WORKLOAD_ROOTFS) };
  const version = await fingerprint(spec);
  if (await registryHas(ca, `lab/${name}`, version)) return;
  await rootFsImage(WORKLOAD_ROOTFS, log);
  const image = await ensureImage(spec, log);
  await log.step(`push ${reference}`, async () => {
    for (const tag of [reference, reference.replace(/:[^:]*$/, `:${version}`)]) {
      await docker(["tag", image, tag]);
      await docker(["push", "--quiet", tag]);
    }
  });
}
