/** Diagnoses as people read them: the verdict first, lines of at most 100 columns. */
import { fleetText, handlersFleet, some } from "./fleet";
import type { Unlooked } from "./reachOptions";
import { filled, type Paint } from "./terminal";
import { type Diagnosis, type Evidence, type Finding, pageOf, type StuckPod, type Tried } from "../doctor/finding";

/** One node, or one that could not be looked at. */
export type Result = Diagnosis | Unlooked;

/** All that was found; more than one node are grouped by what they suffer of. */
export function diagnosesText(results: readonly Result[], paint: Paint): string {
  if (results.length === 1) return results.map((one) => wholeText(one, paint)).join("\n");
  const fleet = fleetText(
    results.map((one) => ({ node: one.node, kind: kindOf(one) })),
    paint,
  );
  // A node that stands for others may have other handlers.
  const handlers = handlersFleet(results, paint);
  return [
    ...(handlers === "" ? [fleet] : [fleet, handlers]),
    "",
    ...alike(results).map((nodes) => groupText(nodes, paint)),
  ].join("\n");
}

function kindOf(one: Result): string {
  if ("unlooked" in one) return "could not look";
  return one.findings[0]?.kind ?? ((one.unknown ?? []).length > 0 ? "not all could be looked at" : "all is well");
}

/** Nodes of which the same is to be said, each such group in the order of its first. */
function alike(results: readonly Result[]): Result[][] {
  const groups = new Map<string, Result[]>();
  for (const one of results) {
    const said = "unlooked" in one ? one.unlooked : JSON.stringify(one.findings.map(({ code, what }) => [code, what]));
    groups.set(said, [...(groups.get(said) ?? []), one]);
  }
  return [...groups.values()];
}

/** One of them stands for all. */
function groupText([first, ...others]: readonly Result[], paint: Paint): string {
  if (!first) return "";
  const same = `The same is found on ${some(others.map(({ node }) => node))}.`;
  return `${wholeText(first, paint)}${others.length === 0 ? "" : `\n${filled(same, "", "")}\n`}`;
}

const wholeText = (one: Result, paint: Paint): string =>
  "unlooked" in one ? unlookedText(one, paint) : nodeText(one, paint);

function unlookedText({ node, unlooked, pods = [] }: Unlooked, paint: Paint): string {
  const why = filled(`${node}: could not look: ${unlooked}`, "", "", (line) => paint("yellow", line));
  return `${[why, ...podsText(pods, paint)].join("\n")}\n`;
}

/** The Pods that wait for this node, and what the cluster says of the first. */
function podsText(pods: readonly StuckPod[], paint: Paint): string[] {
  const [first] = pods;
  if (!first) return [];
  const names = pods.map(({ namespace, name }) => `${namespace}/${name}`);
  return [
    filled(`Stuck there: ${some(names)}`, "", "  "),
    "",
    `What the cluster says of ${names[0] ?? ""}:`,
    filled(first.event, "  ", "  ", (line) => paint("dim", line)),
  ];
}

function nodeText(diagnosis: Diagnosis, paint: Paint): string {
  const { node, findings, events, evidence, pods = [], unknown = [], tried } = diagnosis;
  const said = events
    .slice(-1)
    .flatMap((event) => ["", "What the node says:", filled(event, "  ", "  ", (line) => paint("dim", line))]);
  return [
    filled(verdict(node, findings, { stuck: pods.length, unknown, tried }), "", "", (line) => paint("bold", line)),
    ...podsText(pods, paint),
    ...findings.flatMap((one) => ["", ...findingText(one)]),
    ...said,
    ...triedText(tried),
    "",
    ...evidence.map((one) => evidenceText(one, paint)),
    "",
  ].join("\n");
}

/** The cluster's words about a Pod that the doctor made. */
function triedText(tried?: Tried): string[] {
  const { namespace = "", name = "", events = [] } = tried?.pod ?? {};
  if (events.length === 0) return [];
  return ["", `Events of Pod ${namespace}/${name}:`, ...events.map((event) => filled(event, "  ", "    "))];
}

/** The grounds of a verdict beside findings. */
interface Known {
  /** How many Pods are stuck there. Default: 0. */
  readonly stuck?: number;
  /** The things that nobody could look at. Default: none. */
  readonly unknown?: readonly string[];
  readonly tried?: Tried;
}

/** One sentence for what it means, one for why. */
export function verdict(
  node: string,
  [first]: readonly Finding[],
  { stuck = 0, unknown = [], tried }: Known = {},
): string {
  if (!first && stuck > 0) return `${node}: Pods are stuck there, and no cause is found on the node`;
  if (!first && unknown.length > 0) {
    return `${node}: nothing wrong is found, but not all could be looked at: ${unknown.join("; ")}`;
  }
  if (!first) return `${node}: all is well. ${proof(tried)}`;
  return `${node}: ${first.fatal ? "no Pod can start" : "Pods can start, but something is wrong"}. ${capital(first.what)}.`;
}

function proof(tried?: Tried): string {
  if (!tried?.started) return "A sandbox can start here";
  if (tried.by === "sandbox") return "A sandbox started here, in the host's network. The network of Pods was not tried";
  return `A Pod started here${tried.pod?.address ? `, with the address ${tried.pod.address}` : ""}`;
}

/** The first letter of a sentence as a capital, but not that of a name: `registry.example.com`, `/etc/hosts`. */
export const capital = (text: string): string =>
  text.replace(/^\p{Ll}+(?=[\s,']|$)/u, (word) => word.charAt(0).toUpperCase() + word.slice(1));

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
