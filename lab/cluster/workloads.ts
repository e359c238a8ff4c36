/** Images of the sample Pod, built from Debian's packages and pushed to the lab's registry. */
import type { Log } from "../log";
import { docker } from "./docker";
import { ensureImage, fingerprint, type ImageSpec } from "./images";
import { workloadReferences } from "./info";
import { registryHas } from "./registry";
import { type RootFs, rootFsImage, rootFsReference, WORKLOAD_ROOTFS } from "./rootfs";
import { JRE_ROOTFS, springImage } from "./spring";

/** Pushes what the registry does not have; the engine must trust the registry by now. */
export async function ensureWorkloads(ca: string, log: Log): Promise<void> {
  for (const reference of Object.values(workloadReferences())) await ensureWorkload(reference, ca, log);
}

/**
 * Beside its well-known tag each image has one that is the fingerprint of what it was built from: pushed last, it says
 * that the registry has this very image, also after the image's files have changed in the tree.
 */
async function ensureWorkload(reference: string, ca: string, log: Log): Promise<void> {
  const { rootFs, spec } = await workload(reference, log);
  const version = await fingerprint(spec);
  if (await registryHas(ca, `lab/${spec.name}`, version)) return;
  await rootFsImage(rootFs, log);
  const image = await ensureImage(spec, log);
  await log.step(`push ${reference}`, async () => {
    for (const tag of [reference, reference.replace(/:[^:]*$/, `:${version}`)]) {
      await docker(["tag", image, tag]);
      await docker(["push", "--quiet", tag]);
    }
  });
}

/** What an image is built from; its repository is named after its directory under lab/images. */
async function workload(reference: string, log: Log): Promise<{ rootFs: RootFs; spec: ImageSpec }> {
  const name = /([^/]+):[^:]*$/.exec(reference)?.[1] ?? "";
  if (name === "spring") return { rootFs: JRE_ROOTFS, spec: await springImage(log) };
  return { rootFs: WORKLOAD_ROOTFS, spec: { name, base: rootFsReference(WORKLOAD_ROOTFS) } };
}
