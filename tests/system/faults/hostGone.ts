/** A machine that is destroyed before the stack is: the one fault that takes the engine, and the whole lab, to show. */
import { type Tally, waitReady, watch } from "./harness";
import { messageOf } from "../../../components/errors";
import { type LabInfo, readLab } from "../../../lab/cluster";
import { docker } from "../../../lab/cluster/docker";
import { openStack, type Overrides } from "../../../lab/engine";
import type { Target } from "../../support/nodes/target";

export const HOST_GONE = "host gone at destroy";

/** Destroying fails, naming the node; with `gone: true` it goes through, without a hand on the state. */
export async function hostGone(targets: Target[]): Promise<Tally> {
  const tally: Tally = { fault: HOST_GONE, runs: 1, survived: 0, notes: [], losses: [] };
  const last = targets.at(-1);
  if (!last) throw new Error("there is no node");
  try {
    for (const target of targets) await target.converge("none");
    await loseHost(readLab(), last);
    for (const target of targets.slice(0, -1)) await target.converge("none");
    tally.survived = 1;
  } catch (error) {
    tally.losses.push(messageOf(error));
  }
  return tally;
}

async function loseHost(lab: LabInfo, lost: Target): Promise<void> {
  const all = settings(lab);
  await (await openStack(lab, all)).up();
  await lost.prober.stop();
  await docker(["kill", lost.node.container]);
  try {
    await expectRefusal(lab, all, lost.node.name);
    const without = settings(lab, lost.node.name);
    // A new image at the same time: nothing of it may be asked of the host.
    await (await openStack(lab, { ...without, recheck: "2" })).up();
    await (await openStack(lab, without)).destroy();
    await expectNothingLeft(lab, without);
  } finally {
    await docker(["start", lost.node.container]);
    await waitReady(lost);
    // Nobody restored it, as it should be for a machine that is gone; its Pods need an image to come back on.
    await lost.converge("A");
    await watch(lab, lost);
  }
}

/** Nodes alone: a Pod on a machine that is gone goes when its Node object does, which is the cluster's matter. */
function settings(lab: LabInfo, gone?: string): Overrides {
  const nodes = lab.nodes.map(({ name, host, port, hostKey }) => ({
    ...{ name, host, port, hostKey },
    ...(name === gone ? { gone: true } : {}),
  }));
  return { nodes, proof: "none" };
}

async function expectRefusal(lab: LabInfo, all: Overrides, node: string): Promise<void> {
  const stack = await openStack(lab, all);
  const answer = await stack.destroy({ color: "never" }).then(() => "destroyed", messageOf);
  if (!answer.includes(`pause-${node}`)) throw new Error(`destroying with ${node} gone is answered with: ${answer}`);
}

async function expectNothingLeft(lab: LabInfo, without: Overrides): Promise<void> {
  const stack = await openStack(lab, without);
  const { resources = [] } = (await stack.exportStack()).deployment as { resources?: object[] };
  if (resources.length > 0) throw new Error(`${resources.length} resources are left in the state`);
}
