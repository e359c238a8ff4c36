/** The runner of the tests: its table of suites against the tree and CONTRIBUTING.md, its lanes, and the end of a run. */
import * as assert from "assert";
import * as fs from "fs";
import * as path from "path";

import { type Result, succeeded, told } from "../runner/result";
import { type Job, schedule } from "../runner/schedule";
import { SUITES } from "../runner/suites";
import { includes } from "../support/tier";

const root = path.join(__dirname, "../..");

const result = (changed: Partial<Result>): Result => ({
  ...{ suite: "tests/a", seconds: 1, passed: 1, failed: [], skipped: [], times: [] },
  ...changed,
});

describe("the table of suites", () => {
  it("has every folder with tests, once", () => {
    const folders = ["tests", "lab/tests"].flatMap((below) =>
      fs
        .readdirSync(path.join(root, below), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".test.ts") && !file.includes("node_modules"))
        .map((file) => path.join(below, path.dirname(file))),
    );
    const suites = SUITES.filter(({ command }) => command === undefined).map(({ name }) => name);
    assert.deepStrictEqual([...suites].sort(), [...new Set(folders)].sort());
  });

  it("lets make check run nothing that needs more than Node.js", () => {
    const narrow = SUITES.filter(({ tier }) => includes("check", tier));
    assert.ok(narrow.length > 3);
    assert.deepStrictEqual(
      narrow.filter(({ needs }) => needs !== "nothing"),
      [],
    );
  });

  describe("in CONTRIBUTING.md", () => {
    const page = path.join(root, "CONTRIBUTING.md");
    const HEAD = "| suite | from | needs | minutes | what it alone proves |\n| - | - | - | - | - |";
    /** The whole table, and its rows as cells. */
    function table(): { text: string; rows: string[][] } {
      const [text = ""] = /(?<=^## Suites\n[^|]*)^\|(.+\n)+/m.exec(fs.readFileSync(page, "utf8")) ?? [];
      const rows = text.split("\n").filter((line) => line.startsWith("| `"));
      return { text, rows: rows.map((row) => row.split("|").map((cell) => cell.trim())) };
    }
    before(() => {
      if (process.env.PAUSE_SANDBOX_GOLDEN !== "write") return;
      const { text, rows } = table();
      const minutes = new Map(rows.map(([, name, , , measured]) => [name, measured]));
      const now = SUITES.map(({ name, tier, needs, proves }) => {
        return `| \`${name}\` | \`${tier}\` | ${needs} | ${minutes.get(`\`${name}\``) ?? "?"} | ${proves} |`;
      });
      fs.writeFileSync(page, fs.readFileSync(page, "utf8").replace(text, `${[HEAD, ...now].join("\n")}\n`));
    });

    it("is the same, and has the minutes that each suite took (else make update)", () => {
      const { rows } = table();
      assert.deepStrictEqual(
        rows.map(([, name, tier, needs, , proves]) => [name, tier, needs, proves]),
        SUITES.map(({ name, tier, needs, proves }) => [`\`${name}\``, `\`${tier}\``, needs, proves]),
      );
      const unknown = rows.filter(([, , , , minutes = ""]) => !/^(\d+\.\d|hours|-)$/.test(minutes));
      assert.deepStrictEqual(
        unknown.map(([, name]) => name),
        [],
        "without minutes",
      );
    });
  });
});

describe("lanes", () => {
  /** Jobs that end when they are told to, and what happened to them. */
  function made(rows: readonly [name: string, alone?: string][]) {
    const events: string[] = [];
    const finish = new Map<string, () => void>();
    const jobs = rows.map(([name, alone]): Job => {
      const run = () => {
        events.push(`${name} starts`);
        return new Promise<void>((resolve) => finish.set(name, resolve)).then(() => void events.push(`${name} ends`));
      };
      return { alone, run };
    });
    const end = async (name: string) => {
      finish.get(name)?.();
      await new Promise(setImmediate);
    };
    return { events, jobs, end };
  }

  it("run as many jobs at once as there are lanes, and start the next one when one ends", async () => {
    const { events, jobs, end } = made([["a"], ["b"], ["c"]]);
    const run = schedule(jobs, 2);
    assert.deepStrictEqual(events, ["a starts", "b starts"]);
    await end("b");
    await end("c");
    await end("a");
    await run;
    assert.deepStrictEqual(events, ["a starts", "b starts", "b ends", "c starts", "c ends", "a ends"]);
  });

  it("run jobs that share something one by one, in their order, and others meanwhile", async () => {
    const { events, jobs, end } = made([["a", "lab"], ["b", "lab"], ["c"]]);
    const run = schedule(jobs, 2);
    assert.deepStrictEqual(events, ["a starts", "c starts"]);
    await end("c");
    assert.deepStrictEqual(events.slice(2), ["c ends"]);
    await end("a");
    await end("b");
    await run;
    assert.deepStrictEqual(events.slice(3), ["a ends", "b starts", "b ends"]);
  });

  it("fail with the job that fails", async () => {
    const broken: Job = { run: () => Promise.reject(new Error("no such program")) };
    await assert.rejects(schedule([broken], 2), /no such program/);
  });
});

describe("the end of a run", () => {
  it("has the counts over all suites alone on its last line", () => {
    const lines = told([result({ passed: 3 }), result({ passed: 4, failed: ["b: no"], skipped: ["c"] })]);
    assert.strictEqual(lines.at(-1), "7 passed, 1 failed, 1 skipped");
  });

  it("names each failure with its suite, and what the machine lacks", () => {
    const lines = told([result({ failed: ["b: 1 is not 2"] })], { lacking: ["shellcheck"] });
    assert.deepStrictEqual(lines.slice(-3), [
      "missing here: shellcheck",
      "failed: tests/a: b: 1 is not 2",
      "1 passed, 1 failed, 0 skipped",
    ]);
  });

  it("names the 15 slowest tests of all suites, the slowest first", () => {
    const times = Array.from({ length: 20 }, (_, i) => ({ name: `t${i}`, seconds: i }));
    const lines = told([result({ times }), result({ suite: "tests/b", times: [{ name: "slow", seconds: 30 }] })]);
    const at = lines.indexOf("slowest tests:");
    assert.deepStrictEqual(lines.slice(at + 1, at + 3), ["    30.0 s  tests/b: slow", "    19.0 s  tests/a: t19"]);
    assert.strictEqual(lines.indexOf("", at) - at - 1, 15);
  });

  it("names what was skipped where nothing may be", () => {
    const results = [result({ skipped: ["b"] })];
    assert.ok(told(results, { whole: true }).includes("left out: tests/a: b"));
    assert.ok(!told(results).includes("left out: tests/a: b"));
  });

  for (const [what, results, whole, expected] of [
    ["succeeds where all passed", [result({})], true, true],
    ["fails where one failed", [result({}), result({ failed: ["b"] })], false, false],
    ["fails where nothing ran", [], false, false],
    ["fails where nothing passed", [result({ passed: 0 })], false, false],
    ["succeeds where one was skipped", [result({ skipped: ["b"] })], false, true],
    ["fails where one was skipped and nothing may be", [result({ skipped: ["b"] })], true, false],
  ] as const) {
    it(what, () => {
      assert.strictEqual(succeeded(results, whole), expected);
    });
  }
});
