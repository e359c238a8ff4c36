/** Notes which versions of other software a run of the tests really used. tests/versions.ts makes docs/versions.md of the notes. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { KEPT, RAN } from "../runner/result";
import { currentTier } from "./tier";

/** One suite of tests that used a program. */
export interface Ran {
  /** A row of docs/versions.md. */
  what: string;
  version: string;
  /** The day, in UTC: `2026-11-29`. */
  date: string;
  result: "passed" | "failed";
  tier: string;
  /** The test's file, from the root of the tree. */
  test: string;
  /** The title of the `describe`. */
  suite: string;
}

/** The output of a program, which names its version. Fails unless the program succeeds. */
export function asked(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args.length > 0 ? args : ["--version"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} does not say its version: ${stderr}`);
  return `${stdout}${stderr}`;
}

/** The first number with a dot in what a program says of itself; else the first number. */
export function versionIn(said: string): string {
  const [version] = /\d+(\.\d+)+/.exec(said) ?? /\d+/.exec(said) ?? [];
  if (version === undefined) throw new Error(`no version in ${JSON.stringify(said.slice(0, 200))}`);
  return version;
}

/** The result of a suite by the states of its tests; none unless each of them ran. */
export function resultOf(states: readonly (string | undefined)[]): Ran["result"] | undefined {
  if (states.includes("failed")) return "failed";
  return states.length > 0 && states.every((state) => state === "passed") ? "passed" : undefined;
}

/**
 * Notes at the end of the `describe` that it stands in which version of a program the tests used, and mocha's result of them. Put it
 * ahead of an `after` that takes the program away.
 * @param what A row of the table in tests/versions.ts.
 * @param ask What the program itself says, once for each version.
 */
export function ran(what: string, ask: () => string | readonly string[] | Promise<string | readonly string[]>): void {
  after(async function () {
    const suite = this.test?.parent;
    const states: (string | undefined)[] = [];
    suite?.eachTest(({ state }) => states.push(state));
    const result = resultOf(states);
    if (suite?.file === undefined || result === undefined) return;
    // The fault of a failed suite may keep the program from answering. A hook that fails keeps later ones from tidying up.
    const said =
      result === "passed"
        ? await ask()
        : await Promise.resolve()
            .then(ask)
            .catch(() => []);
    const test = path.relative(path.join(__dirname, "../.."), suite.file);
    const note = { date: new Date().toISOString().slice(0, 10), result, tier: currentTier(), test };
    fs.mkdirSync(KEPT, { recursive: true });
    for (const version of new Set([said].flat().map(versionIn))) {
      const line: Ran = { what, version, ...note, suite: suite.fullTitle() };
      fs.appendFileSync(path.join(KEPT, RAN), `${JSON.stringify(line)}\n`);
    }
  });
}
