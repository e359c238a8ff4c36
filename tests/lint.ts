/** `make lint`: types, style, format and shell. All tools run at once, and what each finds is shown. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import type { Counts } from "./runner/result";
import { needs } from "./support/needs";
import { messageOf } from "../components/errors";

const ROOT = path.join(__dirname, "..");
const BIN = "node_modules/.bin";
const CACHE = "node_modules/.cache";

/** What tsc knows of the last run. It compares the content of each file, so it finds what a whole run finds. */
const typesOf = (project: string, name: string): string[] => {
  const known = `${CACHE}/tsc/${name}.tsbuildinfo`;
  return [`${BIN}/tsc`, "--noEmit", "--incremental", "--tsBuildInfoFile", known, "-p", project];
};

/**
 * prettier looks at a file alone, so a file that has not changed needs no second look. ESLint gets no cache: its rules read types, and
 * a change of one file can be a mistake in another.
 */
const FORMAT = ["--check", "--log-level", "warn", "--cache", "--cache-strategy", "content"];

const TOOLS: Record<string, readonly string[]> = {
  eslint: [`${BIN}/eslint`, "."],
  types: typesOf(".", "all"),
  "types of the site": typesOf("docs/site", "site"),
  format: [`${BIN}/prettier`, ...FORMAT, "--cache-location", `${CACHE}/prettier/all`, "."],
  shellcheck: ["lab/lint-shell.sh"],
};

interface Ended {
  name: string;
  failed: boolean;
  seconds: number;
}

function run(name: string, [program = "", ...args]: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (status) => {
      if (status !== 0) process.stdout.write(`${name}: ended with ${String(status)}\n`);
      process.stdout.write(Buffer.concat(chunks));
      resolve({ name, failed: status !== 0, seconds: (Date.now() - started) / 1000 });
    });
  });
}

async function main(): Promise<void> {
  const skipped = needs("shellcheck") ? [] : ["shellcheck"];
  const wanted = Object.entries(TOOLS).filter(([name]) => !skipped.includes(name));
  const ended = await Promise.all(wanted.map(([name, command]) => run(name, command)));
  const failed = ended.filter((tool) => tool.failed).map(({ name }) => `${name} finds something: see its output`);
  const counts: Counts = { passed: ended.length - failed.length, failed, skipped, times: ended };
  if (process.env.COUNTS_FILE) fs.writeFileSync(process.env.COUNTS_FILE, JSON.stringify(counts));
  if (failed.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
});
