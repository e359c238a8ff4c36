/**
 * node/README.md says what an auditor needs; this compares its tables with the script, so that they cannot rot.
 */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { script } from "./globals";
import { unitFiles } from "../../components/boot/bootFiles";
import { TOLD } from "../../components/node/nodeSettings";
import { parts } from "../../components/node/program";

const folder = path.join(__dirname, "../../node");
const readme = path.join(folder, "README.md");

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

describe("node/README.md", () => {
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
    const doctor = ["runtimes", "facts", "try", "entry"].map((name) =>
      fs.readFileSync(path.join(folder, `doctor/${name}.sh`), "utf8"),
    );
    const functions = unique(found(/"\$\{runtime\}_([a-z]+)"/g, [all, ...doctor].join("\n")));
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
      for (const name of functions)
        assert.match([all, ...doctor].join("\n"), new RegExp(`^${runtime}_${name}\\(\\)`, "m"));
  });

  it("is right that only a runtime's own file knows which runtime it is", () => {
    const elsewhere = ["runtimes", "facts", "try", "entry"].map((name): [string, string] => [
      `doctor/${name}`,
      fs.readFileSync(path.join(folder, `doctor/${name}.sh`), "utf8"),
    ]);
    const asks = [...script, ...elsewhere].flatMap(([name, text]) =>
      name.startsWith("runtimes/")
        ? []
        : [...text.matchAll(/^.*(?:case \$runtime\b|"\$runtime" !?=).*$/gm)].map(([line]) => `${name}: ${line}`),
    );
    assert.deepEqual(asks, []);
  });

  it("and a machine's first boot wait for the units of the same runtimes", () => {
    const told = found(/\b(?:unit|daemon)=([a-z][a-z-]*)/g);
    const started = found(/for unit in ([a-z0-9 -]+); do/g, script.get("detect")).flatMap((words) => words.split(" "));
    const daemons = told.filter((unit) => unit !== "kubelet");
    const [boot] = unitFiles().map(({ content }) => content);
    const [after = ""] = found(/^After=network-online.target (.*)$/gm, boot);
    assert.deepEqual(unique(after.split(" ")), unique([...daemons, ...started].map((unit) => `${unit}.service`)));
  });

  it("lists the settings by their names on the wire and in the shell", () => {
    const wire = [...(script.get("lib/settings") ?? "").matchAll(/^\s*'([a-z-]+)(?: '\*| ([01])')\) ([a-z_]+)=/gm)].map(
      ([, key = "", value, name = ""]) => `${key}${value === undefined ? "" : ` ${value}`} $${name}`,
    );
    assert.deepEqual(unique(table("Settings").map((cells) => `${cells[1]} ${cells[2]}`)), unique(wire));
    // What the components send is what the script takes; it is shown fingerprints, and given certificates and images.
    const sent = Object.values(TOLD).map(({ key }) => key.replace(/^(ca|archive)-sha256$/, "$1"));
    assert.deepEqual(unique(wire.map((line) => line.split(" ")[0] ?? "")), unique(sent));
  });
});
