import { ACCEPTED, type Descriptor } from "./indexContent";
import type { Manifest, Repository } from "./registry";

interface Content {
  config?: Descriptor;
  layers?: Descriptor[];
  manifests?: Descriptor[];
}

/**
 * Copies all that a manifest needs from one repository to another, byte for byte: the manifests of an index, whatever
 * platform they are for, and the blobs of each. What the other repository has already is left out. Only digests are
 * written, no tag.
 */
export async function copyContent(from: Repository, to: Repository, manifest: Manifest): Promise<void> {
  const { config, layers = [], manifests = [] } = JSON.parse(manifest.bytes.toString()) as Content;
  for (const { digest } of manifests) {
    const child = await from.manifest(digest, ACCEPTED);
    if (!child) throw new Error(`copying ${manifest.digest}: the registry does not have ${digest}, which it names`);
    await copyContent(from, to, child);
    await to.putManifest(digest, child.mediaType, child.bytes);
  }
  for (const { digest } of [...(config ? [config] : []), ...layers]) {
    if (!(await to.hasBlob(digest))) await to.putBlob(digest, await from.blob(digest));
  }
}
