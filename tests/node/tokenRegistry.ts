/**
 * A real registry that takes tokens only, for a real runtime: `tokenRegistry.ts FOLDER`, a process of its own, since a test waits for
 * the script. It prints host and digest of its one image, `a/pause:1`, as one line of JSON. FOLDER/logins.json: who may pull.
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";

import { filesOfTar } from "../../components/archive/tar";
import { INDEX, MANIFEST } from "../../components/archive/archive";
import { pauseArchive } from "../../components/archive/pauseArchive";
import { type Login, tokenServer } from "../support/tokenServer";

const [, , folder = ""] = process.argv;

/** By the registry's own API, layers before what names them. */
async function push(host: string, token: string): Promise<string> {
  const { tar, digest } = pauseArchive(["linux/amd64"]);
  const authorization = `Bearer ${token}`;
  const asked = async (url: string, method: string, more: { type?: string; body?: Buffer } = {}) => {
    const headers = { authorization, "content-type": more.type ?? "application/octet-stream" };
    const response = await fetch(url, { method, headers, body: more.body && new Uint8Array(more.body) });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
    return response;
  };
  const blobs = [...filesOfTar(tar)].flatMap(([name, bytes]) => {
    const [, hex] = /^blobs\/sha256\/(.*)$/.exec(name) ?? [];
    return hex === undefined ? [] : [{ digest: `sha256:${hex}`, bytes, type: typeOf(bytes) }];
  });
  const rank = [undefined, MANIFEST, INDEX];
  for (const { digest: name, bytes, type } of blobs.sort((a, b) => rank.indexOf(a.type) - rank.indexOf(b.type))) {
    if (type === undefined) {
      const upload = await asked(`http://${host}/v2/a/pause/blobs/uploads/`, "POST");
      const at = new URL(upload.headers.get("location") ?? "");
      at.searchParams.set("digest", name);
      await asked(at.href, "PUT", { body: bytes });
    } else {
      const reference = type === INDEX ? "1" : name;
      await asked(`http://${host}/v2/a/pause/manifests/${reference}`, "PUT", { type, body: bytes });
    }
  }
  return digest;
}

function typeOf(bytes: Buffer): string | undefined {
  try {
    return (JSON.parse(bytes.toString()) as { mediaType?: string }).mediaType;
  } catch {
    return undefined;
  }
}

async function main(): Promise<void> {
  const logins = () => JSON.parse(fs.readFileSync(path.join(folder, "logins.json"), "utf8")) as Login[];
  const tokens = await tokenServer("127.0.0.1", folder, logins);
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: path.join(folder, "data") } },
    http: { addr: "127.0.0.1:0" },
    auth: { token: { ...tokens.auth, rootcertbundle: path.join(folder, "tokens.pem") } },
  };
  fs.writeFileSync(path.join(folder, "config.yml"), JSON.stringify(config));
  const child = spawn("docker-registry", ["serve", path.join(folder, "config.yml")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  // tsx ends this process at a signal, ahead of what is set for it here.
  process.on("exit", () => child.kill());
  child.once("exit", () => process.exit(1));
  createInterface({ input: child.stderr }).on("line", (line) => {
    const [, host] = /listening on ([\d.]+:\d+)/.exec(line) ?? [];
    if (host === undefined) return;
    void push(host, tokens.tokenFor("repository:a/pause:pull,push")).then((digest) => {
      console.log(JSON.stringify({ host, digest }));
    });
  });
}

void main();
