/** docs/versions.md against what ran, and how a run becomes a row there. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { OLDEST_CLI } from "../../components/engine";
import { ENDS } from "../../doctor/versions";
import { PULUMI_OLDEST } from "../../lab/toolchain/versions";
import { type Ran, resultOf, versionIn } from "../support/ran";
import { merged, PAGE, type Recorded, recorded, rendered, type Row, ROWS, table } from "../versions";

const cellsOf = (page: string): string[][] =>
  page.split("\n").map((line) => line.split("|").map((cell) => cell.trim().replace(/^-+$/, "-")));

const note = (changed: Partial<Ran>): Ran => ({
  ...{ what: "a", version: "1.0", date: "2026-11-29", result: "passed", tier: "all" },
  ...{ test: "tests/b/a.test.ts", suite: "with 1.0" },
  ...changed,
});

describe("docs/versions.md", () => {
  it("has the days on which the lines of containerd end as the doctor has them", () => {
    const page = fs.readFileSync("docs/versions.md", "utf8");
    const told = [...page.matchAll(/^\| containerd (\d\.\d) +\| (\S+) +\|/gm)].map(([, line, day]) => [line, day]);
    assert.deepEqual(told, ENDS);
  });
});

describe("docs/versions.md", () => {
  it("has the table that docs/versions.json and tests/versions.ts make (else make update)", () => {
    const page = fs.readFileSync(PAGE, "utf8");
    assert.deepEqual(cellsOf(page), cellsOf(rendered(page, table(ROWS, recorded()))));
  });

  it("says of each wanted version that did not run: not run; and shows no version that is not wanted", () => {
    const rows: Row[] = [{ what: "a", versions: ["1.10", "1.9"], remark: "why" }, { what: "b" }, { what: "c" }];
    const ran = { date: "2026-11-29", result: "passed", by: ["tests/b/a (all)"] } as const;
    const data: Recorded[] = [
      { ...ran, what: "a", version: "1.9", by: [...ran.by] },
      { ...ran, what: "a", version: "1.8", by: [...ran.by] },
      { ...ran, what: "c", version: "3", by: [...ran.by] },
    ];
    assert.deepEqual(table(rows, data), [
      ["a", "1.9", "passed", "2026-11-29", "tests/b/a (all)", "why"],
      ["a", "1.10", "not run", "", "", "why"],
      ["b", "", "not run", "", "", ""],
      ["c", "3", "passed", "2026-11-29", "tests/b/a (all)", ""],
    ]);
  });
});

describe("the oldest of Pulumi's CLI", () => {
  it("that make test-long runs is the one that the components ask for, and that the pages name", () => {
    assert.equal(PULUMI_OLDEST, OLDEST_CLI);
    for (const page of ["README.md", "docs/languages.md", "examples/python/README.md", "examples/yaml/README.md"]) {
      const text = fs.readFileSync(path.join(__dirname, "../..", page), "utf8");
      assert.equal(`${/Pulumi's CLI (\S+) or later/.exec(text)?.[1]}.0`, OLDEST_CLI, page);
    }
    assert.equal(/^\| Pulumi's CLI +\| (\S+) +\| error hooks/m.exec(fs.readFileSync(PAGE, "utf8"))?.[1], OLDEST_CLI);
  });
});

describe("the record of a run", () => {
  const rows: Row[] = [{ what: "a" }];
  const known: Recorded = { what: "a", version: "1.0", date: "2026-11-28", result: "passed", by: ["by hand"] };
  const TABLE: [string, Recorded[], Ran[], Partial<Recorded>][] = [
    ["takes the place of an older one", [known], [note({})], { date: "2026-11-29", by: ["tests/b/a (all)"] }],
    ["does not take the place of a newer one", [{ ...known, date: "2026-11-30" }], [note({})], { date: "2026-11-30" }],
    ["is failed if one suite failed", [], [note({ result: "failed" }), note({ suite: "other" })], { result: "failed" }],
    ["is passed if that suite passed later", [], [note({ result: "failed" }), note({})], { result: "passed" }],
    [
      "names each file of tests",
      [],
      [note({}), note({ test: "tests/b/b.test.ts", tier: "long" })],
      { by: ["tests/b/a (all)", "tests/b/b (long)"] },
    ],
  ];
  for (const [title, data, notes, expected] of TABLE) {
    it(title, () => {
      const [one, ...others] = merged(rows, data, notes);
      assert.deepEqual([{ ...one, ...expected }, others], [one, []]);
    });
  }

  it("keeps other versions, and drops those that no row wants any more", () => {
    const dropped = { ...known, what: "gone" };
    const versions = merged(rows, [known, dropped], [note({ version: "1.1" })]).map(({ version }) => version);
    assert.deepEqual(versions, ["1.0", "1.1"]);
  });

  it("is refused where the page has no row for it", () => {
    assert.throws(() => merged(rows, [], [note({ what: "b" })]), /tests\/versions\.ts has no row b/);
  });

  it("claims a suite as passed only if each of its tests ran", () => {
    assert.equal(resultOf(["passed", "passed"]), "passed");
    assert.equal(resultOf(["passed", "pending"]), undefined);
    assert.equal(resultOf(["passed", undefined]), undefined);
    assert.equal(resultOf(["passed", "failed", undefined]), "failed");
  });

  it("has the version that the program says, not a number in its name", () => {
    const said = [
      ["containerd github.com/containerd/containerd/v2 v2.4.2", "2.4.2"],
      ["containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6", "1.7.24"],
      ["go version go1.26.1 linux/amd64", "1.26.1"],
      ["2\n", "2"],
    ] as const;
    for (const [text, version] of said) assert.equal(versionIn(text), version);
    assert.throws(() => versionIn("not found"), /no version in "not found"/);
  });
});
