/** A digest that turns out to be refused, under the real engine: no node is begun, and the run ends. */
import { strict as assert } from "node:assert";

import * as pulumi from "@pulumi/pulumi";

import { PauseImageSource } from "../../components";
import { Engine, node } from "./engine";

describe("an image whose digest is refused when it is known, under the engine", function () {
  this.timeout(120_000);
  let engine: Engine;
  before(() => (engine = new Engine()));
  after(() => {
    engine.close();
  });

  it("begins none of several nodes, and does not wait for them", async () => {
    const image = {
      reference: "registry.example.com/platform/pause:1",
      source: PauseImageSource.Existing,
      // An Output belongs to the program that it is made in.
      get digest() {
        return pulumi.output("none");
      },
    };
    const nodes = ["a", "b", "c"].map((name) => node(name));
    const { failed, said, asked } = await engine.up(await engine.stack("refused", nodes, { image }));
    assert.equal(failed, true);
    assert.deepEqual(asked, []);
    assert.match(said, /PauseImage "pause-image": 1 problem with the arguments\s+- digest: "none" is not allowed/);
  });
});
