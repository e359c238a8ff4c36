/** The lab that the tests of this suite share, and what they ask of it. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";

import { type NodeReport, parseReport } from "../../../components/node/nodeScript";
import { clusterDown, clusterUp, labStands, type LabInfo } from "../../../lab/cluster";
import { lineLog } from "../../../lab/log";
import { type Images, pushImages } from "../../support/nodes/images";
import { Prober } from "../../support/nodes/prober";
import { type Run, Target } from "../../support/nodes/target";

export interface Nodes {
  lab: LabInfo;
  images: Images;
  caPem: string;
  targets: Target[];
}

const stoodBefore = labStands();
let nodesOnce: Promise<Nodes> | undefined;

/** Brings the lab up at the first call. */
export function nodes(): Promise<Nodes> {
  nodesOnce ??= (async () => {
    const lab = await clusterUp(lineLog());
    const images = await pushImages(lab);
    const caPem = readFileSync(lab.registry.caFile, "utf8");
    return { lab, images, caPem, targets: lab.nodes.map((node) => new Target(node, images, caPem, new Prober(""))) };
  })();
  return nodesOnce;
}

after(async function () {
  this.timeout("2m");
  if (!stoodBefore) await clusterDown(lineLog());
});

/** What a run reports that has to have succeeded. */
export function done(run: Run): NodeReport {
  assert.equal(run.status, 0, run.stderr);
  return parseReport(run.stdout);
}

/** Checks that a run was refused, or failed and was undone, with this said. */
export function failed(run: Run, says: RegExp): void {
  assert.ok(run.status === 3 || run.status === 4, `it ended with ${run.status}:\n${run.stderr}`);
  assert.match(run.stderr, says);
}
