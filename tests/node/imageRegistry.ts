/**
 * A registry of two images, for a real runtime: `imageRegistry.ts FOLDER`, a process of its own, since a test waits for the script.
 * It prints its port and its digests as one line of JSON. FOLDER/tags.json: what a tag leads to, one digest for each time that
 * it is asked for, the last one from then on. FOLDER/requests: what was asked of it. FOLDER/gone: nothing is there.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import { type AddressInfo } from "node:net";
import * as path from "node:path";
import { gzipSync } from "node:zlib";

const [, , folder = ""] = process.argv;
const OCI = "application/vnd.oci.image";

const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const blobs = new Map<string, { bytes: Buffer; type: string }>();

function put(content: Buffer | object, type: string): { mediaType: string; digest: string; size: number } {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  const digest = sha256(bytes);
  blobs.set(digest, { bytes, type });
  return { mediaType: type, digest, size: bytes.length };
}

function manifest(text: string, architecture: string) {
  fs.writeFileSync(path.join(folder, "pause"), text);
  const tar = execFileSync("tar", ["-C", folder, "--mtime=@0", "--owner=0", "--group=0", "-cf", "-", "pause"]);
  const layer = put(gzipSync(tar), `${OCI}.layer.v1.tar+gzip`);
  const rootfs = { type: "layers", diff_ids: [sha256(tar)] };
  const config = put(
    { architecture, os: "linux", config: { Entrypoint: ["/pause"] }, rootfs },
    `${OCI}.config.v1+json`,
  );
  const type = `${OCI}.manifest.v1+json`;
  return put({ schemaVersion: 2, mediaType: type, config, layers: [layer] }, type);
}

function index(text: string): string {
  const type = `${OCI}.index.v1+json`;
  const entry = { ...manifest(text, "amd64"), platform: { architecture: "amd64", os: "linux" } };
  return put({ schemaVersion: 2, mediaType: type, manifests: [entry] }, type).digest;
}

/** What the tag leads to this time. */
function resolved(tag: string): string | undefined {
  const file = path.join(folder, "tags.json");
  const tags = JSON.parse(fs.readFileSync(file, "utf8")) as Record<string, string[]>;
  const [now, ...later] = tags[tag] ?? [];
  if (later.length > 0) fs.writeFileSync(file, JSON.stringify({ ...tags, [tag]: later }));
  return now;
}

const digests = { good: index("good\n"), other: index("other\n"), arm64: manifest("arm64\n", "arm64").digest };

const server = http.createServer((request, response) => {
  fs.appendFileSync(path.join(folder, "requests"), `${request.method ?? ""} ${request.url ?? ""}\n`);
  const [, wanted = ""] = /^\/v2\/.*\/(?:manifests|blobs)\/([^?]*)/.exec(request.url ?? "") ?? [];
  const digest = wanted.startsWith("sha256:") ? wanted : resolved(wanted);
  const blob = fs.existsSync(path.join(folder, "gone")) ? undefined : blobs.get(digest ?? "");
  if (request.url === "/v2/") response.end("{}");
  else if (blob === undefined || digest === undefined) {
    response.writeHead(404, { "content-type": "application/json" });
    response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
  } else {
    const headers = { "content-type": blob.type, "content-length": blob.bytes.length };
    response.writeHead(200, { ...headers, "docker-content-digest": digest });
    response.end(request.method === "HEAD" ? undefined : blob.bytes);
  }
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port, digests }));
});
