import * as assert from "assert";

import type { NodeReport } from "../../components";
import { summaryOf } from "../../settings/outputs";
import { DIGEST } from "../support/mocks";

/** A node that a run left alone. */
const REPORT = {
  changed: [],
  digest: DIGEST,
  image: "registry.example.com/pause:1",
  kubelet: "1.34.2",
  node: "n",
  pinned: true,
  previousImage: "registry.k8s.io/pause:3.8",
  restarted: [],
  runtime: "containerd",
  runtimeVersion: "1.7.24",
  status: "unchanged",
};

/** Reports of as many nodes, each with what is given for it by its number. */
function cluster(size: number, of: (i: number) => Partial<Record<keyof NodeReport, unknown>> = () => ({})) {
  const nodes = Array.from({ length: size }, (_, i) => [`worker-${i}`, { ...REPORT, ...of(i) }]);
  return Object.fromEntries(nodes) as Record<string, NodeReport>;
}

describe("the stack's outputs", () => {
  it("name no node where 5,000 nodes are alike", () => {
    assert.deepStrictEqual(summaryOf(cluster(5000)), {
      count: { total: 5000, "in-order": 5000 },
      differing: [],
    });
  });

  it("name no node where a run changed some: what its last run did is no difference to look at", () => {
    const { count, differing } = summaryOf(cluster(3, (i) => ({ status: i === 1 ? "changed" : "unchanged" })));
    assert.deepStrictEqual([count, differing], [{ total: 3, "in-order": 3 }, []]);
  });

  it("name the node that is not as wanted, the one with another runtime and the one with another image", () => {
    const others: Partial<Record<keyof NodeReport, unknown>>[] = [
      { status: "would-change" },
      { runtime: "cri-o" },
      { image: "registry.example.com/pause:0" },
    ];
    const { count, differing } = summaryOf(cluster(9, (i) => others[i] ?? {}));
    assert.deepStrictEqual(count, { total: 9, "in-order": 8, "would-change": 1 });
    assert.deepStrictEqual(differing, [
      "worker-0: would-change, containerd, registry.example.com/pause:1",
      "worker-1: cri-o, registry.example.com/pause:1",
      "worker-2: containerd, registry.example.com/pause:0",
    ]);
  });

  it("count a node whose host is gone as gone, and one that --target left out as not looked at", () => {
    const reports = cluster(3);
    const { count, differing } = summaryOf(reports, {
      listed: [...Object.keys(reports), "worker-3"],
      gone: ["worker-0"],
    });
    assert.deepStrictEqual(count, { total: 3, "in-order": 2, gone: 1, "not-looked-at": 1 });
    assert.deepStrictEqual(differing, ["worker-3: not-looked-at"]);
    const left = summaryOf(cluster(2), { leftOut: ["worker-0"] });
    assert.deepStrictEqual(left.count, { total: 2, "in-order": 1, "not-looked-at": 1 });
    assert.deepStrictEqual(left.differing, ["worker-0: not-looked-at"], "not the one that was looked at");
  });

  it("name twenty nodes at most, and say how many more differ", () => {
    const { differing } = summaryOf(cluster(5000, (i) => (i < 2000 ? { runtime: "cri-o" } : {})));
    assert.strictEqual(differing.length, 21);
    assert.strictEqual(differing[20], "and 1980 more");
  });

  it("count no node where there is none", () => {
    assert.deepStrictEqual(summaryOf({}), { count: { total: 0, "in-order": 0 }, differing: [] });
  });
});
