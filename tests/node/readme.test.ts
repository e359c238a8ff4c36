/**
 * node/README.md says what an auditor needs; this compares its tables with the script, so that they cannot rot.
 * `make update` rewrites the table of globals, with the meanings that stand there.
 */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { parts } from "../../components/node/program";

const folder = path.join(__dirname, "../../node");
const readme = path.join(folder, "README.md");

/** A part without comments, and without the program in another language that it holds. */
function part(name: string): string {
  const text = fs.readFileSync(path.join(folder, `${name}.sh`), "utf8");
  return text
    .replace(/^(toml_program=)'[\s\S]*?^\}'$/m, "$1")
    .split("\n")
    .filter((line) => !line.trim().startsWith("#"))
    .join("\n");
}
const script = new Map(parts.map((name) => [name, part(name)]));
const all = [...script.values()].join("\n");

/** The cells of the table under a heading, without its header; code marks dropped. */
function table(heading: string): string[][] {
  const text = fs.readFileSync(readme, "utf8");
  const section = text.split(/^## /m).find((one) => one.startsWith(`${heading}\n`));
  assert.ok(section !== undefined, `no section ${heading}`);
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) => {
    const cells = row.slice(1, -1).replaceAll("\\|", "\0").split("|");
    return cells.map((cell) => cell.trim().replaceAll("\0", "|").replaceAll("`", ""));
  });
}
const column = (heading: string, at: number): string[] => table(heading).map((cells) => cells[at] ?? "");
const found = (pattern: RegExp, text = all): string[] => [...text.matchAll(pattern)].map(([, one = ""]) => one);
const unique = (list: string[]): string[] => [...new Set(list)].sort();

/** What one part sets and another reads: name → [set by, read by]. */
function globals(): Map<string, [string[], string[]]> {
  const set = new Map<string, Set<string>>();
  const read = new Map<string, Set<string>>();
  const note = (to: Map<string, Set<string>>, name: string, where: string): void => {
    to.set(name, (to.get(name) ?? new Set()).add(where));
  };
  for (const [name, text] of script) {
    for (const one of found(/(?:^|[\s;({&|])(?<!-v )([a-z_][a-z0-9_]*)=(?!=)/gm, text)) note(set, one, name);
    for (const one of found(/\bfor ([a-z_]+)\b/g, text)) note(set, one, name);
    for (const list of found(/\bread -r ([a-z_ ]+)/g, text)) for (const one of list.split(" ")) note(set, one, name);
    for (const one of found(/\$\{?([a-z_][a-z0-9_]*)/g, text)) note(read, one, name);
  }
  const shared = [...set].flatMap(([name, by]): [string, [string[], string[]]][] => {
    const readers = [...(read.get(name) ?? [])].filter((reader) => !by.has(reader));
    return readers.length === 0 ? [] : [[name, [[...by].sort(), readers.sort()]]];
  });
  return new Map(shared.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function writeGlobals(): void {
  const meanings = new Map(table("Globals").map(([name = "", meaning = ""]) => [name, meaning]));
  const rows = [...globals()].map(
    ([name, [by, readers]]) =>
      `| \`$${name}\` | ${meanings.get(`$${name}`) ?? "?"} | ${by.join(", ")} | ${readers.join(", ")} |`,
  );
  const lines = ["| global | what it is | set by | read by |", "| - | - | - | - |", ...rows];
  const text = fs.readFileSync(readme, "utf8");
  const now = /^## Globals\n[\s\S]*?^(\|[\s\S]*?)\n\n/m.exec(text)?.[1] ?? "";
  fs.writeFileSync(readme, text.replace(now, lines.join("\n")));
  spawnSync("npx", ["prettier", "--write", readme]);
}

describe("node/README.md", () => {
  before(() => {
    if (process.env.PAUSE_SANDBOX_GOLDEN === "write") writeGlobals();
  });

  it("lists the chapters in the order in which they are joined", () => {
    assert.deepEqual(
      column("Chapters", 0).flatMap((cell) => cell.split(", ")),
      parts,
    );
  });

  it("lists every path that is written, by the words with which the script asks for it", () => {
    const calls = found(/(?:^\s*|[;{] |do |\|\| )(?:want|want_ca|want_for \S+) ("[^"]+"|\/\S+)/gm);
    const asked = calls.map((call) => call.replaceAll('"', "")).filter((call) => !/^\$[@12(]/.test(call));
    const listed = column("Paths that are written", 1).filter((call) => call !== "");
    assert.deepEqual(unique(listed), unique(asked));
  });

  it("names every file of ours", () => {
    const text = column("Paths that are written", 0).join(" ");
    for (const name of unique(found(/([\w-]*\.?[\w-]*pause-sandbox[\w.-]*)/g)))
      if (!/check|XXX|^pause-sandbox\.$/.test(name)) assert.ok(text.includes(name), name);
  });

  it("lists the exit codes", () => {
    const codes = [...found(/\bfail=([0-9])/g), ...found(/^trap 'exit ([0-9]+)'/gm), "0"];
    assert.deepEqual(unique(column("Exit codes", 0)), unique(codes));
  });

  it("lists what each runtime has to answer, and each answers it", () => {
    const functions = unique(found(/"\$\{runtime\}_([a-z]+)"/g));
    const [header = []] = [
      fs
        .readFileSync(readme, "utf8")
        .match(/^\| function .*$/m)?.[0]
        .split("|") ?? [],
    ];
    const runtimes = header.slice(2, -1).map((cell) => cell.trim().replaceAll("`", ""));
    assert.deepEqual(unique(runtimes), unique(found(/runtime=([a-z_0-9]+)/g, script.get("detect"))));
    assert.deepEqual(
      unique(column("The interface of a runtime", 0).map((cell) => cell.slice(1).replace(/:.*/, ""))),
      functions,
    );
    for (const runtime of runtimes)
      for (const name of functions) assert.match(all, new RegExp(`^${runtime}_${name}\\(\\)`, "m"));
  });

  it("lists the settings by their names on the wire and in the shell", () => {
    const wire = [...(script.get("lib/settings") ?? "").matchAll(/^\s*'([a-z-]+)(?: '\*| ([01])')\) ([a-z_]+)=/gm)].map(
      ([, key = "", value, name = ""]) => `${key}${value === undefined ? "" : ` ${value}`} $${name}`,
    );
    assert.deepEqual(unique(table("Settings").map((cells) => `${cells[1]} ${cells[2]}`)), unique(wire));
  });

  it("lists the globals, who sets and who reads them (else make update)", () => {
    const rows = table("Globals");
    const expected = [...globals()].map(([name, [by, readers]]) => [`$${name}`, by.join(", "), readers.join(", ")]);
    assert.deepEqual(
      rows.map(([name, , by, readers]) => [name, by, readers]),
      expected,
    );
    assert.deepEqual(
      rows.filter(([, meaning]) => meaning === "?" || meaning === "").map(([name]) => name),
      [],
      "without a meaning",
    );
  });
});
