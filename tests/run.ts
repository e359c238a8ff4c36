/**
 * Runs the suites in the folders named on the command line (default: all), each in a process of its own, since mocks and the real engine
 * cannot share one, and ends with `N passed, N failed, N skipped` over all of them.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** In the order in which a mistake is cheapest to learn of. */
const SUITES = [
  ...[
    "tests/unit",
    "tests/unit/package",
    "tests/docs",
    "tests/image/pause",
    "lab/tests/toolchain",
    "lab/tests/cluster",
    "tests/sdks",
    "tests/doctor",
    "tests/node",
  ],
  ...["lab/tests/contract", "tests/image/push", "tests/image/handmade"],
  ...[
    "tests/rollout",
    "tests/system/nodes",
    "tests/system/doctor",
    "tests/system/cases",
    "tests/system/faults",
    "tests/system/e2e",
  ],
];

/** Suites whose files share nothing, and that use the processor rather than wait: one file for each core. */
const PARALLEL = ["tests/node"];

interface Counts {
  passed: number;
  /** Names of tests, or of what ended without a result. */
  failed: string[];
  skipped: number;
}

/** Suites run `make` as people do, not as a part of the `make test` that runs them: it would say so on stdout. */
const outside = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^MAKE(FLAGS|LEVEL)$/.test(name)));

function runSuite(suite: string, countsFile: string): Counts {
  process.stdout.write(`\n# ${suite}\n`);
  const started = Date.now();
  const jobs = PARALLEL.includes(suite) ? ["--parallel", "--jobs", String(os.availableParallelism())] : [];
  const mocha = ["mocha", ...jobs, "--reporter", "tests/reporter.ts", `${suite}/*.test.ts`];
  const { status } = spawnSync("npx", mocha, { stdio: "inherit", env: { ...outside, COUNTS_FILE: countsFile } });
  process.stdout.write(`# ${suite} took ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
  // A suite that died before its end has no counts; it must not pass for one without failures.
  if (!fs.existsSync(countsFile)) {
    return { passed: 0, failed: [`${suite} ended without its counts`], skipped: 0 };
  }
  const counts = JSON.parse(fs.readFileSync(countsFile, "utf8")) as Counts;
  fs.rmSync(countsFile);
  const named = { ...counts, failed: counts.failed.map((name) => `${suite}: ${name}`) };
  if (status === 0 || named.failed.length > 0) return named;
  return { ...named, failed: [`${suite} ended with ${status}`] };
}

function main(folders: string[]): void {
  const below = (folder: string) => SUITES.filter((suite) => suite === folder || suite.startsWith(`${folder}/`));
  const unknown = folders.filter((folder) => below(folder).length === 0);
  if (unknown.length > 0) throw new Error(`no suites in ${unknown.join(", ")}; there are ${SUITES.join(", ")}`);
  const suites = folders.length > 0 ? [...new Set(folders.flatMap(below))] : SUITES;
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-tests-"));
  const sum: Counts = { passed: 0, failed: [], skipped: 0 };
  for (const suite of suites) {
    const counts = runSuite(suite, path.join(temporary, suite.replaceAll("/", "-")));
    sum.passed += counts.passed;
    sum.failed.push(...counts.failed);
    sum.skipped += counts.skipped;
  }
  fs.rmSync(temporary, { recursive: true });
  // Once more at the end: between here and the place where one failed are thousands of lines.
  for (const name of sum.failed) process.stdout.write(`\nfailed: ${name}`);
  process.stdout.write(`\n${sum.passed} passed, ${sum.failed.length} failed, ${sum.skipped} skipped\n`);
  process.exitCode = sum.failed.length === 0 && sum.passed > 0 ? 0 : 1;
}

main(process.argv.slice(2));
