/** This project's own pause as an archive, made here: it takes no docker engine and no registry. */
import { type Blobs, type Descriptor, type ImageArchive, INDEX, laidOut, MANIFEST, OCI, put } from "./archive";
import { tarOf } from "./tar";
import { architectureOf, pauseVersion, prebuiltBinary, sourcesHash } from "../../image/compile";

/**
 * This project's own pause for these platforms, from the binaries that come with it.
 * @throws Error if a binary is not what SHA256SUMS says.
 */
export function pauseArchive(platforms: readonly string[]): ImageArchive {
  const blobs: Blobs = new Map();
  const manifests = platforms.map((platform) => {
    const [os = "", , variant] = platform.split("/");
    const architecture = architectureOf(platform);
    const of = { architecture, os, ...(variant === undefined ? {} : { variant }) };
    return { ...pauseManifest(blobs, of), platform: of };
  });
  return laidOut(blobs, put(blobs, INDEX, { schemaVersion: 2, mediaType: INDEX, manifests }));
}

interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
}

/** The manifest of an image as image/Dockerfile makes it, with one date for all. */
function pauseManifest(blobs: Blobs, platform: Platform): Descriptor {
  const bytes = prebuiltBinary(platform.architecture);
  const layer = put(blobs, `${OCI}.layer.v1.tar`, tarOf([{ name: "pause", bytes, mode: 0o755 }]));
  const config = put(blobs, `${OCI}.config.v1+json`, {
    ...platform,
    // cri-dockerd reads no image without a date.
    created: "1970-01-01T00:00:00Z",
    config: {
      User: "65535:65535",
      Entrypoint: ["/pause"],
      Labels: {
        "org.opencontainers.image.title": "pause",
        "org.opencontainers.image.revision": sourcesHash(),
        "org.opencontainers.image.version": pauseVersion(),
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    },
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  });
  return put(blobs, MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] });
}
