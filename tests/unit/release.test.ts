import * as assert from "assert";
import * as fs from "fs";
import * as path from "path";

import { releaseProblems } from "../release";

const manifest = (version: string) => JSON.stringify({ version });

/** A checkout that can be released as 1.2.0, but for what is given. */
const problems = ({
  lab = "1.2.0",
  changelog = "## Unreleased\n\n## 1.2.0 - 2026-11-25\n\n- a\n",
  tarball = "1.2.0",
}) =>
  releaseProblems(
    [
      { name: "package.json", text: manifest("1.2.0") },
      { name: "lab/package.json", text: manifest(lab) },
    ],
    `# Changelog\n\n${changelog}`,
    [{ name: "README.md", text: `npm install "$PWD/pause-sandbox-${tarball}.tgz"` }],
  );

describe("the check of a release", () => {
  it("finds nothing where every place has the version and the changelog has its section", () => {
    assert.deepStrictEqual(problems({}), []);
  });

  for (const [what, given, says] of [
    ["a manifest has another version", { lab: "1.1.0" }, /^lab\/package\.json: version 1\.1\.0 .* 1\.2\.0$/],
    ["a page names another tarball", { tarball: "1.1.0" }, /^README\.md: names the tarball of 1\.1\.0$/],
    [
      "lines are left under Unreleased",
      { changelog: "## Unreleased\n\n- b\n\n## 1.2.0 - 2026-11-25\n\n- a\n" },
      /Unrel/,
    ],
    ["the section is missing", { changelog: "## 1.1.0 - 2026-11-24\n\n- a\n" }, /no section "1\.2\.0 /],
    ["the section has no date", { changelog: "## 1.2.0\n\n- a\n" }, /no date$/],
    [
      "the section is empty",
      { changelog: "## 1.2.0 - 2026-11-25\n\n### Added\n\n## 1.1.0 - 2026-11-24\n\n- a\n" },
      /nothing is under/,
    ],
    ["the date has another form", { changelog: "## 1.2.0 (2026-11-25)\n\n- a\n" }, /no date$/],
  ] as const) {
    it(`says that ${what}`, () => {
      const found = problems(given);
      assert.strictEqual(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", says);
    });
  }
});

describe("the changelog", () => {
  const changelog = fs.readFileSync(path.join(__dirname, "../../CHANGELOG.md"), "utf8");
  const [, ...versions] = changelog.split(/^## /m);

  it("starts with what is unreleased, and dates every version", () => {
    const [first, ...others] = versions.map((section) => section.split("\n")[0]);
    assert.strictEqual(first, "Unreleased");
    for (const title of others) assert.match(title ?? "", /^\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d$/);
  });

  it("has every line under a kind of change", () => {
    const KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
    for (const version of versions) {
      const [before = "", ...parts] = version.split(/^### /m);
      assert.doesNotMatch(before, /^- /m);
      const kinds = parts.map((part) => part.split("\n")[0] ?? "");
      assert.deepStrictEqual(
        kinds.filter((kind, i) => !KINDS.includes(kind) || kinds.indexOf(kind) !== i),
        [],
      );
    }
  });
});
