/** The node script as a file. It goes to a node when its text or its certificates change. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";

import { packedNodeScript } from "./nodeScript.generated";
import { pemLines } from "./nodeSettings";

/** A file here, and its name in the home directory of whoever logs in to the node. */
export interface NodeFile {
  readonly local: string;
  readonly remote: string;
}

let program: string | undefined;
const written = new Map<string, NodeFile>();

/**
 * The text of the file: the script, and the certificates that it brings along. In braces, so that a transfer that was cut is a
 * syntax error instead of a shorter program.
 */
export function scriptText(ca = ""): string {
  program ??= gunzipSync(Buffer.from(packedNodeScript, "base64")).toString();
  const lines = pemLines(ca).map((line) => `${line}\n`);
  const quoted = lines.join("").replaceAll("'", `'\\''`);
  return `{\nscript_file=$0\nfile_ca='${quoted}'\n${program}}\n`;
}

/**
 * Writes the file into `node_modules/.cache` of the program, where the build of pause lies too. The engine keeps its hash in state,
 * not its content. Its name on the node is made of its content: a file that is there is the right one.
 */
export function nodeFile(ca = ""): NodeFile {
  const known = written.get(ca);
  if (known !== undefined && fs.existsSync(known.local)) return known;
  const text = scriptText(ca);
  const name = `${createHash("sha256").update(text).digest("hex").slice(0, 16)}.sh`;
  const folder = path.resolve("node_modules/.cache/pause-sandbox/node");
  const file = { local: path.join(folder, name), remote: `.pause-sandbox-${name}` };
  fs.mkdirSync(folder, { recursive: true });
  // Two programs may write it at once.
  const draft = `${file.local}.${process.pid}`;
  fs.writeFileSync(draft, text);
  fs.renameSync(draft, file.local);
  written.set(ca, file);
  return file;
}
