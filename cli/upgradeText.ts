/** The effects of an upgrade, for the fleet and for each node. */
import { fleetText, some } from "./fleet";
import { filled, type Paint } from "./terminal";
import { capital, type Result, verdict } from "./text";
import type { UpgradeFinding } from "../doctor/finding";

/** @param to Such as `kubernetes 1.37`. */
export function upgradeText(results: readonly Result[], to: string, paint: Paint): string {
  const kindred = results.flatMap((one) => kindsOf(one).map((kind) => ({ node: one.node, kind })));
  const head = filled(`Upgrade to ${to}`, "", "", (line) => paint("bold", line));
  const fleet = fleetText(kindred, paint, results.length);
  return [`${head}\n${fleet}\n`, ...alike(results).map((nodes) => groupText(nodes, paint))].join("\n");
}

/** A node has as many as hit it. */
function kindsOf(one: Result): string[] {
  if ("unlooked" in one) return ["could not look"];
  const kinds = (one.upgrade ?? []).map(({ grade, kind }) => `${grade}: ${kind}`);
  if (kinds.length > 0) return [...new Set(kinds)];
  return [(one.unknown ?? []).length > 0 ? "not all could be looked at" : "nothing is found"];
}

function alike(results: readonly Result[]): Result[][] {
  const groups = new Map<string, Result[]>();
  for (const one of results) {
    const said = "unlooked" in one ? one.unlooked : JSON.stringify([one.upgrade, one.unknown, today(one)]);
    groups.set(said, [...(groups.get(said) ?? []), one]);
  }
  return [...groups.values()];
}

/** The faults of the present; empty where there are none. */
function today(one: Result): string {
  if ("unlooked" in one || one.findings.length === 0) return "";
  return verdict("Today", one.findings);
}

function groupText([first, ...others]: readonly Result[], paint: Paint): string {
  if (!first) return "";
  const names = [first, ...others].map(({ node }) => node);
  if ("unlooked" in first) {
    return `${filled(`${some(names)}: could not look: ${first.unlooked}`, "", "", (line) => paint("yellow", line))}\n`;
  }
  const { upgrade = [], unknown = [] } = first;
  const worst = upgrade[0]?.grade ?? (unknown.length > 0 ? "not all could be looked at" : "nothing is found");
  const now = today(first);
  return [
    filled(`${some(names)}: ${worst}`, "", "", (line) => paint("bold", line)),
    ...(now === "" ? [] : [filled(now, "  ", "  ", (line) => paint("yellow", line))]),
    ...upgrade.flatMap((one) => findingText(one, paint)),
    ...unknown.map((one) => filled(one, "  ? ", "    ")),
    "",
  ].join("\n");
}

const MARKS = {
  "does not start": ["✗", "red"],
  warns: ["!", "yellow"],
  "not supported any more": ["!", "yellow"],
} as const;

function findingText({ grade, what, remedy, source }: UpgradeFinding, paint: Paint): string[] {
  const [mark, colour] = MARKS[grade];
  return [
    filled(`${capital(grade)}: ${what}.`, `  ${mark} `, "    ").replace(mark, paint(colour, mark)),
    filled(`${remedy}. Source: ${source}.`, "    ", "    "),
  ];
}
