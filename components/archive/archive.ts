/**
 * Images as archives: an OCI layout in a tar. The same image gives the same bytes on every machine, so that its digest is known in a
 * preview.
 */
import { gzipSync } from "fflate";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";

import { filesOfTar, tarOf } from "./tar";
import { counted } from "../counted";
import { messageOf, userError } from "../errors";

/** An image as nodes get it. */
export interface ImageArchive {
  /** The tar: `oci-layout`, `index.json` with one descriptor and no name, `images`, and the blobs, sorted. */
  readonly tar: Buffer;
  /** `sha256:…` of the index or manifest: what containerd reports. */
  readonly digest: string;
}

/** In bytes. Upstream's pause for 16 platforms has 330 kB; an archive goes to each node with the script. */
export const LARGEST_ARCHIVE = 2_097_152;

export const OCI = "application/vnd.oci.image";
export const INDEX = `${OCI}.index.v1+json`;
export const MANIFEST = `${OCI}.manifest.v1+json`;
const LISTS = [INDEX, "application/vnd.docker.distribution.manifest.list.v2+json"];

/** Room for two names of at most 384 bytes each in the index, in bytes: a node writes them where the index is. */
const ROOM = 2048;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: object;
}

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Content by digest. */
export type Blobs = Map<string, Buffer>;

export function put(blobs: Blobs, mediaType: string, content: Buffer | object): Descriptor {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  const digest = `sha256:${sha256(bytes)}`;
  blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

/** An image of these blobs. */
export function laidOut(blobs: Blobs, { mediaType, digest, size }: Descriptor): ImageArchive {
  const tar = tarOf([
    { name: "oci-layout", bytes: Buffer.from('{"imageLayoutVersion":"1.0.0"}\n') },
    // The node adds names to this very text, in this very place (node/runtimes/carried.sh).
    {
      name: "index.json",
      bytes: Buffer.from(
        `${JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest, size }] }).padEnd(ROOM - 1)}\n`,
      ),
    },
    { name: "images", bytes: Buffer.from(listOfImages(blobs, { mediaType, digest, size })) },
    ...[...blobs]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, bytes]) => ({ name: `blobs/${name.replace(":", "/")}`, bytes })),
  ]);
  return { tar, digest };
}

/** A line for each image for Linux, with architecture, config and layers: a shell reads no JSON, and docker takes no OCI layout. */
function listOfImages(blobs: Blobs, { mediaType, digest }: Descriptor): string {
  const read = (blob: string): unknown => json(blobs.get(blob) ?? Buffer.of(), blob);
  if (LISTS.includes(mediaType)) {
    const { manifests = [] } = read(digest) as { manifests?: Descriptor[] };
    return manifests.map((one) => (blobs.has(one.digest) ? listOfImages(blobs, one) : "")).join("");
  }
  const { config, layers = [] } = read(digest) as { config: Descriptor; layers?: Descriptor[] };
  const { architecture, os, variant } = read(config.digest) as Record<string, unknown>;
  const platform = [architecture, variant].filter((word) => typeof word === "string" && /^\w+$/.test(word)).join("/");
  if (os !== "linux" || platform === "") return "";
  return `${[platform, config.digest, ...layers.map((layer) => layer.digest)].join(" ")}\n`;
}

/**
 * Reads an image that somebody else made: the tar of an OCI layout (`skopeo copy … oci-archive:FILE`), or of `docker save`, both also
 * gzipped. Files that belong to no image are left out.
 * @throws Error naming the reason, and the figures where it is too large.
 */
export function readArchive(file: Buffer): ImageArchive {
  const files = filesOfTar(unzipped(file));
  const layout = files.get("index.json");
  const saved = files.get("manifest.json");
  const blobs: Blobs = new Map();
  if (layout !== undefined) {
    const { manifests = [] } = json(layout, "index.json") as { manifests?: Descriptor[] };
    // Who saves an image by two of its names has it there twice.
    const image = only(
      [...new Map(manifests.map((one) => [(one as Descriptor | null)?.digest, one])).values()],
      "index.json",
    );
    take(files, blobs, image);
    return laidOut(blobs, image);
  }
  if (saved !== undefined) return laidOut(blobs, fromDocker(files, blobs, saved));
  throw userError("it is neither an OCI layout nor a docker save: it has no index.json and no manifest.json");
}

