import type { Manifest, Repository } from "./registry";

export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const ACCEPTED = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST];

interface Platform {
  architecture: string;
  os: string;
  variant?: string;
}

/** One image of an index, or one blob of an image. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: Platform;
}

/** The images behind a source: itself, or where it is an index those it names. */
async function imagesOf(repository: Repository, source: Manifest): Promise<Descriptor[]> {
  const content = JSON.parse(source.bytes.toString()) as {
    manifests?: Descriptor[];
    config?: { digest: string };
  };
  if (content.manifests) return content.manifests;
  if (!content.config) throw new Error(`${source.digest} (${source.mediaType}) is neither an image nor an index`);
  const { architecture, os, variant } = JSON.parse(
    (await repository.blob(content.config.digest)).toString(),
  ) as Platform;
  const platform = { architecture, os, ...(variant !== undefined && { variant }) };
  return [{ mediaType: source.mediaType, digest: source.digest, size: source.bytes.length, platform }];
}

/** A source, as the program names it, and the repository that it was found in. */
export interface Source {
  reference: string;
  repository: Repository;
  manifest: Manifest;
}

/**
 * An index over the sources, in their order: a docker manifest list where all of them are docker's, else OCI. A single
 * source that is an index already stays as it is, byte for byte.
 */
export async function indexOver(sources: Source[]): Promise<{ mediaType: string; bytes: Buffer }> {
  const [only, ...others] = sources.map(({ manifest }) => manifest);
  if (only && others.length === 0 && [OCI_INDEX, DOCKER_LIST].includes(only.mediaType)) return only;
  const images = sources.map(({ repository, manifest }) => imagesOf(repository, manifest));
  const manifests = (await Promise.all(images)).flat();
  const repeated = manifests.find(({ digest }, i) => manifests.findIndex((other) => other.digest === digest) < i);
  if (repeated) throw new Error(`${repeated.digest} is in the sources more than once`);
  const mediaType = manifests.every((image) => image.mediaType === DOCKER_MANIFEST) ? DOCKER_LIST : OCI_INDEX;
  return { mediaType, bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }, undefined, 2)) };
}
