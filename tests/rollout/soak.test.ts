/** The soak behind the canaries, under the real engine, with doubles of the command plugin and of the API server. */
import { strict as assert } from "node:assert";

import { Reconcile } from "../../components";
import { nodesServer, type NodesServer, pod } from "../support/nodesServer";
import { Engine, node } from "./engine";
import { REPORT } from "./reportOf";

describe("a rollout that soaks, under the engine", function () {
  this.timeout(300_000);
  let engine: Engine;
  let server: NodesServer;
  /** What becomes of the Pod once it was seen. */
  let later: object | undefined;
  let seen = false;
  before(async () => {
    engine = new Engine();
    server = await nodesServer([[]], {
      get pods() {
        const now = seen ? later : pod("app", "a");
        // Before the canary it is looked whether the cluster answers.
        seen = server.asked.length > 1;
        return now === undefined ? [] : [now];
      },
    });
  });
  after(() => {
    engine.close();
    server.close();
  });
  beforeEach(() => {
    server.asked.length = 0;
    seen = false;
    later = pod("app", "a");
  });

  const NODES = ["a", "b", "c", "d"].map((name) => node(name));
  const soaking = (name: string, nodes = NODES) =>
    engine.stack(name, nodes, { soakSeconds: 1, maxUnavailable: "2", kubeconfig: server.kubeconfig });

  it("begins the other nodes where the Pods on the canary stay Ready, and does not soak again", async () => {
    const stack = await soaking("passes");
    const { said, failed, nodes } = await engine.up(stack);
    assert.equal(failed, false, said);
    assert.deepEqual(nodes, ["a", "b", "c", "d"]);
    assert.match(said, /waiting 1 s before the other nodes: 1 Ready Pod on a must stay Ready/);
    // Before the canary, at the start, and at the end.
    assert.equal(server.asked.length, 3);
    server.asked.length = 0;
    await engine.up(await soaking("passes", [...NODES, node("new")]));
    assert.equal(server.asked.length, 0, "no canary was changed");
  });

  it("stops with Pod and node where a Pod does not, and begins no other node", async () => {
    later = pod("app", "a", { restarts: 1 });
    const { said, failed, nodes, asked } = await engine.up(await soaking("restarts"));
    assert.equal(failed, true);
    assert.deepEqual(nodes, ["a"]);
    assert.deepEqual(
      asked.filter((line) => line.includes(" Command ")),
      ["create Command pause-a"],
    );
    const [, diagnostics = ""] = said.split("Diagnostics:");
    const why = /stops after its canaries: Pod default\/app on node a has restarted its container main\. 1 of 4 nodes/g;
    assert.equal(diagnostics.match(why)?.length, 1, said);
    assert.match(diagnostics, /the canaries have not passed their soak: no other node is begun/);
    assert.match(diagnostics, /The next pulumi up waits again until the canaries have passed\./);
  });

  it("waits again in the next run where the soak failed, and begins the others only when it has passed", async () => {
    later = pod("app", "a", { restarts: 1 });
    await engine.up(await soaking("again"));
    // Nobody asks before the canary: nothing runs on it.
    const afresh = () => {
      server.asked.splice(0, Infinity, new URL("http://before-the-canary"));
      seen = false;
    };
    afresh();
    const second = await engine.up(await soaking("again"));
    assert.deepEqual([second.failed, second.nodes], [true, ["a"]], second.said);
    assert.match(second.said, /stops after its canaries: Pod default\/app on node a has restarted its container main/);
    afresh();
    later = pod("app", "a");
    const third = await engine.up(await soaking("again"));
    assert.deepEqual([third.failed, third.nodes], [false, ["a", "b", "c", "d"]], third.said);
    assert.match(third.said, /waiting 1 s before the other nodes: 1 Ready Pod on a must stay Ready/);
    // Nothing is left to wait for.
    assert.doesNotMatch((await engine.up(await soaking("again"))).said, /waiting 1 s/);
  });

  for (const [what, more] of [
    ["raises recheck", (run: number) => ({ recheck: run })],
    ["looks at each node in each run", () => ({ reconcile: Reconcile.EveryUp })],
  ] as const) {
    it(`waits again where the soak failed, also if the next run ${what} and the canary has nothing to do`, async () => {
      const stack = (run: number) =>
        engine.stack(what.replaceAll(" ", "-"), [node("a", "unchanged"), ...NODES.slice(1)], {
          ...{ soakSeconds: 1, maxUnavailable: "2", kubeconfig: server.kubeconfig },
          ...more(run),
        });
      const afresh = () => {
        server.asked.length = 0;
        seen = false;
      };
      for (const run of [1, 2]) {
        afresh();
        later = pod("app", "a", { restarts: 1 });
        const { failed, nodes, said } = await engine.up(await stack(run));
        assert.deepEqual([failed, nodes], [true, ["a"]], said);
      }
      afresh();
      later = pod("app", "a");
      const passes = await engine.up(await stack(3));
      assert.deepEqual([passes.failed, passes.nodes], [false, ["a", "b", "c", "d"]], passes.said);
      // What has passed waits for a canary only where that is changed again.
      assert.doesNotMatch((await engine.up(await stack(4))).said, /waiting 1 s/);
    });
  }

  it("waits again where the soak behind a mere repair failed, though the next run finds the canary well", async () => {
    const report = (status: string) => JSON.stringify({ ...REPORT, node: "a", status });
    const run = async (status: string, fails: boolean) => {
      engine.prints("a", report(status));
      server.asked.length = 0;
      seen = false;
      later = pod("app", "a", fails ? { restarts: 1 } : {});
      const more = { soakSeconds: 1, kubeconfig: server.kubeconfig, reconcile: Reconcile.EveryUp };
      return engine.up(await engine.stack("repair", NODES, more));
    };
    assert.equal((await run("changed", false)).failed, false);
    // Somebody changed the canary by hand.
    assert.equal((await run("changed", true)).failed, true);
    const again = await run("unchanged", true);
    assert.equal(again.failed, true, again.said);
    assert.match((await run("unchanged", false)).said, /waiting 1 s before the other nodes/);
    assert.doesNotMatch((await run("unchanged", false)).said, /waiting 1 s/);
    engine.prints("a");
  });

  it("changes no canary where the cluster cannot be asked", async () => {
    server.denied = true;
    const { said, nodes } = await engine.up(await soaking("denied"));
    server.denied = false;
    assert.deepEqual(nodes, []);
    assert.match(said, /the Pods of http:.* cannot be listed with the kubeconfig that was given as content/);
  });

  it("warns that it is only a wait where it has no kubeconfig", async () => {
    const { said, nodes } = await engine.up(await engine.stack("waits", NODES, { soakSeconds: 1 }));
    assert.deepEqual(nodes, ["a", "b", "c", "d"]);
    assert.match(said, /warning: soakSeconds without a kubeconfig is only a wait/);
    assert.match(said, /waiting 1 s before the other nodes/);
    assert.equal(server.asked.length, 0);
  });
});
