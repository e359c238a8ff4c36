/** docs/findings.md beside the code, the causes that are made on nodes, and the errors that are recorded. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { CAUSES } from "../system/doctor/causes";
import { KUBELET_ERRORS, SANDBOX_ERRORS } from "./recordedErrors";

const root = path.join(__dirname, "../..");
const PAGE = path.join(root, "docs/findings.md");
const LAB = "a node of the lab";

/** The findings that the code has: each code with the kinds that are no templates. */
function findings(): Map<string, string[]> {
  const files = fs.readdirSync(path.join(root, "doctor"), { recursive: true, encoding: "utf8" });
  const sources = files.filter((file) => file.endsWith(".ts"));
  const text = sources.map((file) => fs.readFileSync(path.join(root, "doctor", file), "utf8")).join("\n");
  const found = new Map<string, string[]>();
  for (const [, code = "", kind] of text.matchAll(/code: "(PS-D\d+)",\s+(?:kind: "([^"]+)")?/g)) {
    found.set(code, [...(found.get(code) ?? []), ...(kind === undefined ? [] : [kind])]);
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)));
}

const list = (texts: readonly string[]): string => [...new Set(texts)].join("; ");

/** What is made on a node, and the sources of the texts, by code. */
function proofOf(code: string): [made: string, recorded: string] {
  const made = CAUSES.filter((cause) => cause.code === code).map(({ what }) => what);
  const errors = [...SANDBOX_ERRORS, ...KUBELET_ERRORS.map((one) => ({ ...one, code: "PS-D019" }))];
  const sources = errors.filter((one) => one.code === code && one.from !== LAB).map(({ from }) => from);
  return [list(made), list(sources)];
}

const rows = (page: string): string[][] =>
  [...page.matchAll(/^\| \[(PS-D\d+)\]\(#(ps-d\d+)\) +\|(.*)\|$/gm)].map(([, code = "", link = "", rest = ""]) => [
    code,
    link,
    ...rest.split("|").map((cell) => cell.trim()),
  ]);

describe("the page of the findings", () => {
  const codes = [...findings().keys()];

  it("has the causes that are made on nodes, and the sources of the texts, as make update writes them", () => {
    const page = fs.readFileSync(PAGE, "utf8");
    if (process.env.PAUSE_SANDBOX_GOLDEN === "write") {
      const told = page.replace(/^\| \[(PS-D\d+)\].*$/gm, (row: string, code: string) =>
        [...row.split("|").slice(0, 5), ...proofOf(code).map((cell) => ` ${cell} `), ""].join("|"),
      );
      fs.writeFileSync(PAGE, told);
      return;
    }
    for (const [code = "", , , , , made, recorded] of rows(page))
      assert.deepEqual([made, recorded], proofOf(code), code);
  });

  it("has a section and a row for each code, and no other", () => {
    const page = fs.readFileSync(PAGE, "utf8");
    assert.ok(codes.length > 20);
    const sections = [...page.matchAll(/^## (PS-D\d+)$/gm)].map(([, code]) => code);
    assert.deepEqual(sections, codes);
    assert.deepEqual(
      rows(page).map(([code, link]) => [code, link]),
      codes.map((code) => [code, code.toLowerCase()]),
    );
  });

  it("calls each cause as the code does", () => {
    const kinds = findings();
    for (const [code = "", , cause = ""] of rows(fs.readFileSync(PAGE, "utf8"))) {
      const known = kinds.get(code) ?? [];
      if (known.length > 0) assert.ok(known.includes(cause), `${code} is ${known.join(", ")}`);
    }
  });

  it("names every code that is made on a node, and at least 25 causes that their remedy heals", () => {
    for (const { code, what } of CAUSES) assert.ok(codes.includes(code), what);
    const healed = CAUSES.filter(({ remedy, heals }) => remedy !== undefined || heals !== undefined);
    assert.ok(healed.length >= 25, String(healed.length));
  });
});
