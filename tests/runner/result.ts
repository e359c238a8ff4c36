/** What a suite leaves, and what a run says of all of them at its end. */
import * as path from "node:path";

/** Where a run leaves each suite's output, the time of each test, and {@link RAN}. Not in git, and not in the package. */
export const KEPT = path.join(__dirname, "../../node_modules/.cache/pause-sandbox-tests");

/** The file there with the versions of other software that tests used, a JSON object a line. */
export const RAN = "versions.jsonl";

/** What the reporter, or a suite without mocha, writes into the file that `COUNTS_FILE` names. */
export interface Counts {
  passed: number;
  /** Names of tests, with what went wrong. */
  failed: string[];
  /** Names of tests. */
  skipped: string[];
  /** Each test and hook that ran. */
  times: Time[];
}

export interface Time {
  name: string;
  seconds: number;
}

export interface Result extends Counts {
  suite: string;
  seconds: number;
}

/** So many tests are named as the slowest. */
const SLOWEST = 15;

export function slowest(results: readonly Result[]): Time[] {
  const all = results.flatMap(({ suite, times }) => times.map((time) => ({ ...time, name: `${suite}: ${time.name}` })));
  return all.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
}

const line = ({ name, seconds }: Time): string => `${seconds.toFixed(1).padStart(8)} s  ${name}`;

interface Told {
  /** What this machine lacks, each with what was not tried without it. */
  readonly lacking?: readonly string[];
  /** Whether a skipped test fails the run. */
  readonly whole?: boolean;
}

/** The end of a run, a line each. The last one has the counts alone. */
export function told(results: readonly Result[], { lacking = [], whole = false }: Told = {}): string[] {
  const failed = results.flatMap(({ suite, failed: names }) => names.map((name) => `${suite}: ${name}`));
  const skipped = results.flatMap(({ suite, skipped: names }) => names.map((name) => `${suite}: ${name}`));
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const suites = [...results].sort((a, b) => b.seconds - a.seconds);
  return [
    ...["", "suites:", ...suites.map(({ suite: name, seconds }) => line({ name, seconds }))],
    ...["", "slowest tests:", ...slowest(results).map(line), ""],
    ...lacking.map((what) => `missing here: ${what}`),
    ...(whole ? skipped.map((name) => `left out: ${name}`) : []),
    // Once more at the end: between here and the place where one failed are thousands of lines.
    ...failed.map((name) => `failed: ${name}`),
    `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ];
}

/** Whether a run succeeded: something passed, nothing failed, and in a `whole` run nothing was skipped. */
export const succeeded = (results: readonly Result[], whole = false): boolean =>
  results.some(({ passed }) => passed > 0) &&
  results.every(({ failed, skipped }) => failed.length === 0 && !(whole && skipped.length > 0));
