import * as fs from "node:fs";
import { type MochaOptions, reporters, type Runner } from "mocha";

/** mocha's spec reporter, which also writes the counts to the file `COUNTS_FILE` names, for the sum over all suites. */
export = class CountingReporter extends reporters.Spec {
  constructor(runner: Runner, options?: MochaOptions) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      const file = process.env.COUNTS_FILE;
      if (file) fs.writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};
