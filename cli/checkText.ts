/** Differences as people read them. */
import { fleetText, handlersFleet } from "./fleet";
import type { Unlooked } from "./reachOptions";
import { filled, type Paint } from "./terminal";
import type { Checked } from "../doctor/check/checkNode";
import type { Difference } from "../doctor/check/drift";

export function checkText(results: readonly (Checked | Unlooked)[], paint: Paint): string {
  const fleet = fleetText(
    results.map((one) => ({ node: one.node, kind: kindOf(one) })),
    paint,
  );
  const handlers = handlersFleet(results, paint);
  const head = handlers === "" ? [fleet] : [fleet, handlers];
  return `${[...head, ...results.flatMap((one) => nodeText(one, paint))].join("\n")}\n`;
}

function kindOf(one: Checked | Unlooked): string {
  if ("unlooked" in one) return "could not look";
  return one.differences.length === 0 ? "as wanted" : "not as wanted";
}

/** A node that is as wanted is in the first lines only. */
function nodeText(one: Checked | Unlooked, paint: Paint): string[] {
  const yellow = (line: string) => paint("yellow", line);
  if ("unlooked" in one) return ["", filled(`${one.node}: could not look: ${one.unlooked}`, "", "  ", yellow)];
  if (one.differences.length === 0) return [];
  const head = paint("bold", `${one.node}: not as wanted`);
  return ["", head, ...one.differences.map((difference) => filled(differenceText(difference), "  ", "    "))];
}

export function differenceText({ file, missing, key, is, wanted }: Difference): string {
  const place = [file, key].filter((one) => one !== undefined).join(": ");
  if (missing) return `${place} is missing`;
  if (is !== undefined && wanted !== undefined) return `${place} is ${is}, and ${wanted} is wanted`;
  if (is !== undefined) return `${place} is ${is}, and is not wanted`;
  if (wanted !== undefined) return `${place} is missing, and ${wanted} is wanted`;
  return `${place} differs`;
}
