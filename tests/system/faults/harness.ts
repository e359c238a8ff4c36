/** Injects faults into real nodes and judges what is left of them. */
import { readFileSync } from "node:fs";
import type { Fault, Injected } from "./fault";
import type { Random } from "./random";
import { messageOf } from "../../../components/errors";
import { clusterUp, type LabInfo } from "../../../lab/cluster";
import { waitForNode } from "../../../lab/cluster/api";
import { clusterAuthorities } from "../../../lab/cluster/authorities";
import { CONTROL_PLANE_CONTAINER, nodePlans } from "../../../lab/cluster/layout";
import { all } from "../../../lab/cluster/wait";
import type { Log } from "../../../lab/log";
import { pushImages } from "../../support/nodes/images";
import { Prober } from "../../support/nodes/prober";
import { type Snapshot, torn } from "../../support/nodes/snapshot";
import { type Run, type State, STATES, Target } from "../../support/nodes/target";
import { startVictims, victimIp } from "../../support/nodes/victims";

/** A lab whose nodes are healed, whose Pods are asked all the time, and of which every state is known byte for byte. */
export async function prepare(log: Log): Promise<Target[]> {
  const lab = await clusterUp(log);
  const images = await log.step("two versions of pause, and one for another machine", () => pushImages(lab));
  const caPem = readFileSync(lab.registry.caFile, "utf8");
  const targets = lab.nodes.map((node) => new Target(node, images, caPem, new Prober(CONTROL_PLANE_CONTAINER)));
  await log.step("what each node looks like in each state", async () => {
    await all(targets.map(learn));
    await startVictims(lab);
    await all(targets.map((target) => watch(lab, target)));
  });
  return targets;
}

/** Ends on image A, so that the Pods of before have a sandbox to start on. */
async function learn(target: Target): Promise<void> {
  for (const state of [...STATES, "A"] as const) {
    await target.converge(state);
    if (!target.looks.has(state)) target.looks.set(state, await target.snapshot());
  }
}

/** Asks the node's Pod from now on. */
export async function watch(lab: LabInfo, target: Target): Promise<void> {
  target.prober.start(await victimIp(lab, target.node.name));
}

export async function waitReady(target: Target): Promise<void> {
  const plan = nodePlans().find(({ name }) => name === target.node.name);
  if (!plan) throw new Error(`no plan for ${target.node.name}`);
  await waitForNode(await clusterAuthorities(), plan);
}

/** One injection: what came of it for the table. Throws on any loss. */
export async function attempt(fault: Fault, target: Target, random: Random, turn: number): Promise<string | undefined> {
  for (let tries = 0; tries < 10; tries++) {
    const injected = await once(fault, target, random, turn);
    if (!injected.missed) return injected.note;
  }
  throw new Error("the fault came too late ten times in a row");
}

async function once(fault: Fault, target: Target, random: Random, turn: number): Promise<Injected> {
  if (fault.from) await target.converge(fault.from);
  const to = fault.to ? fault.to(target.state, random) : target.state === "A" ? "B" : "A";
  if (to === target.state) await target.converge("A");
  const from = target.state;
  const { answered, failed } = target.prober;
  const repairs: (() => Promise<unknown>)[] = [];
  let injected: Injected;
  try {
    injected = await fault.inject({ target, random, to, turn, afterwards: (repair) => repairs.unshift(repair) });
    await judge(fault, target, injected, from, to);
  } finally {
    for (const repair of repairs) await repair();
  }
  await target.converge(injected.next ?? to);
  await waitReady(target);
  target.prober.checkAlive();
  const lost = target.prober.failed - failed;
  if (lost > 0) throw new Error(`${lost} of ${target.prober.answered - answered + lost} requests were not answered`);
  return injected;
}

/** Looks at the node while the fault is still there. */
async function judge(fault: Fault, target: Target, injected: Injected, from: State, to: State): Promise<void> {
  if (injected.run) judgeRun(fault, injected.run);
  const before = lookOf(target, from);
  const now = await target.snapshot();
  const mixed = torn(now, before, [lookOf(target, to), lookOf(target, injected.orAs ?? to)]).filter(
    (path) => !injected.exempt?.includes(path),
  );
  if (mixed.length > 0) throw new Error(`neither as before nor as wanted: ${mixed.join(", ")}`);
  // Refused, or undone: with the fault still there.
  const told = (look: Snapshot): Snapshot => new Map([...look].filter(([path]) => !injected.exempt?.includes(path)));
  if (injected.run?.status === 3 || injected.run?.status === 4) target.checkLook(told(now), told(before), "undone");
}

function lookOf(target: Target, state: State): Snapshot {
  const look = target.looks.get(state);
  if (!look) throw new Error(`${target.node.name} was never seen as ${state}`);
  return look;
}

/** Exit codes are documented: whoever reads 5 knows that something is left to undo, and whoever reads 4 that nothing is. */
function judgeRun({ says, lasting }: Fault, { status, stderr }: Run): void {
  const allowed = lasting ? [5] : says ? [3, 4] : [0, 3, 4, 137];
  if (status !== null && allowed.includes(status) && (!says || says.test(stderr))) return;
  const expected = `${allowed.join(" or ")}${says ? ` and ${says.source}` : ""}`;
  throw new Error(`the run ended with ${status} and not with ${expected}:\n${stderr}`);
}

export interface Tally {
  fault: string;
  runs: number;
  survived: number;
  notes: string[];
  losses: string[];
}

/** Runs a fault once for each turn on one node, adding to its row. False when the node is of no use any more. */
export async function repeat(
  fault: Fault,
  target: Target,
  random: Random,
  turns: number[],
  tally: Tally,
): Promise<boolean> {
  for (const turn of turns) {
    tally.runs++;
    try {
      const note = await attempt(fault, target, random, turn);
      tally.survived++;
      if (note) tally.notes.push(note);
    } catch (error) {
      tally.losses.push(`${target.node.name}: ${messageOf(error)}`);
      if (!(await backToKnown(target, tally))) return false;
    }
  }
  return true;
}

/** From a known state again, so that the next injection is judged for itself. */
async function backToKnown(target: Target, tally: Tally): Promise<boolean> {
  try {
    await target.converge("none");
    await target.converge("A");
    await waitReady(target);
    return true;
  } catch (error) {
    tally.losses.push(`${target.node.name}, for good: ${messageOf(error)}`);
    return false;
  }
}
