/** What this project asks of itself at a size, and whether it is so. */
import type { Cost } from "../support/cost";
import { target } from "../support/target";
import { type Change, growth, type Measured, ratio } from "./tables";

/** How often the cost of the bare program ours may have. */
const RATIO = 1.2;
/** What each node may add to the state, in bytes. */
const STATE = { gzip: 3_000, json: 8_000 };

export function sizeTargets(measured: readonly Measured[]): string[] {
  const ratios = measured.flatMap(({ nodes, operation, ours, bare }) =>
    (["wall", "cpu", "megabytes"] as const).map((figure) =>
      target(`${operation} of ${nodes} nodes, ${NAMES[figure]} ours/bare`, ratio(ours[figure], bare[figure]), RATIO),
    ),
  );
  return [...ratios, ...linear(measured)];
}

const NAMES = { wall: "wall", cpu: "CPU", megabytes: "memory" };

/** Linear is what grows by the same for each node: a further one may not cost more than the average one did before. */
function linear(measured: readonly Measured[]): string[] {
  return growth(measured).flatMap(({ from, to, ours }) =>
    (["cpu", "megabytes"] as const).map((figure) => {
      const what = `${to.operation}, ${NAMES[figure]} of a further node up to ${to.nodes}, over the average up to ${from.nodes}`;
      return target(what, ratio(ours[figure], from.ours[figure] / from.nodes), 1);
    }),
  );
}

export function changeTargets(changes: readonly Change[], bare: Cost): string[] {
  return changes.flatMap(({ name, nodes, cost, state }) => [
    target(`a changed tag, ${name}: CPU/bare`, ratio(cost.cpu, bare.cpu), RATIO),
    target(`a changed tag, ${name}: bytes per node, gzipped`, state.gzip / nodes, STATE.gzip),
    target(`a changed tag, ${name}: bytes per node as JSON`, state.json / nodes, STATE.json),
  ]);
}
