/** The words of everything that people read: plain English, for people who learned it. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

const root = path.join(__dirname, "../..");
const own = path.relative(root, __filename);

/** Words that have to be read twice, and the usual ones. */
const WORDS: readonly (readonly [string, RegExp])[] = [
  ["recreated, or again", /\banew\b/],
  ["because … is missing", /\bfor want of\b/],
  ["tested with", /\bheld against\b/],
  ["simulated, or chosen", /\bmade[- ]up\b/],
  ["does not connect to", /\basks nothing of\b/],
  ["useless", /\bgood for nothing\b/],
  ["not trusted", /\bnobody vouches\b|\bvouch(ed)? for\b/],
  ["without success", /\bin vain\b/],
  ["a URL", /\ban URL\b/],
  ["of which, of it", /\b(where|there)of\b/],
  ["at this, by this", /\bhere(upon|with|unto)\b|\bwhereupon\b/],
  ["so that … not", /\blest\b/],
  // "one command a node"
  [
    "per node",
    /\b(one|once|(one|an?|\d+( [kM]?B| m?s)?) [a-z]+) an? (node|platform|line|file|run|registry|suite|cluster|process)\b/,
  ],
];

/** Whatever is read by people: pages, sources with their comments and messages, settings. */
const KINDS = /(\.(md|ts|sh|c|h|yaml)|(^|\/)(Makefile|Dockerfile))$/;

/** What is installed or made, and configurations of other people. */
const SKIPPED = new Set([".git", "data", "dist", "dist-docs", "node_modules"]);

/** Files of this project, as paths from its root. */
function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !SKIPPED.has(name))
    .flatMap((entry) => {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(name);
      return entry.isFile() ? [name] : [];
    })
    .sort();
}

const files = filesBelow("");
const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8");
const pages = files.filter((file) => file.endsWith(".md"));
/** Links of a page to files of this project, without their anchors. */
function links(page: string): string[] {
  return [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)\s]*)?\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

describe("What people read", () => {
  for (const [usual, word] of WORDS) {
    it(`says "${usual}", and nowhere ${word.source}`, () => {
      const said = files.filter((file) => file !== own && KINDS.test(file) && new RegExp(word, "i").test(read(file)));
      assert.deepEqual(said, []);
    });
  }

  it("links only to files that are there", () => {
    const dead = pages.flatMap((page) =>
      links(page)
        .filter((target) => !fs.existsSync(path.join(root, path.dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    assert.deepEqual(dead, []);
  });
});
