/** The commands that pages tell people to type. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { doctorCommand } from "../../cli/doctor";
import { declared } from "../support/stackFiles";

const root = path.join(__dirname, "../..");
const pages = [
  "README.md",
  "SECURITY.md",
  ...fs
    .readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => path.join("docs", file)),
];
const read = (page: string) => fs.readFileSync(path.join(root, page), "utf8");

/** What a pattern's first group finds on all pages, with the page. */
const found = (pattern: RegExp) =>
  pages.flatMap((page) => [...read(page).matchAll(pattern)].map(([, text = ""]) => ({ page, text })));

describe("Commands that people are told to type", () => {
  it("set only what Pulumi.yaml declares", () => {
    const settings = found(/pulumi config (?:set|rm)(?: --secret)? (\w+)/g);
    assert.ok(settings.length > 5, "pages have such commands");
    const known = Object.keys(declared());
    assert.deepEqual(
      settings.filter(({ text }) => !known.includes(text)),
      [],
    );
  });

  it("give the doctor only options that it takes", () => {
    const calls = found(/(?:pause-sandbox|cli\/main\.ts) doctor ([^\n|>`]*)/g);
    assert.ok(calls.length > 5, "pages have such commands");
    const known = doctorCommand().options.flatMap(({ short, long }) => [short, long]);
    const used = calls.flatMap(({ page, text }) =>
      text.split(/\s+/).flatMap((word) => (word.startsWith("-") ? [{ page, word }] : [])),
    );
    assert.deepEqual(
      used.filter(({ word }) => !known.includes(word)),
      [],
    );
  });
});
