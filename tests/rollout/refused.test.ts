/** Arguments and engines that are refused while the program runs, under the real engine: no node is begun, and the run ends. */
import { strict as assert } from "node:assert";

import * as pulumi from "@pulumi/pulumi";

import { PauseImageSource } from "../../components";
import { Engine, node } from "./engine";

/** The SDK's own store of the engine, for an inline program. */
interface Store {
  supportsErrorHooks: boolean;
}
const { asyncLocalStorage } = globalThis as unknown as { asyncLocalStorage: { getStore(): Store } };

/** The engine's client, whose type the SDK does not export. */
const { getEngine } = pulumi.runtime as unknown as {
  getEngine: () => { requirePulumiVersion: unknown };
};

describe("refused under the engine", function () {
  this.timeout(120_000);
  let engine: Engine;
  before(() => (engine = new Engine()));
  after(() => {
    engine.close();
  });

  describe("an image whose digest is refused when it is known", () => {
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

  describe("a CLI that is too old", () => {
    const says = /a rollout needs Pulumi's CLI 3\.\d+\.\d+ or later, to stop at its first failure: this one is old/;
    const TABLE: [string, RegExp, () => void][] = [
      [
        "and has no error hooks",
        new RegExp(says.source.replace("is old", "has no error hooks")),
        () => (asyncLocalStorage.getStore().supportsErrorHooks = false),
      ],
      [
        "and brings few errors to its hooks",
        says,
        () =>
          (getEngine().requirePulumiVersion = (_: unknown, done: (error: Error) => void) => {
            done(new Error("this one is old"));
          }),
      ],
    ];
    for (const [title, message, become] of TABLE) {
      it(`${title}, is refused, in a preview too: no node is begun, and the run does not wait for ever`, async () => {
        const asProgramRuns = {
          get maxUnavailable() {
            become();
            return "1";
          },
        };
        const stack = () => engine.stack("old", [node("a"), node("b")], asProgramRuns);
        const { failed, said, asked } = await engine.up(await stack(), { continueOnError: true });
        assert.deepEqual([failed, asked], [true, []], said);
        assert.match(said, message);
        await assert.rejects(async () => (await stack()).preview(), message);
      });
    }
  });
});