function unzipped(file: Buffer): Buffer {
  const limit = `at most ${LARGEST_ARCHIVE} bytes are carried to each node`;
  let bytes = file;
  if (file[0] === 0x1f && file[1] === 0x8b) {
    try {
      bytes = gunzipSync(file, { maxOutputLength: LARGEST_ARCHIVE });
    } catch (error) {
      throw userError(`it cannot be unpacked (${messageOf(error)}); ${limit}`);
    }
  }
  if (bytes.length > LARGEST_ARCHIVE)
    throw userError(`it has ${bytes.length} bytes, and ${limit}: copy the image to a registry instead`);
  return bytes;
}

function only<T>(all: readonly T[], where: string): T {
  const [one] = all;
  if (all.length !== 1 || one === undefined)
    throw userError(`${where} names ${counted(all.length, "image")}; it must be exactly one`);
  return one;
}

function json(bytes: Buffer, name: string): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below.
  }
  throw userError(`${name} is no JSON`);
}

const pathOf = ({ digest }: Descriptor): string => `blobs/${digest.replace(":", "/")}`;

/** The content of a descriptor, checked. */
function blobOf(files: Map<string, Buffer>, descriptor: Descriptor): Buffer {
  // An archive may hold anything.
  const { digest } = (descriptor as Descriptor | null) ?? {};
  if (typeof digest !== "string") throw userError("one of its descriptors has no digest");
  const bytes = files.get(pathOf(descriptor));
  if (bytes === undefined) throw userError(`it lacks the blob ${digest}`);
  if (`sha256:${sha256(bytes)}` !== digest) throw userError(`the blob ${digest} has other bytes than its name says`);
  return bytes;
}

/** Takes an image, and all that it names. Of an index, the platforms that the archive lacks are passed over. */
function take(files: Map<string, Buffer>, blobs: Blobs, descriptor: Descriptor): void {
  const bytes = blobOf(files, descriptor);
  const { digest, mediaType } = descriptor;
  blobs.set(digest, bytes);
  if (LISTS.includes(mediaType)) {
    const { manifests = [] } = json(bytes, digest) as { manifests?: Descriptor[] };
    const there = manifests.filter((one) => files.has(pathOf(one)));
    if (there.length === 0) throw userError("it has no platform's image");
    for (const one of there) take(files, blobs, one);
    return;
  }
  const { config, layers = [] } = json(bytes, digest) as { config?: Descriptor; layers?: Descriptor[] };
  if (config === undefined) throw userError(`${digest} is no image: it has no config`);
  for (const one of [config, ...layers]) blobs.set(one.digest, blobOf(files, one));
}

/** `docker save` before 25: the config's bytes stay, and so does the image's ID. */
function fromDocker(files: Map<string, Buffer>, blobs: Blobs, saved: Buffer): Descriptor {
  const images = json(saved, "manifest.json") as { Config: string; Layers: string[] }[];
  const image = only(Array.isArray(images) ? images : [], "manifest.json");
  const file = (name: string): Buffer => {
    const bytes = files.get(name);
    if (bytes === undefined) throw userError(`it lacks ${name}`);
    return bytes;
  };
  const config = put(blobs, `${OCI}.config.v1+json`, file(image.Config));
  const layers = image.Layers.map((name) => put(blobs, `${OCI}.layer.v1.tar`, file(name)));
  return put(blobs, MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers });
}

const packedOnce = new Map<string, string>();

/** SHA-256 in hex of the tar in a packed archive. */
export function archiveHash(packed: string): string {
  const known = hashes.get(packed) ?? sha256(gunzipSync(Buffer.from(packed, "base64")));
  hashes.set(packed, known);
  return known;
}
const hashes = new Map<string, string>();

/** The archive as one shell word: gzip by a library, then base64. */
export function packedArchive({ tar }: ImageArchive): string {
  const sum = sha256(tar);
  const known = packedOnce.get(sum) ?? Buffer.from(gzipSync(tar, { level: 9, mtime: 0 })).toString("base64");
  packedOnce.set(sum, known);
  return known;
}
