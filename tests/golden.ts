/**
 * `golden.ts update` writes every file again that is made from other files and compared with them by a test. `golden.ts verify` says
 * which of them are old, and leaves them as they are.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const ROOT = path.join(__dirname, "..");

interface Writer {
  readonly files: readonly string[];
  /** Arguments for Node.js. */
  readonly command: readonly string[];
}

/** The tests of a file whose names say that this target writes what they compare. */
const test = (file: string): string[] => ["node_modules/.bin/mocha", "--grep", "make update", file];

/** In an order in which none reads what a later one writes. */
const WRITERS: readonly Writer[] = [
  { files: ["CONTRIBUTING.md"], command: test("tests/unit/runner.test.ts") },
  { files: ["docs/findings.md"], command: test("tests/doctor/findings.test.ts") },
  { files: ["docs/versions.md"], command: ["--import", "tsx", "tests/versions.ts"] },
  { files: ["tests/unit/schema.json"], command: test("tests/unit/schema.test.ts") },
  {
    files: ["tests/unit/package/files.txt", "tests/unit/package/api.txt"],
    command: test("tests/unit/package/package.test.ts"),
  },
];

/** Writes the files. @returns what went wrong, a line each */
function write({ files, command }: Writer): string[] {
  const env = { ...process.env, PAUSE_SANDBOX_GOLDEN: "write" };
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, env, encoding: "utf8" });
  const format = ["node_modules/.bin/prettier", "--write", "--ignore-unknown", "--log-level", "error", ...files];
  spawnSync(process.execPath, format, { cwd: ROOT, stdio: "inherit" });
  return status === 0 ? [] : [`${files.join(", ")} cannot be written:\n${stdout}${stderr}`];
}

/** @returns how many files are old, or could not be written */
function run(verb: "update" | "verify", writer: Writer): number {
  const before = writer.files.map((file) => ({
    file: path.join(ROOT, file),
    bytes: fs.readFileSync(path.join(ROOT, file)),
  }));
  const wrong = write(writer);
  const old = before.filter(({ file, bytes }) => !fs.readFileSync(file).equals(bytes));
  if (verb === "verify") for (const { file, bytes } of old) fs.writeFileSync(file, bytes);
  for (const { file } of old)
    process.stdout.write(`${verb === "update" ? "written" : "old"}: ${path.relative(ROOT, file)}\n`);
  for (const text of wrong) process.stderr.write(text);
  return wrong.length + (verb === "verify" ? old.length : 0);
}

const [, , verb] = process.argv;
if (verb !== "update" && verb !== "verify") throw new Error("usage: golden.ts update|verify");
const bad = WRITERS.reduce((sum, writer) => sum + run(verb, writer), 0);
if (bad > 0) process.exitCode = 1;
