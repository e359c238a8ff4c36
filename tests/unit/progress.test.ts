import { strict as assert } from "node:assert";

import { NodeStatus } from "../../components";
import { doneSoFar, isStep, type Progress, stopped, unread } from "../../components/rollout/rollout";

const progress = (total: number, statuses: NodeStatus[], failed: string[] = []): Progress => ({
  ...{ total, failed },
  done: new Map(statuses.map((status, i) => [`n${i}`, status])),
});
const { Changed, Unchanged, WouldChange } = NodeStatus;

describe("the progress of a rollout", () => {
  it("counts the nodes by what became of them", () => {
    assert.equal(doneSoFar(progress(9, [Changed, Unchanged, Changed])), "3 of 9 nodes done (2 changed, 1 unchanged)");
    assert.equal(
      doneSoFar(progress(2, [WouldChange, Unchanged])),
      "2 of 2 nodes done (0 changed, 1 unchanged, 1 would change)",
    );
  });

  it("says at a failure how many have failed, and how many wait", () => {
    assert.match(
      stopped(progress(5, [Changed], ["n1"])),
      /^the rollout stops: 1 of 5 nodes done \(1 changed, 0 unchanged\), 1 failed, 3 waiting or under way\. /,
    );
  });

  it("says of a node without a readable report that it counts as failed, and what to do", () => {
    const said = unread(progress(4, [], ["n1"]), "n1");
    assert.match(
      said,
      /^the rollout stops: 0 of 4 nodes done .*, 1 failed, 3 waiting or under way\. The command on n1 succeeded, /,
    );
    assert.match(
      said,
      /Nobody knows what was done on this node\. What to do: run pulumi up with another number for recheck; /,
    );
    assert.doesNotMatch(said, /restored itself/);
  });

  for (const [total, lines] of [
    [1, 1],
    [7, 7],
    [40, 10],
    [5000, 10],
  ] as const) {
    it(`is told ${lines} times for ${total} nodes`, () => {
      const done = progress(total, []);
      let told = 0;
      for (let i = 0; i < total; i++) {
        done.done.set(`n${i}`, Unchanged);
        if (isStep(done)) told++;
      }
      assert.equal(told, lines);
    });
  }
});
