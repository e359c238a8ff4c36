/** A node whose command succeeds without a report, under the real engine. */
import { strict as assert } from "node:assert";

import { Engine, node } from "./engine";

describe("a rollout with a node that reports nothing, under the engine", function () {
  this.timeout(300_000);
  let engine: Engine;
  before(() => (engine = new Engine()));
  after(() => {
    engine.close();
  });
  afterEach(() => {
    for (const host of ["worker-1", "worker-3"]) engine.prints(host);
  });

  const NODES = ["worker-1", "worker-2", "worker-3", "worker-4"].map((name) => node(name));
  const commands = (asked: readonly string[]) => asked.filter((line) => line.includes(" Command "));
  const diagnosticsOf = (said: string): string => said.split("Diagnostics:")[1] ?? "";

  const printed: [string, string, string[]?][] = [
    ["nothing", ""],
    ["half a report", '{"changed":["/etc/conta'],
    // The engine itself refuses such an output.
    ["what the engine takes for 'not known yet'", "04da6b54-80e4-46f7-96ec-b56ff0331ba9", []],
  ];
  for (const [what, stdout, recorded = ["worker-1"]] of printed) {
    it(`stops behind a canary that prints ${what}: no other node is begun, and the canary counts as failed`, async () => {
      engine.prints("worker-1", stdout);
      const name = what.replace(/[^a-z]+/g, "-");
      const { said, failed, nodes, asked } = await engine.up(await engine.stack(name, NODES), {
        continueOnError: true,
      });
      assert.equal(failed, true);
      assert.deepEqual(nodes, recorded);
      assert.deepEqual(commands(asked), ["create Command pause-worker-1"]);
      const stops =
        /the rollout stops: 0 of 4 nodes done \(0 changed, 0 unchanged\), 1 failed, 3 waiting or under way\./g;
      assert.equal(diagnosticsOf(said).match(stops)?.length, 1, said);
      if (recorded.length === 0) return;
      assert.match(
        diagnosticsOf(said),
        /pause-worker-1 succeeded, but its report cannot be read\. The state of this node is unknown/,
      );
      assert.doesNotMatch(said, /4 of 4 nodes done/);
    });
  }

  it("names the node and the way out at every later up, begins no node, and is mended by that way", async () => {
    engine.prints("worker-1", "");
    await engine.up(await engine.stack("later", NODES));
    engine.prints("worker-1");
    const second = await engine.up(await engine.stack("later", NODES), { continueOnError: true });
    assert.equal(second.failed, true);
    assert.deepEqual(second.asked, []);
    assert.match(
      diagnosticsOf(second.said),
      /SandboxNode "pause-worker-1": the node's report is missing: .*\. The state of this node is unknown\. What to do: run pulumi up with another number for recheck/,
    );
    assert.match(diagnosticsOf(second.said), /the rollout stops: 0 of 4 nodes done .*, 1 failed, 3 waiting/);
    const mended = await engine.up(await engine.stack("later", NODES, { recheck: 1 }));
    assert.equal(mended.failed, false, mended.said);
    assert.deepEqual(commands(mended.asked), [
      "update Command pause-worker-1",
      ...["worker-2", "worker-3", "worker-4"].map((name) => `create Command pause-${name}`),
    ]);
    assert.match(mended.said, /4 of 4 nodes done \(4 changed, 0 unchanged\), 0 failed/);
    const idle = await engine.up(await engine.stack("later", NODES, { recheck: 1 }));
    assert.deepEqual([idle.failed, idle.asked], [false, []], idle.said);
  });

  it("stops in a window behind the canary too", async () => {
    engine.prints("worker-3", "");
    const { said, failed, asked } = await engine.up(await engine.stack("window", NODES), { continueOnError: true });
    assert.equal(failed, true);
    assert.deepEqual(
      commands(asked),
      ["worker-1", "worker-2", "worker-3"].map((name) => `create Command pause-${name}`),
    );
    assert.match(
      diagnosticsOf(said),
      /the rollout stops: 2 of 4 nodes done \(2 changed, 0 unchanged\), 1 failed, 1 waiting/,
    );
  });

  it("says in a preview, too, that the report of an earlier run cannot be read", async () => {
    engine.prints("worker-1", "");
    await engine.up(await engine.stack("preview", NODES));
    const stack = await engine.stack("preview", NODES);
    await assert.rejects(stack.preview(), /SandboxNode "pause-worker-1": the node's report is missing/);
  });
});
