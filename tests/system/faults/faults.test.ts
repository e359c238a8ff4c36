import * as assert from "node:assert/strict";

import { clusterDown, labStands } from "../../../lab/cluster";
import { lineLog } from "../../../lab/log";
import { prepare, type Tally } from "./harness";
import { runSuite } from "./suite";
import { faults } from "./table";
import type { Target } from "../../support/nodes/target";

/** The same in each run, so that a change is what makes it fail. `make faults` and PAUSE_SANDBOX_SEED draw others. */
const seed = Number(process.env.PAUSE_SANDBOX_SEED ?? 7);

describe(`faults on real nodes, seed ${seed}`, function () {
  this.timeout("20m");
  const stoodBefore = labStands();
  let targets: Target[] = [];
  let tallies: Tally[] = [];

  // The nodes work side by side, so all rows run at once and are judged one by one.
  before(async () => {
    targets = await prepare(lineLog());
    tallies = await runSuite(faults, targets, lineLog(), { form: "short", seed });
  });

  after(async () => {
    for (const { prober } of targets) await prober.stop();
    if (!stoodBefore) await clusterDown(lineLog());
  });

  for (const { name } of faults.filter(({ runs }) => runs.short > 0)) {
    it(`${name}: no node lost`, () => {
      const tally = tallies.find(({ fault }) => fault === name);
      assert.ok(tally && tally.runs > 0, "it was never injected");
      assert.deepEqual(tally.losses, []);
    });
  }

  it("running Pods were asked all the time", () => {
    for (const { node, prober } of targets)
      assert.ok(prober.answered > 100, `${node.name}: ${prober.answered} answers`);
  });
});
