import * as fs from "node:fs";
import { type MochaOptions, reporters, type Runner } from "mocha";

/**
 * mocha's spec reporter, which also writes counts and the names of failed tests to the file `COUNTS_FILE` names, for the sum over
 * all suites.
 */
export = class CountingReporter extends reporters.Spec {
  constructor(runner: Runner, options?: MochaOptions) {
    super(runner, options);
    const failed: string[] = [];
    runner.on("fail", (test, error: unknown) => {
      // What comes from another process has the fields of an error, and is none.
      const { message = String(error) } = (error ?? {}) as { message?: string };
      // On one line and with what was seen, which assertions tell last: at the end of a long run it may be all that is kept.
      failed.push(`${test.fullTitle()}: ${message.replace(/\s+/g, " ").slice(0, 1000)}`);
    });
    runner.once("end", () => {
      const { passes, pending } = this.stats;
      const file = process.env.COUNTS_FILE;
      if (file) fs.writeFileSync(file, JSON.stringify({ passed: passes, failed, skipped: pending }));
    });
  }
};
