import assert from "node:assert/strict";
import { median, type Pair } from "../../../lab/bench/pauseFigures";
import { broken, render } from "../../../lab/bench/pauseTable";
import { parseFigure } from "../../support/pause/running";

describe("the bench of pause", () => {
  it("prints a table that docs can quote: figures with their ratio, or why there are none", () => {
    const lines = render([
      { figure: "file", pair: { own: 880, upstream: 690_920 } },
      { figure: "page tables", pair: { own: 32, upstream: 36 }, unit: "kB" },
      { figure: "instructions", pair: { skipped: "counted on amd64 only" }, unit: "" },
    ]).split("\n");
    assert.deepEqual(
      lines.map((line) => line.replace(/ +/g, " ")),
      [
        "| | own | upstream's | |",
        "| --- | --: | --: | --- |",
        "| file | 880 B | 690,920 B | 1/785 |",
        "| page tables | 32 kB | 36 kB | 1/1.13 |",
        "| instructions | – | – | skipped: counted on amd64 only |",
      ],
    );
  });

  const file: Pair = { own: 1000, upstream: 690_920 };
  const rss: Pair = { own: 16, upstream: 640 };
  it("is content at the limits", () => {
    assert.deepEqual(broken(file, rss), []);
  });
  const breaches: [string, Pair, Pair, RegExp][] = [
    ["a file that is larger", { own: 1001 }, rss, /^the file for amd64 is 1001, and may be 1000 bytes$/],
    ["a file that nobody measured", {}, rss, /not measured/],
    [
      "more memory",
      file,
      { own: 17, upstream: 679 },
      /^RSS is 17 kB, and may be 1\/40 of upstream's, which is 679 kB$/,
    ],
    ["memory that nobody measured", file, { own: 16 }, /not measured/],
  ];
  for (const [what, ofFile, ofMemory, why] of breaches) {
    it(`says which limit is broken by ${what}`, () => {
      const [line, ...others] = broken(ofFile, ofMemory);
      assert.match(line ?? "", why);
      assert.deepEqual(others, []);
    });
  }

  it("takes the median, and has none of nothing", () => {
    assert.deepEqual([median([9, 1, 2]), median([])], [2, undefined]);
  });

  it("takes nothing for a figure that is none", () => {
    assert.equal(parseFigure("shim", /^shim (\d+)$/m, "sandbox 4\nshim 25\n"), 25);
    assert.throws(() => parseFigure("shim", /^shim (\d+)$/m, "shim \n"), /no figure for shim: "shim \\n"/);
  });
});
