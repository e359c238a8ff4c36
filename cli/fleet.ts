/** Many nodes in a few lines: "38 of 40: an unknown root (worker-1, worker-2 and 36 more)". */
import { filled, type Paint } from "./terminal";
import { type Handlers, handlersText } from "../doctor/judge/handlers";

/** A node, and what it has in common with others. */
export interface Kindred {
  readonly node: string;
  readonly kind: string;
}

/**
 * The largest group first.
 * @param of How many nodes there are. Default: each stands once.
 */
export function fleetText(nodes: readonly Kindred[], paint: Paint, of = nodes.length): string {
  const groups = new Map<string, string[]>();
  for (const { node, kind } of nodes) groups.set(kind, [...(groups.get(kind) ?? []), node]);
  const sorted = [...groups].sort(([, a], [, b]) => b.length - a.length);
  return sorted
    .map(([kind, names]) =>
      filled(`${names.length} of ${of}: ${kind} (${some(names)})`, "", "  ", (line) => paint("bold", line)),
    )
    .join("\n");
}

/** Nodes with a runtime handler that runs pause in some Pods or in none, grouped alike; empty where there is none. */
export function handlersFleet(
  nodes: readonly { readonly node: string; readonly handlers?: Handlers }[],
  paint: Paint,
): string {
  const some = nodes.flatMap(({ node, handlers }) => {
    const kind = handlersText(handlers);
    return kind === undefined ? [] : [{ node, kind }];
  });
  return fleetText(some, paint, nodes.length);
}

/** So many are named; with 5,000 nobody reads more. */
const NAMED = 5;
export const some = (names: readonly string[]): string =>
  names.length > NAMED ? `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more` : names.join(", ");
