/** The component as programs in other languages make it: the engine has the plugin make it, from what comes over the wire. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { pauseArchive } from "../../components/archive/pauseArchive";
import { Engine, node, resourcesOf } from "../rollout/engine";
import { folder, ROOT, TOKEN } from "./sdk";
import { type Started, start } from "./started";

/** The resource that the SDK of every language registers. */
class Remote extends pulumi.ComponentResource {
  declare readonly reference: pulumi.Output<string>;
  declare readonly digest: pulumi.Output<string>;

  constructor(inputs: pulumi.Inputs) {
    super(TOKEN, "pause", { reference: undefined, digest: undefined, ...inputs }, {}, true);
  }
}

describe("the plugin under the engine", function () {
  this.timeout("2m");
  const program = folder("carrying");
  let engine: Engine;
  let plugin: Started;

  before(async () => {
    engine = new Engine();
    // The engine starts a plugin in the program's folder.
    plugin = await start("run-plugin", [path.join(ROOT, "plugin"), "engine"], program);
  });
  after(() => {
    plugin.end();
    engine.close();
  });

  const stackOf = (name: string, image: pulumi.Inputs) =>
    engine.stackOf(
      name,
      () => {
        const { reference, digest } = new Remote({ image, nodes: [node("a")] });
        return Promise.resolve({ reference, digest });
      },
      { PULUMI_DEBUG_PROVIDERS: `pause-sandbox:${plugin.address.replace(/.*:/, "")}` },
    );

  const ours = pauseArchive(["linux/amd64"]);
  const carried: [string, pulumi.Inputs, string][] = [
    ["this project's pause", { source: "carried", platforms: ["linux/amd64"] }, "localhost/pause-sandbox/pause:"],
    [
      "a file beside the program",
      { source: "carried", archive: "pause.tar", reference: "registry.example.com/platform/pause:1" },
      "registry.example.com/platform/pause:1",
    ],
  ];
  for (const [what, image, reference] of carried) {
    it(`takes ${what} to a node, without a registry`, async () => {
      fs.writeFileSync(path.join(program, "pause.tar"), ours.tar);
      const stack = await stackOf(what.replaceAll(/\W/g, "-"), image);
      const { failed, said, nodes } = await engine.up(stack);
      assert.equal(failed, false, said);
      assert.deepEqual(nodes, ["a"]);
      const outputs = await stack.outputs();
      assert.ok((outputs.reference?.value as string).startsWith(reference), said);
      assert.equal(outputs.digest?.value, ours.digest);
      const types = (await resourcesOf(stack)).map(({ type }) => type);
      assert.deepEqual(
        types.filter((type) => /^docker/.test(type)),
        [],
      );
    });
  }

  it("refuses a file that is not there by its name, and begins no node", async () => {
    const image = { source: "carried", archive: "gone.tar", reference: "registry.example.com/platform/pause:1" };
    const { failed, said, asked } = await engine.up(await stackOf("gone", image));
    assert.deepEqual([failed, asked], [true, []], said);
    assert.match(said, /image\.archive: "gone\.tar"/);
  });
});
