/**
 * Lints node/*.sh as the one script that they are: `node --import tsx tests/lintNode.ts`.
 *
 * A part alone would hide what matters most: a variable that no part sets (SC2154), one that no part reads (SC2034). The text is
 * that of `make node-script` with its comments, since a line that needs an exception says so in one.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { doctorParts, parts } from "../components/node/program";

/** What ShellCheck says of one place. */
interface Finding {
  readonly line: number;
  readonly column: number;
  readonly level: string;
  readonly code: number;
  readonly message: string;
}

/** Every line that runs on a node, with the place it comes from. */
function lines(more: string, of: readonly string[]): { text: string; file: string; line: number }[] {
  const head = ["set -eu", "script_id=lint"].map((text, at) => ({
    text,
    file: "components/node/program.ts",
    line: at + 1,
  }));
  const rest = of.flatMap((part) => {
    const text = readFileSync(join(__dirname, "../node", `${part}.sh`), "utf8");
    return text.split("\n").map((one, at) => ({ text: one, file: `node/${part}.sh`, line: at + 1 }));
  });
  return [...head, ...rest, { text: more, file: "more", line: 1 }];
}

/**
 * What ShellCheck finds in the joined script, a line each; no configuration file can switch a check off.
 * @param more A line of shell behind the last one. Default: none.
 * @param of The parts of the program. Default: those of the script that nodes get.
 */
export function findings(more = "", of: readonly string[] = parts): string[] {
  const all = lines(more, of);
  const input = all.map(({ text }) => text).join("\n");
  const run = spawnSync("shellcheck", ["--norc", "-s", "sh", "-f", "json1", "-"], { input, encoding: "utf8" });
  if (run.status !== 0 && run.status !== 1) throw new Error(`shellcheck: ${run.error?.message ?? run.stderr}`);
  const { comments } = JSON.parse(run.stdout) as { comments: Finding[] };
  return comments.map(({ line, column, level, code, message }) => {
    const from = all[line - 1];
    return `${from?.file ?? "-"}:${from?.line ?? 0}:${column}: ${level}: ${message} [SC${code}]`;
  });
}

if (require.main === module) {
  // What the doctor borrows is used in full only by the script of the nodes, and is judged there.
  const doctor = findings("", doctorParts).filter((one) => one.startsWith("node/doctor/"));
  const found = [...findings(), ...doctor];
  for (const one of found) console.error(one);
  process.exitCode = found.length === 0 ? 0 : 1;
}
