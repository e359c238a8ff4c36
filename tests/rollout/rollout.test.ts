/** Rollouts under the real engine, with a double of the command plugin that connects to nobody. */
import { strict as assert } from "node:assert";

import { Engine, node, resourcesOf } from "./engine";

describe("a rollout under the engine", function () {
  this.timeout(300_000);
  let engine: Engine;
  before(() => (engine = new Engine()));
  after(() => {
    engine.close();
  });

  it("stops at the first node that fails, and says how many are done and wait", async () => {
    const stack = await engine.stack("first", [node("a"), node("b"), node("c", "fails"), node("d"), node("e")]);
    const { said, nodes } = await engine.up(stack);
    assert.deepEqual(nodes, ["a", "b"]);
    assert.match(
      said,
      /the rollout stops: 2 of 5 nodes done \(2 changed, 0 unchanged\), 1 failed, 2 waiting or under way/,
    );
  });

  it("has the engine call nothing behind a node: after Ctrl-C its program has ended", async () => {
    const stack = await engine.stack("hooks", [node("a")]);
    await engine.up(stack);
    const hooks = (await resourcesOf(stack)).flatMap(({ resourceHooks = {} }) => Object.keys(resourceHooks));
    assert.deepEqual([...new Set(hooks)].sort(), ["BeforeCreate", "BeforeUpdate", "OnError"]);
  });

  it("begins no further node either where the engine goes on with what does not depend on it", async () => {
    // Two chains behind the canary: one ends with the node that fails, the other would go on.
    const nodes = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map((name) =>
      node(name, name === "c" ? "fails" : name),
    );
    const { said, nodes: changed } = await engine.up(await engine.stack("on", nodes, { maxUnavailable: "2" }), {
      continueOnError: true,
    });
    assert.match(said, /the rollout stops: \d of 9 nodes done \(\d changed, 0 unchanged\), 1 failed/);
    assert.match(said, /not begun, because pause-c(-script)? failed: the rollout stops at the first failure/);
    assert.ok(changed.includes("a") && !changed.includes("i"), changed.join());
  });

  it("goes on where it stopped once the cause is mended, and touches nothing twice", async () => {
    const { nodes } = await engine.up(
      await engine.stack(
        "first",
        ["a", "b", "c", "d", "e"].map((name) => node(name)),
      ),
    );
    assert.deepEqual(nodes, ["a", "b", "c", "d", "e"]);
    const again = await (
      await engine.stack(
        "first",
        ["a", "b", "c", "d", "e"].map((name) => node(name)),
      )
    ).up();
    assert.deepEqual(Object.keys(again.summary.resourceChanges ?? {}), ["same"]);
  });

  it("warns once where the window is wider than what the engine runs at a time", async () => {
    const nodes = ["a", "b", "c", "d"].map((name) => node(name));
    const wide = await engine.stack("wide", nodes, { maxUnavailable: "50" });
    const { said } = await engine.up(wide, { parallel: 2 });
    const [, diagnostics = ""] = said.split("Diagnostics:");
    assert.equal(diagnostics.match(/allows 3 nodes at a time, but the engine runs 2 operations/g)?.length, 1, said);
    assert.doesNotMatch((await engine.up(wide, { parallel: 3 })).said, /operations at a time/);
  });

  it("says how far it is at the canary and each tenth, and what became of all nodes", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
    const nodes = names.map((name) => node(name, name === "n7" ? "unchanged" : name));
    const many = await engine.stack("many", nodes, { maxUnavailable: "5" });
    const { said } = await engine.up(many);
    const counted = [...said.matchAll(/ (\d+) of 20 nodes done/g)].map(([, done]) => Number(done));
    assert.deepEqual([...new Set(counted)], [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20], said);
    const ofAll = (text: string) => text.split("Diagnostics:")[1]?.match(/\d+ of \d+ nodes done.*/g);
    assert.deepEqual(ofAll(said), ["20 of 20 nodes done (19 changed, 1 unchanged), 0 failed, 0 waiting"]);
    // Nothing runs on the 20 nodes of before.
    const more = await engine.up(await engine.stack("many", [...nodes, node("new")], { maxUnavailable: "5" }));
    assert.deepEqual(ofAll(more.said), ["21 of 21 nodes done (1 changed, 20 unchanged), 0 failed, 0 waiting"]);
    assert.deepEqual(more.asked, ["create CopyToRemote pause-new-script", "create Command pause-new"]);
  });
});
