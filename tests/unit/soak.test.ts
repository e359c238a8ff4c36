import { strict as assert } from "node:assert";

import { clusterBy } from "../../components/cluster/access";
import { soak } from "../../components/rollout/soak";
import { nodesServer, type NodesServer, pod } from "../support/nodesServer";

describe("the soak behind the canaries", () => {
  let server: NodesServer;
  /** What the cluster has at the first question, and at each later one. */
  let answers: object[][] = [];
  before(async () => {
    server = await nodesServer([[]], {
      get pods() {
        return (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
      },
    });
  });
  beforeEach(() => {
    server.asked.length = 0;
    server.denied = false;
  });
  after(() => {
    server.close();
  });

  async function soaked(
    first: object[],
    later: object[],
    { seconds = 0.3, once = () => undefined }: { seconds?: number; once?: () => void } = {},
  ): Promise<number> {
    answers = [first, later];
    const cluster = await clusterBy({ kubeconfig: server.kubeconfig });
    let watched = -1;
    const begun = (pods: number): void => {
      watched = pods;
      once();
    };
    await soak({ ...{ seconds, every: 50, nodes: ["a"], cluster }, begun });
    return watched;
  }

  const app = pod("app", "a");
  const passes: [string, object[], object[]][] = [
    ["stay as they are", [app], [app]],
    ["are deleted", [app], []],
    ["are about to be deleted", [app], [pod("app", "a", { ready: "False", deleted: true })]],
    ["have done their work", [app], [pod("app", "a", { ready: "False", phase: "Succeeded" })]],
    [
      "were not Ready at its start",
      [pod("app", "a", { ready: "False" })],
      [pod("app", "a", { ready: "False", restarts: 3 })],
    ],
    ["come later, and are not Ready", [app], [app, pod("new", "a", { ready: "False" })]],
    ["take the name of one that is gone", [app], [pod("app", "a", { ready: "False", uid: "other" })]],
    ["have restarted before", [pod("app", "a", { restarts: 2 })], [pod("app", "a", { restarts: 2 })]],
  ];
  for (const [what, first, later] of passes) {
    it(`passes over Pods that ${what}`, async () => {
      await soaked(first, later);
      assert.ok(server.asked.length >= 2, "it looks again");
      assert.equal(server.asked[0]?.searchParams.get("fieldSelector"), "spec.nodeName=a");
    });
  }

  it("says how many Pods it looks at", async () => {
    assert.equal(await soaked([app, pod("other", "a"), pod("not", "a", { ready: "False" })], [app]), 2);
  });

  const fails: [string, object, RegExp][] = [
    ["turns unready", pod("app", "a", { ready: "False" }), /^Pod default\/app on node a is not Ready any more$/],
    [
      "has a container restarted",
      pod("app", "a", { restarts: 1 }),
      /^Pod default\/app on node a has restarted its container main$/,
    ],
  ];
  for (const [what, later, says] of fails) {
    it(`fails where a Pod ${what}, naming Pod and node`, async () => {
      await assert.rejects(soaked([app], [later]), ({ message }: Error) => says.test(message));
      assert.equal(server.asked.length, 2, "it does not wait to the end");
    });
  }

  it("fails where the cluster cannot be asked at its start", async () => {
    server.denied = true;
    await assert.rejects(soaked([app], [app]), /^Error: the Pods of http:.* cannot be listed with the kubeconfig/);
  });

  it("does without answers meanwhile, but not without the last one", async () => {
    const denied = () => void (server.denied = true);
    const allowedAgain = setInterval(() => {
      if (server.asked.length > 3) server.denied = false;
    }, 10);
    await soaked([app], [app], { seconds: 1.5, once: denied });
    clearInterval(allowedAgain);
    assert.equal(server.denied, false);
    await assert.rejects(soaked([app], [app], { once: denied }), /cannot be listed/);
  });

  it("only waits where there is nobody to ask", async () => {
    await soak({ seconds: 1, nodes: ["a"], begun: () => undefined });
    assert.equal(server.asked.length, 0);
  });

  it("ends at once where the run is interrupted", async () => {
    const interruption = new AbortController();
    const soaking = soak({ seconds: 3600, nodes: ["a"], begun: () => undefined, signal: interruption.signal });
    interruption.abort(new Error("the run was interrupted"));
    await assert.rejects(soaking, /^Error: the run was interrupted$/);
  });
});
