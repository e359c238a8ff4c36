/** What a run says of its nodes in every shape of a run, under the real engine. */
import { strict as assert } from "node:assert";

import * as fc from "fast-check";

import { atLeast } from "../support/tier";
import { Engine, node } from "./engine";

describe("the counts of a run, under the engine", function () {
  this.timeout(300_000);
  let engine: Engine;
  before(() => (engine = new Engine()));
  after(() => {
    engine.close();
  });
  const diagnosticsOf = (said: string): string => said.split("Diagnostics:")[1] ?? "";
  const three = () => ["a", "b", "c"].map((name) => node(name));

  it("have nodes that --target leaves out as left out, and name the canary that is passed by", async () => {
    await engine.up(await engine.stack("target", three()));
    const stack = await engine.stack("target", three(), { recheck: 1 });
    const { said, asked, failed } = await engine.up(stack, { target: ["**pause-b"] });
    assert.deepEqual([failed, asked], [false, ["update Command pause-b"]], said);
    const count = (await stack.outputs())["count"]?.value as unknown;
    assert.deepEqual(count, { total: 3, "in-order": 1, "not-looked-at": 2 });
    assert.match(
      diagnosticsOf(said),
      /1 of 3 nodes done \(1 changed, 0 unchanged\), 2 left out of this run, 0 failed, 0 waiting/,
    );
    assert.match(
      diagnosticsOf(said),
      /warning: pause-a is a canary that this run leaves out: the other nodes are changed/,
    );
  });

  it("take no node for failed that --target leaves out before any run has created it", async () => {
    const stack = await engine.stack("canary", three());
    const { said, asked, failed } = await engine.up(stack, {
      target: ["**:pause", "**:pause-image", "**pause-a", "**pause-a-script"],
    });
    assert.deepEqual([failed, asked], [false, ["create CopyToRemote pause-a-script", "create Command pause-a"]], said);
    assert.match(
      diagnosticsOf(said),
      /1 of 3 nodes done \(1 changed, 0 unchanged\), 2 left out of this run, 0 failed, 0 waiting/,
    );
    assert.doesNotMatch(said, /report cannot be read/);
  });

  it("have a node whose host is gone as gone", async () => {
    await engine.up(await engine.stack("gone", three()));
    // Neither an inventory nor the cluster has its address any more.
    const nodes = [node("a"), { ...node("b", "host-is-gone.invalid"), gone: true }, node("c")];
    const { said, asked } = await engine.up(await engine.stack("gone", nodes));
    assert.doesNotMatch(asked.join(), / Command /);
    assert.match(diagnosticsOf(said), /2 of 2 nodes done \(0 changed, 2 unchanged\), 1 gone, 0 failed, 0 waiting/);
    await (await engine.stack("gone", nodes)).preview();
  });

  it("have no connection to a node that is gone before any run has healed it, and name the way out", async () => {
    const nodes = [node("a"), { ...node("b", "down"), gone: true }];
    const stack = await engine.stack("never", nodes);
    let preview = "";
    await assert.rejects(stack.preview({ onOutput: (text) => (preview += text) }));
    assert.match(preview, /b is marked as gone, but no run has healed a node of this name/);
    const { said, asked, failed } = await engine.up(stack);
    assert.equal(failed, true, said);
    assert.doesNotMatch(asked.join(), /pause-b/);
    assert.match(
      diagnosticsOf(said),
      /b is marked as gone, but no run has healed a node of this name, so there is nothing to keep: take it out of gone and of the nodes/,
    );
    assert.doesNotMatch(said, /PS-L001/);
  });

  it("have a node that leaves and cannot be given back beside the others, with its host and the way out", async () => {
    await engine.up(await engine.stack("leaves", [node("a"), node("b", "went")]));
    const { said, failed, nodes } = await engine.up(await engine.stack("leaves", [node("a")]));
    assert.deepEqual([failed, nodes], [true, ["a", "b"]], said);
    assert.match(
      diagnosticsOf(said),
      /b was removed from the stack, but could not be restored: 1 of 1 node done \(0 changed, 1 unchanged\), 0 failed, 0 waiting\. The next pulumi up tries again\. .* set gone: \[b\] .*gone: true.* PS-L001 went:22 does not answer \(after 4 failed/,
    );
    assert.doesNotMatch(said, /-1 waiting|has restored itself|the rollout stops/);
  });

  it("say of a node that nothing ran on that it was not changed, with host and page", async () => {
    const { said } = await engine.up(await engine.stack("down", [node("a"), node("b", "down", "ops"), node("c")]));
    assert.match(
      diagnosticsOf(said),
      /the rollout stops: 1 of 3 nodes done .*, 1 failed, 1 waiting or under way\. Nothing was changed on that node\. .* PS-L001 down:22 does not answer \(.*no route to host\)\. What to do: .*docs\/errors\/PS-L001\.md\. If its host no longer exists, set gone: \[b\]/,
    );
    assert.doesNotMatch(said, /restored itself/);
  });

  it("have the code of a node that cannot be given back in a destroy that runs the program, as its page says", async () => {
    const stack = await engine.stack("destroyed", [node("a", "went")]);
    await engine.up(stack);
    const said = async (runProgram: boolean) => {
      let text = "";
      await assert.rejects(stack.destroy({ runProgram, onOutput: (out) => (text += out) }));
      return text;
    };
    assert.doesNotMatch(await said(false), /PS-L001/);
    assert.match(await said(true), /PS-L001 went:22 does not answer/);
  });

  it("are told of each of two nodes that fail together, and once that the rollout stops", async () => {
    const letGo = engine.hold("fails");
    const nodes = [node("a"), node("b", "fails"), node("c", "fails"), node("d")];
    const up = engine.up(await engine.stack("together", nodes, { maxUnavailable: "2" }));
    await engine.wasAsked(...["b", "c"].map((name) => `create CopyToRemote pause-${name}-script`));
    letGo();
    const said = diagnosticsOf((await up).said);
    assert.equal(said.match(/the rollout stops: /g)?.length, 1, said);
    const last =
      /failed too: 1 of 4 nodes done \(1 changed, 0 unchanged\), 2 failed, 1 waiting or under way\. Nothing was/;
    assert.match(said, last);
  });

  it("add up in any plan, whichever nodes fail, leave, are gone or are left out", async () => {
    const kind = fc.constantFrom("well", "unchanged", "fails", "gone", "leaves", "target");
    const plan = fc.record({
      kinds: fc.array(kind, { minLength: 1, maxLength: 5 }),
      window: fc.integer({ min: 1, max: 3 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(plan, async ({ kinds, window }) => {
        const name = `any-${++run}`;
        const all = kinds.map((_, i) => node(`n${i}`, kinds[i] === "leaves" ? "went" : `n${i}`));
        assert.equal((await engine.up(await engine.stack(name, all))).failed, false);
        const staying = kinds.flatMap((one, i) =>
          one === "leaves" ? [] : [{ ...node(`n${i}`, one === "well" ? `n${i}` : one), gone: one === "gone" }],
        );
        if (staying.length === 0) return;
        const stack = await engine.stack(name, staying, { recheck: 1, maxUnavailable: `${window}` });
        const target = kinds.includes("target")
          ? kinds.flatMap((one, i) => (one === "target" ? [] : [`**pause-n${i}`, `**pause-n${i}-script`]))
          : undefined;
        const { said, failed: stopped } = await engine.up(stack, { target, continueOnError: true });
        const lines = [
          ...said.matchAll(
            /(\d+) of (\d+) nodes? done \([^)]*\)(?:, (\d+) gone)?(?:, (\d+) left out of this run)?, (-?\d+) failed, (-?\d+) waiting/g,
          ),
        ];
        assert.ok(lines.length > 0, said);
        for (const [, ...counts] of lines) {
          // A part that is not there is undefined.
          const [done = 0, of = 0, gone = 0, out = 0, failed = 0, waiting = 0] = counts.map((text) =>
            Number(text || 0),
          );
          assert.equal(done + out + failed + waiting, of, said);
          assert.ok(waiting >= 0 && of + gone === staying.length, said);
        }
        if (stopped) return;
        const {
          "in-order": well,
          total,
          ...others
        } = (await stack.outputs())["count"]?.value as Record<string, number>;
        const of = (kind: string) =>
          staying.filter((_, i) => kinds.filter((one) => one !== "leaves")[i] === kind).length;
        assert.deepEqual(
          { well, total, gone: others["gone"] ?? 0, out: others["not-looked-at"] ?? 0 },
          {
            ...{ well: staying.length - of("gone") - of("target"), total: staying.length - of("gone") },
            ...{ gone: of("gone"), out: of("target") },
          },
          said,
        );
      }),
      { numRuns: atLeast("long") ? 50 : 4 },
    );
  });
});
