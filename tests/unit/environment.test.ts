/** docs/environment.md against the sources: every variable that they read, and who reads it. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

const root = path.join(__dirname, "../..");
const PLACES = [
  ".ci",
  "Makefile",
  "cli",
  "components",
  "doctor",
  "image",
  "index.ts",
  "lab",
  "node",
  "plugin",
  "docs/site",
  "tests",
];

/** What a shell knows by itself. */
const BUILTIN = new Set([
  "BASHPID",
  "BASH_SOURCE",
  "FUNCNAME",
  "IFS",
  "LINENO",
  "OPTARG",
  "OPTIND",
  "PPID",
  "PWD",
  "SECONDS",
]);

/** Files below a place, as paths from the root. Nothing that was installed or made. */
function files(place: string): string[] {
  const full = path.join(root, place);
  if (fs.statSync(full).isFile()) return [place];
  return fs
    .readdirSync(full, { withFileTypes: true })
    .filter(({ name }) => name !== "node_modules" && name !== "data")
    .flatMap(({ name }) => files(path.join(place, name)));
}

const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8");
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = ""]) => name);

function readByTypeScript(text: string): string[] {
  const taken = all(text, /\{([^{}=]+)\}\s*=\s*process\.env\b/g).flatMap((names) =>
    names.split(/[\s,]+/).filter(Boolean),
  );
  return [...all(text, /process\.env(?:\.|\[")([A-Z][A-Z0-9_]*)/g), ...taken];
}

const isShell = (file: string): boolean =>
  file.endsWith(".sh") || /^(?:#!.*\b(?:ba)?sh\b|# shellcheck shell=)/.test(read(file).split("\n", 1)[0] ?? "");
const code = (file: string): string => read(file).replace(/^\s*#.*$/gm, "");

/** Names that any shell file gives a value itself: the others come from outside. */
function givenByShell(texts: readonly string[]): Set<string> {
  return new Set(
    texts.flatMap((text) => [
      ...all(text, /(?:^|[\s;&|("'])([A-Z][A-Z0-9_]*)=/gm),
      ...all(text, /\bread -r ([A-Z_ ]+)/g).flatMap((names) => names.trim().split(" ")),
    ]),
  );
}

const wordsOf = (text: string): string[] => all(text, /\$\{?([A-Z][A-Z0-9_]+)/g);
/** With a default of its own, a name comes from outside even where the shell gives it a value later. */
const withDefault = (text: string): string[] => all(text, /\$\{([A-Z][A-Z0-9_]+):?-/g);

function readByMake(text: string, shell: ReadonlySet<string>): string[] {
  const given = new Set(all(text, /^(?:export )?([A-Z]+) :?=/gm));
  return [
    ...all(text, /\$\(([A-Z_]+)\)/g),
    ...all(text, /\$\$\{?([A-Z][A-Z0-9_]*)/g).filter((name) => !shell.has(name)),
    ...all(text, /,\$\(([A-Z_]+)\)/g),
  ].filter((name) => !given.has(name) && name !== "MAKE" && name !== "MAKEFILE_LIST");
}

/** Each variable with the places that read it. */
function found(): Map<string, Set<string>> {
  const sources = PLACES.flatMap((place) => files(place).map((file) => [place, file] as const));
  const shell = sources.filter(([, file]) => isShell(file)).map(([place, file]) => [place, code(file)] as const);
  const given = givenByShell(shell.map(([, text]) => text));
  const result = new Map<string, Set<string>>();
  const add = (place: string) => (name: string) => result.set(name, (result.get(name) ?? new Set()).add(place));
  for (const [place, file] of sources) if (file.endsWith(".ts")) readByTypeScript(read(file)).forEach(add(place));
  for (const [place, text] of shell) {
    const outside = [...wordsOf(text).filter((name) => !given.has(name)), ...withDefault(text)];
    outside.filter((name) => !BUILTIN.has(name)).forEach(add(place));
  }
  readByMake(read("Makefile"), given).forEach(add("Makefile"));
  return result;
}

/** The rows below a heading of the page, as cells without their ticks. */
function table(heading: string): string[][] {
  const [, text = ""] = read("docs/environment.md").split(`## ${heading}\n`);
  const rows =
    text
      .split("\n## ", 1)[0]
      ?.split("\n")
      .filter((line) => line.startsWith("| `")) ?? [];
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const nameOf = ([name = ""]: string[]): string => name.replaceAll("`", "");
const OWN = "Variables of this project";
const OTHERS = "Variables of other programs";

describe("docs/environment.md", () => {
  it("lists every variable that the sources read, with the folders that read it, and no other", () => {
    const said = table(OWN).map((row) => `${nameOf(row)}: ${row[1] ?? ""}`);
    const are = [...found()].map(([name, places]) => `${name}: ${[...places].sort().join(", ")}`);
    assert.deepEqual(said, are.sort());
  });

  it("says a default and a meaning of each", () => {
    assert.deepEqual(
      table(OWN).filter((row) => row.length !== 4 || row.includes("")),
      [],
    );
  });

  it("explains every variable of Pulumi that the sources name, and only what they name", () => {
    const texts = PLACES.flatMap((place) => files(place)).filter((file) => !file.endsWith("environment.test.ts"));
    const text = texts.map(read).join("\n");
    const explained = [...table(OWN), ...table(OTHERS)].map(nameOf);
    const versions = all(read("lab/toolchain/versions"), /^(PULUMI_[A-Z_]+)=/gm);
    const pulumi = new Set(all(text, /\b(PULUMI_[A-Z_]+)\b/g).filter((name) => !versions.includes(name)));
    assert.deepEqual(
      [...pulumi].filter((name) => !explained.includes(name)),
      [],
    );
    assert.deepEqual(
      explained.filter((name) => !new RegExp(`\\b${name}\\b`).test(text)),
      [],
    );
  });
});
