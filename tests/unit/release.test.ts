import * as assert from "assert";

import { releaseProblems } from "../release";

const manifest = (version: string) => JSON.stringify({ version });

/** A checkout that can be released as 1.2.0, but for what is given. */
const problems = ({
  lab = "1.2.0",
  changelog = "## Unreleased\n\n## 1.2.0 (2026-11-25)\n\n- a\n",
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
      { changelog: "## Unreleased\n\n- b\n\n## 1.2.0 (2026-11-25)\n\n- a\n" },
      /Unrel/,
    ],
    ["the section is missing", { changelog: "## 1.1.0 (2026-11-24)\n\n- a\n" }, /no section "1\.2\.0 /],
    ["the section has no date", { changelog: "## 1.2.0\n\n- a\n" }, /no date$/],
    [
      "the section is empty",
      { changelog: "## 1.2.0 (2026-11-25)\n\n## 1.1.0 (2026-11-24)\n\n- a\n" },
      /nothing is under/,
    ],
  ] as const) {
    it(`says that ${what}`, () => {
      const found = problems(given);
      assert.strictEqual(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", says);
    });
  }
});
