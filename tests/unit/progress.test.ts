import { strict as assert } from "node:assert";

import * as fc from "fast-check";

import { NodeStatus } from "../../components";
import { allSoFar, doneSoFar, isStep, type Outcome, Progress } from "../../components/rollout/progress";
import { endedEarly, notRemoved, stopped, unread } from "../../components/rollout/rollout";

const name = (_: unknown, i: number): string => `n${i}`;
const progress = (total: number, outcomes: Outcome[]): Progress => {
  const made = new Progress(new Set(Array.from({ length: total }, name)));
  outcomes.forEach((outcome, i) => made.note(`n${i}`, outcome));
  return made;
};
const { Changed, Unchanged, WouldChange } = NodeStatus;
const RESTORED = { became: "The node that failed has restored itself." };

describe("the progress of a rollout", () => {
  it("counts the nodes by what became of them", () => {
    assert.equal(doneSoFar(progress(9, [Changed, Unchanged, Changed])), "3 of 9 nodes done (2 changed, 1 unchanged)");
    assert.equal(
      doneSoFar(progress(2, [WouldChange, Unchanged])),
      "2 of 2 nodes done (0 changed, 1 unchanged, 1 would change)",
    );
    assert.equal(doneSoFar(progress(1, [Unchanged])), "1 of 1 node done (0 changed, 1 unchanged)");
  });

  it("counts a node whose host is gone as gone, and one that --target leaves out as left out", () => {
    assert.equal(
      allSoFar(progress(4, [Unchanged, "gone", "left out", Changed])),
      "2 of 3 nodes done (1 changed, 1 unchanged), 1 gone, 1 left out of this run, 0 failed, 0 waiting",
    );
  });

  it("says at a failure how many have failed, how many wait, and what became of the node", () => {
    assert.equal(
      stopped(progress(5, [Changed, "failed"]), RESTORED),
      "the rollout stops: 1 of 5 nodes done (1 changed, 0 unchanged), 1 failed, 3 waiting or under way. " +
        "The node that failed has restored itself. Fix the cause and run pulumi up again: it goes on where it stopped.",
    );
  });

  it("says of a run that ends early how far it is, once: a failed node says so itself", () => {
    assert.equal(
      endedEarly(progress(3, [Changed])),
      "the run ends early: 1 of 3 nodes done (1 changed, 0 unchanged), 0 failed, 2 waiting or under way. " +
        "The next pulumi up goes on where this one stopped.",
    );
    assert.equal(endedEarly(progress(3, [Changed, "failed"])), undefined);
  });

  it("counts a node that leaves the stack with none of the others, and says how one that is gone leaves", () => {
    const one = progress(1, [Unchanged]);
    assert.equal(one.note("leaves", "failed"), false);
    assert.match(
      notRemoved(one, "leaves"),
      /^leaves was removed from the stack, but could not be restored: 1 of 1 node done \(0 changed, 1 unchanged\), 0 failed, 0 waiting\. .* gone: true/,
    );
  });

  it("says of a node without a readable report that it counts as failed, and what to do", () => {
    const said = unread(progress(4, ["failed"]), "n0");
    assert.match(
      said,
      /^the rollout stops: 0 of 4 nodes done .*, 1 failed, 3 waiting or under way\. The command on n0 succeeded, /,
    );
    assert.match(
      said,
      /The state of this node is unknown\. What to do: run pulumi up with another number for recheck; /,
    );
    assert.doesNotMatch(said, /restored itself/);
  });

  it("adds up whatever happens to whichever node, in any order", () => {
    const outcome = fc.constantFrom<Outcome>(Changed, Unchanged, WouldChange, "failed", "gone", "left out");
    const events = fc.array(fc.tuple(fc.nat(12), outcome), { maxLength: 40 });
    fc.assert(
      fc.property(fc.nat(9), events, (total, happened) => {
        const now = progress(total, []);
        for (const [node, what] of happened) {
          now.note(`n${node}`, what);
          const [, done, of, failed, waiting] =
            /^(\d+) of (\d+) nodes? done .* (\d+) failed, (\d+) waiting$/.exec(allSoFar(now))?.map(Number) ?? [];
          const others = now.count("gone") + now.count("left out");
          assert.equal((done ?? NaN) + (failed ?? NaN) + (waiting ?? NaN) + others, total);
          assert.equal(of, total - now.count("gone"));
        }
      }),
    );
  });

  for (const [total, lines] of [
    [1, 1],
    [7, 7],
    [40, 10],
    [5000, 10],
  ] as const) {
    it(`is told ${lines} times for ${total} nodes`, () => {
      let told = 0;
      for (let done = 1; done <= total; done++) if (isStep({ total, done })) told++;
      assert.equal(told, lines);
    });
  }
});
