import * as fs from "node:fs";
import { type Hook, type MochaOptions, reporters, type Runner, type Test } from "mocha";

import type { Counts } from "./runner/result";

/** mocha's spec reporter, which also writes a suite's `Counts` to the file `COUNTS_FILE` names, for the sum over all suites. */
export = class CountingReporter extends reporters.Spec {
  constructor(runner: Runner, options?: MochaOptions) {
    super(runner, options);
    const counts: Counts = { passed: 0, failed: [], skipped: [], times: [] };
    const time = (test: Test | Hook): void => {
      counts.times.push({ name: test.fullTitle(), seconds: (test.duration ?? 0) / 1000 });
    };
    runner.on("pass", time);
    runner.on("hook end", time);
    runner.on("pending", (test) => counts.skipped.push(test.fullTitle()));
    runner.on("fail", (test, error: unknown) => {
      time(test);
      // What comes from another process has the fields of an error, and is none.
      const { message = String(error) } = (error ?? {}) as { message?: string };
      // On one line and with what was seen, which assertions tell last: at the end of a long run it may be all that is kept.
      counts.failed.push(`${test.fullTitle()}: ${message.replace(/\s+/g, " ").slice(0, 1000)}`);
    });
    runner.once("end", () => {
      counts.passed = this.stats.passes;
      const file = process.env.COUNTS_FILE;
      if (file) fs.writeFileSync(file, JSON.stringify(counts));
    });
  }
};
