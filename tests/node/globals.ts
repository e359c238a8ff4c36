/** Prints what one part of the node script sets and another one reads: `make globals`. */
import * as fs from "node:fs";
import * as path from "node:path";

import { parts } from "../../components/node/program";

const folder = path.join(__dirname, "../../node");

/** A part without comments, and without the program in another language that it holds. */
function part(name: string): string {
  const text = fs.readFileSync(path.join(folder, `${name}.sh`), "utf8");
  return text
    .replace(/^(toml_program=)'[\s\S]*?^\}'$/m, "$1")
    .split("\n")
    .filter((line) => !line.trim().startsWith("#"))
    .join("\n");
}
/** The code of each part, by its name. */
export const script = new Map(parts.map((name) => [name, part(name)]));

const found = (pattern: RegExp, text: string): string[] => [...text.matchAll(pattern)].map(([, one = ""]) => one);

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

if (require.main === module) {
  for (const [name, [by, readers]] of globals()) {
    process.stdout.write(`$${name}: set by ${by.join(", ")}; read by ${readers.join(", ")}\n`);
  }
}
