/** What an auditor relies on when reading node/*.sh: that lint sees everything, and that the comment over a function is true. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { findings } from "../../node/lint";
import { parts } from "../../node/pack";

const folder = path.join(__dirname, "../../node");
const text = (part: string): string => fs.readFileSync(path.join(folder, `${part}.sh`), "utf8");

describe("lint of node/*.sh", () => {
  it("a part has no exception for the whole file, and a line's exception says why", () => {
    for (const part of parts) {
      const [first = "", ...rest] = text(part).split("\n");
      assert.equal(first, "# shellcheck shell=sh", part);
      const head = rest.slice(
        0,
        rest.findIndex((line) => line !== "" && !line.startsWith("#")),
      );
      assert.deepEqual(
        head.filter((line) => line.startsWith("# shellcheck") && parts[0] === part),
        [],
        part,
      );
      for (const line of rest)
        if (line.includes("# shellcheck")) assert.match(line, /^ *# shellcheck disable=SC\d+(,SC\d+)* # \S/, part);
    }
  });

  it("lint refuses a variable that no part sets, and one that no part reads", function () {
    this.timeout(60_000);
    assert.match(findings('try_it() { printf %s "$nobody_sets"; }').join("\n"), /nobody_sets .*\[SC2154\]$/);
    assert.match(findings("try_it() { nobody_reads=1; }").join("\n"), /nobody_reads .*\[SC2034\]$/);
  });
});
