/** Diagnoses as people read them: the verdict first, lines of at most 100 columns. */
import { styleText } from "node:util";

import { type Diagnosis, type Evidence, type Finding, pageOf } from "../doctor/finding";

const COLUMNS = 100;

/** How text is marked; without colours where nobody sees them. */
export type Paint = (style: "bold" | "red" | "green" | "yellow" | "dim", text: string) => string;

/** @param colours Whether the text goes to a terminal that shows them. */
export const painter =
  (colours: boolean): Paint =>
  (style, text) =>
    colours ? styleText(style, text) : text;

/** One node, or one that could not be looked at. */
export type Result = Diagnosis | { readonly node: string; readonly unlooked: string };

/** All that was found; more than one node are grouped by what they suffer of. */
export function textOf(results: readonly Result[], paint: Paint): string {
  const whole = results.map((one) => ("unlooked" in one ? unlookedText(one, paint) : nodeText(one, paint)));
  return [...(results.length > 1 ? [fleetText(results, paint)] : []), ...whole].join("\n");
}

const unlookedText = ({ node, unlooked }: { node: string; unlooked: string }, paint: Paint): string =>
  `${filled(`${node}: could not look: ${unlooked}`, "", "", (line) => paint("yellow", line))}\n`;

/** "38 of 40: an unknown root". */
function fleetText(results: readonly Result[], paint: Paint): string {
  const groups = new Map<string, string[]>();
  for (const one of results) {
    const kind = "unlooked" in one ? "could not look" : (one.findings[0]?.kind ?? "all is well");
    groups.set(kind, [...(groups.get(kind) ?? []), one.node]);
  }
  const sorted = [...groups].sort(([, a], [, b]) => b.length - a.length);
  return sorted
    .map(([kind, nodes]) =>
      filled(`${nodes.length} of ${results.length}: ${kind} (${some(nodes)})`, "", "  ", (line) => paint("bold", line)),
    )
    .concat("")
    .join("\n");
}

const some = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");

function nodeText(diagnosis: Diagnosis, paint: Paint): string {
  const { node, findings, events, evidence } = diagnosis;
  const said = events
    .slice(-1)
    .flatMap((event) => ["", "What the node says:", filled(event, "  ", "  ", (line) => paint("dim", line))]);
  return [
    filled(verdict(node, findings), "", "", (line) => paint("bold", line)),
    ...findings.flatMap((one) => ["", ...findingText(one)]),
    ...said,
    "",
    ...evidence.map((one) => evidenceText(one, paint)),
    "",
  ].join("\n");
}

/** One sentence for what it means, one for why. */
export function verdict(node: string, [first]: readonly Finding[]): string {
  if (!first) return `${node}: all is well. A sandbox can start here`;
  return `${node}: ${first.fatal ? "no Pod can start" : "Pods can start, but something is wrong"}. ${capital(first.what)}.`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function findingText({ code, what, remedy, ca }: Finding): string[] {
  return [
    filled(`${capital(what)}.`, `${code}   `, "          "),
    filled(`${remedy}.`, "          ", "          "),
    ...(ca === undefined ? [] : ["          --fix-config prints that certificate as a setting."]),
    `          See ${pageOf(code)}`,
  ];
}

const MARKS = { yes: ["✓", "green"], no: ["✗", "red"], warning: ["!", "yellow"], unknown: ["?", "yellow"] } as const;

function evidenceText({ is, text }: Evidence, paint: Paint): string {
  const [mark, colour] = MARKS[is];
  return filled(text, `  ${mark} `, "    ").replace(mark, paint(colour, mark));
}

/** Words in lines of at most 100 columns. A word that is longer stays whole: it may be copied. */
export function filled(text: string, first: string, others: string, paint = (line: string) => line): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > COLUMNS) {
      lines.push(paint(line));
      line = others;
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  return [...lines, paint(line)].join("\n");
}
