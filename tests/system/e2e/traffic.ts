/** Real requests to Pods that are nobody's, while something is done to their nodes. */
import type { LabInfo } from "../../../lab/cluster";
import { CONTROL_PLANE_CONTAINER } from "../../../lab/cluster/layout";
import { until } from "../../../lab/kubectl";
import { Prober } from "../../support/nodes/prober";
import { removeVictims, startVictims, victimIp } from "../../support/nodes/victims";

export interface Answers {
  answered: number;
  failed: number;
}

/**
 * Has a Pod on each node answer one request after the other until `act` is done, and at least this many were sent.
 * The Pods are gone afterwards.
 */
export async function underTraffic(lab: LabInfo, atLeast: number, act: () => Promise<void>): Promise<Answers> {
  await startVictims(lab);
  const probers = lab.nodes.map(() => new Prober(CONTROL_PLANE_CONTAINER, 0.002));
  const sum = (): Answers => ({
    answered: probers.reduce((all, { answered }) => all + answered, 0),
    failed: probers.reduce((all, { failed }) => all + failed, 0),
  });
  try {
    for (const [i, { name }] of lab.nodes.entries()) probers[i]?.start(await victimIp(lab, name));
    await act();
    await until(`${atLeast} requests`, 300, () => {
      for (const prober of probers) prober.checkAlive();
      const { answered, failed } = sum();
      return Promise.resolve(answered + failed >= atLeast || undefined);
    });
  } finally {
    for (const prober of probers) await prober.stop();
    await removeVictims(lab);
  }
  return sum();
}
