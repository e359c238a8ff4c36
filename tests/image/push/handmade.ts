import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as https from "node:https";

import { Registry } from "../../support/registry";

const INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** A platform as an index names it; Windows images are told apart by their version as well. */
export interface Platform {
  architecture: string;
  os: string;
  "os.version"?: string;
}

/**
 * Puts an index over images for these platforms into a registry, byte by byte, as no Linux engine could: their layers
 * hold no file system, since nobody runs them. It is indented by tabs, so that whoever rewrites it changes its
 * digest.
 * @returns the digest of the index
 */
export async function pushIndex(registry: Registry, name: string, tag: string, platforms: Platform[]): Promise<string> {
  const manifests = [];
  for (const platform of platforms) {
    const config = await pushBlob(registry, name, CONFIG, JSON.stringify({ ...platform, config: {}, rootfs: {} }));
    const layer = await pushBlob(registry, name, LAYER, `layer for ${platform.os}/${platform.architecture}`);
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] });
    const { digest } = describe(MANIFEST, manifest);
    await send(registry, "PUT", `/v2/${name}/manifests/${digest}`, MANIFEST, manifest);
    manifests.push({ ...describe(MANIFEST, manifest), platform });
  }
  const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }, undefined, "\t");
  await send(registry, "PUT", `/v2/${name}/manifests/${tag}`, INDEX, index);
  return describe(INDEX, index).digest;
}

export async function pushBlob(
  registry: Registry,
  name: string,
  mediaType: string,
  content: string,
): Promise<Descriptor> {
  const location = new URL(await send(registry, "POST", `/v2/${name}/blobs/uploads/`, "", ""));
  const descriptor = describe(mediaType, content);
  location.searchParams.set("digest", descriptor.digest);
  await send(registry, "PUT", location.pathname + location.search, "application/octet-stream", content);
  return descriptor;
}

function describe(mediaType: string, content: string): Descriptor {
  const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  return { mediaType, digest, size: Buffer.byteLength(content) };
}

/** @returns where the registry says that what was sent is to be found */
export function send(registry: Registry, method: string, path: string, type: string, body: string): Promise<string> {
  const { username, password } = Registry.user;
  const [host, port] = registry.host.split(":");
  const headers = { "content-type": type, "content-length": Buffer.byteLength(body) };
  const auth = `${username}:${password}`;
  return new Promise((resolve, reject) => {
    const options = { host, port, path, method, auth, headers, ca: fs.readFileSync(registry.caFile) };
    const request = https.request(options, (response) => {
      response.resume();
      if ([201, 202].includes(response.statusCode ?? 0)) resolve(response.headers.location ?? "");
      else reject(new Error(`${method} ${path}: ${response.statusCode ?? 0}`));
    });
    request.on("error", reject);
    request.end(body);
  });
}
