import { ACCEPTED, type Descriptor } from "./indexContent";
import type { Manifest, Repository } from "./registry";
import { saying } from "./saying";

interface Content {
  config?: Descriptor;
  layers?: Descriptor[];
  manifests?: Descriptor[];
}

/**
 * Copies a manifest from one repository to another with all that it needs, byte for byte: the manifests of an index,
 * whatever platform they are for, and the blobs of each. What the other repository has already is left out. Only digests
 * are written, no tag.
 */
export async function copy(from: Repository, to: Repository, manifest: Manifest): Promise<void> {
  const { config, layers = [], manifests = [] } = JSON.parse(manifest.bytes.toString()) as Content;
  for (const { digest } of manifests) {
    const child = await from.manifest(digest, ACCEPTED);
    if (!child) throw new Error(`${from.name}@${digest}: not found`);
    await copy(from, to, child);
  }
  for (const { digest } of [...(config ? [config] : []), ...layers]) {
    if (!(await to.hasBlob(digest))) await to.putBlob(digest, await from.blob(digest));
  }
  const { digest, mediaType, bytes } = manifest;
  await saying(`failed commit on ref "manifest-${digest}"`, () => to.putManifest(digest, mediaType, bytes));
}
