/** The outputs of a stack whose run fails, under the real engine. */
import { strict as assert } from "node:assert";

import { Engine, node } from "./engine";

describe("the outputs of a stack, under the engine", function () {
  this.timeout(300_000);
  let engine: Engine;
  before(() => (engine = new Engine()));
  after(() => {
    engine.close();
  });

  const nodes = (host: string) => [node("a"), node("b", host)];
  const REFERENCE = "registry.example.com/platform/pause:1";
  before(async () => {
    await engine.up(await engine.stack("kept", nodes("b")));
  });
  for (const continueOnError of [false, true]) {
    const on = continueOnError ? " and the engine goes on" : "";
    it(`stay as they were where a node fails${on}, and are not printed as removed`, async () => {
      const stack = await engine.stack("kept", nodes("fails"), { recheck: 1 });
      const { said, failed } = await engine.up(stack, { continueOnError });
      assert.equal(failed, true, said);
      const [, printed = ""] = said.split("Outputs:");
      assert.doesNotMatch(printed, /^ +[-+~] .*:/m);
      assert.match(printed, /names +: \[\n +\[0\]: "a"\n +\[1\]: "b"\n/);
      const outputs = Object.entries(await stack.outputs()).map(([name, { value }]) => [name, value as unknown]);
      assert.deepEqual(Object.fromEntries(outputs), {
        reference: REFERENCE,
        names: ["a", "b"],
        count: { total: 2, "in-order": 2 },
      });
    });
  }
});
