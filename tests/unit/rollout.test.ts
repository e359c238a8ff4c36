import * as assert from "assert";
import * as fc from "fast-check";

import { planRollout, type RolloutStep, windowSize } from "../../components/rollout/plan";

describe("the order of a rollout", () => {
  const nodes = (canaries: boolean[]) => canaries.map((canary, index) => ({ index, canary }));
  const order = (canaries: boolean[], window: number): string[] =>
    planRollout(nodes(canaries), [{ window }]).steps.map(
      ({ node, after }) => `${node.index}<-${after.map(({ index }) => index).join(",")}`,
    );

  const cases: [string, boolean[], number, string[]][] = [
    ["takes the first node as the canary when none is marked", [false, false, false], 1, ["0<-", "1<-0", "2<-1"]],
    ["changes canaries one after the other, then the others", [false, true, true], 1, ["1<-", "2<-1", "0<-2"]],
    ["lets the window start together once the last canary is done", [true, false, false], 2, ["0<-", "1<-0", "2<-0"]],
    [
      "lets a node wait for the one a window before it",
      [true, false, false, false, false],
      2,
      ["0<-", "1<-0", "2<-0", "3<-1", "4<-2"],
    ],
    ["has nothing to wait for with one node", [false], 5, ["0<-"]],
  ];
  for (const [name, canary, window, expected] of cases) {
    it(name, () => {
      assert.deepStrictEqual(order(canary, window), expected);
    });
  }

  it("has no canary that is gone: another marked one is, else the first that is there", () => {
    const canariesOf = (text: string): string[] => {
      const list = text.split(" ").map((name) => ({ name, canary: name.includes("!"), gone: name.endsWith("-") }));
      return planRollout(list, [{ window: 3 }]).canaries.map(({ name }) => name);
    };
    assert.deepStrictEqual(canariesOf("a- b c d"), ["b"]);
    assert.deepStrictEqual(canariesOf("a b!- c! d"), ["c!"]);
    assert.deepStrictEqual(canariesOf("a- b!- c d"), ["c"]);
    assert.deepStrictEqual(canariesOf("a- b-"), ["a-"]);
  });

  it("plans every node once, never waits for a later one, and never has more than the window under way", () => {
    const clusters = fc.array(fc.boolean(), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(clusters, fc.integer({ min: 1, max: 9 }), (canaries, window) => {
        const { steps, last } = planRollout(nodes(canaries), [{ window }]);
        const done = new Set<unknown>();
        for (const { node, after } of steps) {
          assert.ok(after.every((other) => done.has(other)));
          done.add(node);
        }
        assert.strictEqual(done.size, canaries.length);
        const others = canaries.length - (canaries.filter(Boolean).length || 1);
        assert.strictEqual(widest(steps), Math.min(window, Math.max(1, others)));
        const waitedFor = new Set(steps.flatMap(({ after }) => after));
        assert.deepStrictEqual(new Set(last), new Set([...done].filter((node) => !waitedFor.has(node as never))));
      }),
    );
  });

  const grouped = (text: string) =>
    text.split(" ").map((name) => ({ name, group: name.charAt(0), canary: name.endsWith("!") }));
  const inGroups = (text: string, windows: Record<string, number>): string[] => {
    const list = Object.entries(windows).map(([group, window]) => ({ group, window }));
    const { steps, last } = planRollout(grouped(text), list);
    const lines = steps.map(({ node, after }) => `${node.name}<-${after.map(({ name }) => name).join(",")}`);
    return [...lines, `last ${last.map(({ name }) => name).join(",")}`];
  };

  it("takes one group after the other, in the order of the groups", () => {
    const expected = ["a1<-", "a2<-a1", "b1<-a2", "b2<-b1", "last b2"];
    assert.deepStrictEqual(inGroups("b1 a1 b2 a2", { a: 1, b: 1 }), expected);
  });

  it("has the first node of a group go alone behind a wider window, which it waits for as a whole", () => {
    const expected = ["a1<-", "a2<-a1", "a3<-a1", "a4<-a2", "b1<-a3,a4", "b2<-b1", "b3<-b1", "last b2,b3"];
    assert.deepStrictEqual(inGroups("a1 a2 a3 a4 b1 b2 b3", { a: 2, b: 2 }), expected);
  });

  it("takes the canaries of all groups first", () => {
    assert.deepStrictEqual(inGroups("a1 b1! b2", { a: 1, b: 3 }), ["b1!<-", "a1<-b1!", "b2<-a1", "last b2"]);
  });

  it("passes over a group without nodes", () => {
    assert.deepStrictEqual(inGroups("b1 b2", { a: 1, b: 1 }), ["b1<-", "b2<-b1", "last b2"]);
  });

  it("stays linear in the number of nodes", () => {
    const { steps } = planRollout(nodes(new Array<boolean>(5000).fill(false)), [{ window: 50 }]);
    assert.strictEqual(steps.flatMap(({ after }) => after).length, 4999);
  });
});

/** Runs the plan in rounds, every node as early as it may, and returns the size of the largest round. */
function widest<N>(steps: readonly RolloutStep<N>[]): number {
  const round = new Map<N, number>();
  const sizes = new Map<number, number>();
  for (const { node, after } of steps) {
    const r = 1 + Math.max(0, ...after.map((a) => round.get(a) ?? 0));
    round.set(node, r);
    sizes.set(r, (sizes.get(r) ?? 0) + 1);
  }
  return Math.max(...sizes.values());
}

describe("maxUnavailable", () => {
  const good: [string, number, number][] = [
    ["1", 10, 1],
    ["7", 3, 7],
    ["10%", 100, 10],
    ["10%", 99, 9],
    ["1%", 5, 1],
    ["100%", 5, 5],
  ];
  for (const [given, nodes, window] of good) {
    it(`${JSON.stringify(given)} of ${nodes} nodes is ${window}`, () => {
      assert.strictEqual(windowSize(given, nodes), window);
    });
  }
  for (const given of [1, NaN, "0", "-1", "1.5", "01", "0%", "101%", "ten", "", " 5"]) {
    it(`refuses ${JSON.stringify(given)} and says what is allowed`, () => {
      assert.throws(() => windowSize(given as string, 10), /^Error: .* is not allowed; .* whole number from "1".*"1%"/);
    });
  }
});
