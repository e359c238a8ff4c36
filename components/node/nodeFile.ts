/** The node script as a file. It goes to a node when its text or its certificates change. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { pemLines } from "./nodeSettings";
import { changingParts, nodeProgram, parts } from "./program";

/** The script as a file here. */
export interface NodeFile {
  readonly local: string;
  /** SHA-256 of its content, in hex. The node runs no other content under this name. */
  readonly sum: string;
}

/** Owner and log-in of a copy of the script. */
export interface Place {
  /** Who manages the node: no two resources share a file. */
  readonly owner: string;
  /** Identity of the log-in: another log-in gets another file, which is copied again. */
  readonly login: readonly string[];
}

/** Number of hex digits that distinguish owners and log-ins on one node. */
const SHORT = 8;

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * The name of a copy in the log-in user's home directory: owner, log-in, content. The first two are hashes, so that each
 * resource finds and removes its own copies only.
 */
export function remoteName({ owner, login }: Place, sum: string): string {
  const [whose, where] = [owner, login.join("\n")].map((text) => hashOf(text).slice(0, SHORT));
  return `.pause-sandbox-${whose}-${where}-${sum}.sh`;
}

/** The script's hash in the name of a copy; undefined for other names. */
export const sumIn = (name: string): string | undefined =>
  /^\.pause-sandbox-(?:[0-9a-f]+-)*([0-9a-f]+)\.sh$/.exec(name)?.[1];

const written = new Map<string, NodeFile>();

/** What the file has beside the script. */
export interface Brought {
  /** Certificates, PEM. */
  readonly ca?: string;
  /** The image, as packedArchive gives it. */
  readonly archive?: string;
  /** Add the verb `plan`, which only a dry run needs. Default: false. */
  readonly dryRun?: boolean;
}

/**
 * The text of the file: the script, its certificates and perhaps the image. The braces make a truncated transfer a syntax error
 * instead of a shorter program.
 */
export function scriptText({ ca = "", archive, dryRun = false }: Brought = {}): string {
  const lines = pemLines(ca).map((line) => `${line}\n`);
  const quoted = lines.join("").replaceAll("'", `'\\''`);
  // Base64 needs no quoting.
  const carried = archive === undefined ? "" : `file_archive='${archive}'\n`;
  return `{\nscript_file=$0\nfile_ca='${quoted}'\n${carried}${nodeProgram(dryRun ? parts : changingParts)}}\n`;
}

/**
 * Writes the file into `node_modules/.cache` of the program, where the build of pause lies too. The engine keeps its hash in state,
 * not its content.
 */
export function nodeFile(brought: Brought = {}): NodeFile {
  const key = `${brought.archive ?? ""}\n${brought.dryRun ?? false}\n${brought.ca ?? ""}`;
  const known = written.get(key);
  if (known !== undefined && fs.existsSync(known.local)) return known;
  const text = scriptText(brought);
  const sum = hashOf(text);
  const folder = path.resolve("node_modules/.cache/pause-sandbox/node");
  const file = { local: path.join(folder, `${sum}.sh`), sum };
  fs.mkdirSync(folder, { recursive: true });
  // Two programs may write it at the same time.
  const draft = `${file.local}.${process.pid}`;
  fs.writeFileSync(draft, text);
  fs.renameSync(draft, file.local);
  written.set(key, file);
  return file;
}
