/** What a test needs of the machine beside Node.js. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { atLeast } from "./tier";

const GET = path.join(__dirname, "../../lab/toolchain/get");

/** Asked once: a test file may ask for each of its rows. */
const known = new Map<string, boolean>();

/** Whether the machine has a program, or a tool of lab/toolchain such as `crio`. Nothing is fetched or built. */
function has(tool: string): boolean {
  const found =
    spawnSync("sh", ["-c", 'command -v "$1"', "sh", tool]).status === 0 ||
    spawnSync(GET, ["--have", tool]).status === 0;
  known.set(tool, found);
  return found;
}

/**
 * Says whether a test can run: `(needs("crio") ? it : it.skip)("reads drop-ins", …)`. Only `make check` takes a machine as it
 * is, and names at its end what is missing. Elsewhere the answer is always yes: what is missing is fetched, or fails the test.
 */
export function needs(...tools: string[]): boolean {
  if (atLeast("test")) return true;
  const missing = tools.filter((tool) => !(known.get(tool) ?? has(tool)));
  const file = process.env.LACKING_FILE;
  if (file) for (const tool of missing) fs.appendFileSync(file, `${tool}\n`);
  return missing.length === 0;
}
