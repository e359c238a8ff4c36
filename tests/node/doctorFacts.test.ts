/** What the doctor's program derives on a node, by its own functions. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { shells } from "./script";
import { textOf } from "./functions";

describe("the doctor on a node", () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-facts-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });

  for (const [program = "", ...args] of shells) {
    it(`${program}: knows to a hundredth of a second when a unit was started`, () => {
      fs.writeFileSync(path.join(dir, "uptime"), "1000.99 1.00\n");
      const show = "systemctl() { printf 'ExecMainStartTimestampMonotonic=900009999\\nMainPID=7\\n'; }";
      const code = [
        textOf("lib/systemd"),
        "proc=$scratch nl='\n'",
        textOf("doctor/facts"),
        show,
        "started_seconds x",
      ].join("\n");
      const before = Date.now() / 1000;
      const { stdout, stderr } = spawnSync(program, [...args, "-euc", code], {
        ...{ encoding: "utf8", env: { ...process.env, scratch: dir } },
      });
      const after = Date.now() / 1000;
      assert.match(stdout, /^\d+\.\d\d$/, stderr);
      // The file system's clock ticks every few milliseconds.
      const began = Number(stdout) + 100.99;
      assert.ok(began > before - 0.05 && began < after + 0.02, `${before} ${began} ${after}`);
    });
  }
});
