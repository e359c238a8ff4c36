/** Objects of the cluster as they go on: known fields, each of its type. Whoever may write Nodes, Pods or Events writes the rest. */
import type { EventObject, NodeObject, PodObject } from "./kubeconfig";
import { isWholeNumber } from "../problems";

/** In characters; a longer text is cut. */
const LONGEST_TEXT = 4096;
const MOST_ITEMS = 1000;

type Pattern = "text" | "count" | "texts by name" | "time" | readonly [Pattern] | { readonly [field: string]: Pattern };

const NODE: Pattern = {
  metadata: { name: "text", labels: "texts by name" },
  status: {
    addresses: [{ type: "text", address: "text" }],
    conditions: [{ type: "text", status: "text", reason: "text" }],
    nodeInfo: { operatingSystem: "text" },
  },
};
const POD: Pattern = {
  metadata: { name: "text", namespace: "text", uid: "text" },
  spec: { nodeName: "text" },
  status: {
    ...{ phase: "text", reason: "text", message: "text", podIP: "text" },
    conditions: [{ type: "text", status: "text" }],
  },
};
const EVENT: Pattern = {
  ...{ involvedObject: { uid: "text" }, reason: "text", message: "text", count: "count" },
  ...{ lastTimestamp: "time", eventTime: "time" },
};

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value.slice(0, LONGEST_TEXT) : undefined;

/** A field of another type is left out. */
function shaped(value: unknown, pattern: Pattern): unknown {
  if (pattern === "text") return textOf(value);
  if (pattern === "count") return isWholeNumber(value, 0, 1_000_000) ? value : undefined;
  if (pattern === "time") return value instanceof Date ? value : textOf(value);
  if (typeof value !== "object" || value === null) return undefined;
  if (pattern instanceof Array) {
    if (!Array.isArray(value)) return undefined;
    const items = (value as unknown[]).slice(0, MOST_ITEMS);
    return items.map((one) => shaped(one, pattern[0])).filter((one) => one !== undefined);
  }
  const given = new Map<string, unknown>(Object.entries(value));
  const fields: [string, Pattern][] =
    pattern === "texts by name"
      ? [...given.keys()].slice(0, MOST_ITEMS).map((name) => [name, "text"])
      : Object.entries(pattern);
  const read = fields.map(([field, of]) => [field, shaped(given.get(field), of)] as const);
  return Object.fromEntries(read.filter(([, one]) => one !== undefined));
}

const allShaped =
  <T>(pattern: Pattern) =>
  (items: readonly unknown[]): T[] =>
    items.map((one) => shaped(one, pattern)).filter((one) => one !== undefined) as T[];

export const shapedNodes = allShaped<NodeObject>(NODE);
/** Without what a soak asks of them. */
export const shapedPods = allShaped<PodObject>(POD);
export const shapedEvents = allShaped<EventObject>(EVENT);
