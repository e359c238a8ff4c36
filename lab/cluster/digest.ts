/** Digests of programs of a hundred megabytes, remembered: the same bytes count as the same, wherever they came from. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import { readIfThere, writeAtomic } from "./files";
import { cacheDir } from "./layout";

/** SHA-256 of each file, read again only where size or time of modification changed since the last call. */
export async function digests(files: string[]): Promise<string[]> {
  const memory = path.join(cacheDir(), "lab", "digests.json");
  const known = parse(await readIfThere(memory));
  const found: Record<string, string> = {};
  const result: string[] = [];
  for (const file of files) {
    const { size, mtimeMs } = await fs.stat(file);
    const key = `${file} ${size} ${mtimeMs}`;
    const digest = known[key] ?? (await sha256(file));
    found[key] = digest;
    result.push(digest);
  }
  await writeAtomic(memory, JSON.stringify({ ...known, ...found }), 0o644);
  return result;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** The memory only saves time: one that cannot be read is an empty one. */
function parse(text: string | undefined): Record<string, string> {
  try {
    return JSON.parse(text ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
}
