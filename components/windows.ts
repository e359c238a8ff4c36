/** How many nodes of each group may be changed at a time. */
import { checkPlainOnly, type Rule } from "./inputs";
import type { ClusterNode, PauseSandboxArgs } from "./pauseSandboxArgs";
import type { Problems } from "./problems";
import { type RolloutWindow, windowSize } from "./rollout";

export function windowsOf(
  problems: Problems,
  { nodes, groups = [], maxUnavailable = "1" }: PauseSandboxArgs,
): RolloutWindow[] {
  const listed: ClusterNode[] = Array.isArray(nodes) ? nodes.filter((node: unknown) => node instanceof Object) : [];
  const window = problems.attempt("maxUnavailable", () => windowSize(maxUnavailable, listed.length)) ?? 1;
  const windows = new Map<string | undefined, number>();
  if (!Array.isArray(groups)) problems.addHidden("groups", groups, GROUPS);
  else
    groups.forEach((group, i) => {
      if (!problems.isObject(`groups[${i}]`, group, "name, and perhaps maxUnavailable")) return;
      const { name, maxUnavailable: own } = group;
      checkPlainOnly(problems, `groups[${i}].name`, name, GROUP);
      if (windows.has(name)) problems.add(`groups[${i}].name`, name, "the name of one group only");
      const size = listed.filter((node) => node.group === name).length;
      const field = `groups[${i}].maxUnavailable`;
      const wide = own === undefined ? window : problems.attempt(field, () => windowSize(own, size, field));
      windows.set(name, wide ?? 1);
    });
  for (const { group } of listed) windows.set(group, windows.get(group) ?? window);
  return [...windows].map(([group, size]) => ({ group, window: size }));
}

const GROUPS = "a list of groups, each an object with name and perhaps maxUnavailable";
export const GROUP: Rule = {
  allows: (value) => typeof value === "string" && /^[A-Za-z0-9]([A-Za-z0-9_./-]{0,251}[A-Za-z0-9])?$/.test(value),
  allowed: "the name of a group: letters, digits and _ . / - in between",
};
