/** Number of nodes that may be changed at a time in each group, and its narrower limits. */
import { type RolloutPlan, type RolloutWindow, windowSize } from "./plan";
import type { ClusterNode, RolloutGroup } from "../clusterNode";
import { checkNoOutput, type Rule } from "../inputs";
import type { SshConnection, SshHost } from "../node/connection";
import { isOutput, type Problems } from "../problems";

/** With more unfinished log-ins, sshd drops some at random: `MaxStartups 10:30:100`, the default in sshd_config(5). */
const LOG_INS_OF_ONE_SSHD = 10;

/** The settings that limit the number of nodes changed at a time. */
interface Asked {
  readonly nodes: ClusterNode[];
  readonly groups?: RolloutGroup[];
  readonly maxUnavailable?: string;
}

/** @returns The groups in their order, and how many nodes of each may be changed at a time. */
export function windowsOf(problems: Problems, { nodes, groups = [], maxUnavailable = "1" }: Asked): RolloutWindow[] {
  const listed: ClusterNode[] = Array.isArray(nodes) ? nodes.filter((node: unknown) => node instanceof Object) : [];
  const inGroup = (name?: string) => listed.filter(({ group }) => group === name);
  const there = (nodes: readonly ClusterNode[]): number => nodes.filter(({ gone }) => gone !== true).length;
  const all = problems.attempt("maxUnavailable", () => windowSize(maxUnavailable, there(listed))) ?? 1;
  const windows = new Map<string | undefined, number>();
  if (!Array.isArray(groups)) problems.addHidden("groups", groups, GROUPS);
  else
    groups.forEach((group, i) => {
      if (!problems.isObject(`groups[${i}]`, group, FIELDS)) return;
      const unknown = Object.keys(group).filter((field) => field !== "name" && field !== "maxUnavailable");
      for (const field of unknown) problems.add(`groups[${i}]`, field, `an object with ${FIELDS}`);
      const { name, maxUnavailable: own } = group;
      if ((name as unknown) === undefined) {
        problems.add(`groups[${i}].name`, undefined, GROUP.allowed);
        return;
      }
      checkNoOutput(problems, `groups[${i}].name`, name, GROUP);
      if (listed.length > 0 && inGroup(name).length === 0)
        problems.add(`groups[${i}].name`, name, groupsThereAre(listed));
      if (windows.has(name)) problems.add(`groups[${i}].name`, name, "a name that no other group has");
      if (own === undefined) return void windows.set(name, belowSessions(all, maxUnavailable, inGroup(name)));
      const field = `groups[${i}].maxUnavailable`;
      const size = problems.attempt(field, () => windowSize(own, there(inGroup(name)))) ?? 1;
      windows.set(name, belowSessions(size, own, inGroup(name)));
    });
  for (const { group } of listed) {
    if (!windows.has(group)) windows.set(group, belowSessions(all, maxUnavailable, inGroup(group)));
  }
  return [...windows].map(([group, size]) => ({ group, window: size }));
}

/** Without this check, a misspelt name would be ignored. */
function groupsThereAre(nodes: readonly ClusterNode[]): string {
  const names = [...new Set(nodes.map(({ group }) => group))].filter((group) => group !== undefined);
  return `the group of a node: ${names.length > 0 ? `there are ${names.join(", ")}` : "no node has a group"}`;
}

/** Limits the log-ins of a percentage behind one bastion. A plain number is kept: its author knows the bastion. */
function belowSessions(size: number, asked: string, nodes: readonly ClusterNode[]): number {
  if (size <= LOG_INS_OF_ONE_SSHD || !/%$/.test(asked)) return size;
  return busiestBastion(nodes).nodes > LOG_INS_OF_ONE_SSHD ? LOG_INS_OF_ONE_SSHD : size;
}

/**
 * The messages at the start of a rollout.
 * @param parallel Number of parallel operations of the engine; undefined if unknown.
 */
export function warningsOf(
  { steps, canaries }: RolloutPlan<ClusterNode>,
  windows: readonly RolloutWindow[],
  parallel = Infinity,
): string[] {
  const first = new Set(canaries);
  const others = steps.map(({ node }) => node).filter((node) => !first.has(node));
  let [widest, logIns, through] = [0, 0, ""];
  for (const { group, window } of windows) {
    const nodes = others.filter((node) => node.group === group);
    widest = Math.max(widest, Math.min(window, nodes.length));
    const { bastion, nodes: behind } = busiestBastion(nodes);
    const together = Math.min(window, behind, parallel);
    if (together > logIns) [logIns, through] = [together, bastion];
  }
  const warnings: string[] = [];
  if (widest > parallel) {
    warnings.push(
      `maxUnavailable allows ${widest} nodes at a time, but the engine runs ${parallel} operations at a time. ` +
        `For all of them, run pulumi up --parallel ${widest}.`,
    );
  }
  if (logIns > LOG_INS_OF_ONE_SSHD) {
    warnings.push(
      `Up to ${logIns} nodes log in at a time through ${through}. Beyond ${LOG_INS_OF_ONE_SSHD} unfinished log-ins, ` +
        `its sshd drops new ones at random. Set maxUnavailable to "${LOG_INS_OF_ONE_SSHD}", or raise MaxStartups there.`,
    );
  }
  return warnings;
}

/** The bastion with the most nodes behind it, and their number. */
function busiestBastion(nodes: readonly ClusterNode[]): { bastion: string; nodes: number } {
  const behind = new Map<unknown, number>();
  for (const { connection } of nodes) {
    const bastion = bastionOf(connection);
    if (bastion !== undefined) behind.set(bastion, (behind.get(bastion) ?? 0) + 1);
  }
  const [[busiest, count] = ["", 0]] = [...behind].sort(([, a], [, b]) => b - a);
  return { bastion: typeof busiest === "string" ? busiest : "one bastion", nodes: count };
}

/** Identity of a bastion: its address, or the Output that gives it later. */
function bastionOf(connection: ClusterNode["connection"]): unknown {
  // Programs without types may give anything.
  if (isOutput(connection) || !(connection instanceof Object)) return undefined;
  const { bastion } = connection as SshConnection;
  if (isOutput(bastion) || !(bastion instanceof Object)) return bastion;
  const { host, port = 22 } = bastion as SshHost;
  return isOutput(host) || isOutput(port) ? host : `${host as string}:${port as number}`;
}

const FIELDS = "name, and perhaps maxUnavailable";
const GROUPS = "a list of groups, each an object with name and perhaps maxUnavailable";
export const GROUP: Rule = {
  allows: (value) => typeof value === "string" && /^[A-Za-z0-9]([A-Za-z0-9_./-]{0,251}[A-Za-z0-9])?$/.test(value),
  allowed: "the name of a group: letters, digits and _ . / - in between",
};
