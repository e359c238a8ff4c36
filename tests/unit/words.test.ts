/** The words of the documentation: plain English, for people who learned it. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

const root = path.join(__dirname, "../..");

/** Words that have to be read twice, and the usual ones. */
const WORDS: readonly (readonly [string, string])[] = [
  ["made anew", "recreated"],
  ["for want of", "because … is missing"],
  ["held against", "tested with"],
  ["made-up", "simulated"],
  ["made up", "simulated, or chosen"],
  ["asks nothing of", "does not connect to"],
  ["good for nothing", "useless"],
  ["an URL", "a URL"],
  ["whereof", "of which"],
  ["thereof", "of it"],
];

/** Every page of README, docs, CONTRIBUTING and SECURITY. */
function pages(): string[] {
  const docs = fs.readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" });
  const below = docs.filter((name) => name.endsWith(".md")).map((name) => path.join("docs", name));
  return ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...below].sort();
}

const read = (page: string): string => fs.readFileSync(path.join(root, page), "utf8");

/** Links of a page to files of this project, without their anchors. */
function links(page: string): string[] {
  return [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)\s]*)?\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

describe("The documentation", () => {
  for (const [word, usual] of WORDS) {
    it(`says "${usual}", not "${word}"`, () => {
      const said = new RegExp(`\\b${word.replace(/ /g, "\\s+")}\\b`, "i");
      assert.deepEqual(
        pages().filter((page) => said.test(read(page))),
        [],
      );
    });
  }

  it("links only to files that are there", () => {
    const dead = pages().flatMap((page) =>
      links(page)
        .filter((target) => !fs.existsSync(path.join(root, path.dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    assert.deepEqual(dead, []);
  });
});
