import * as assert from "assert";

import { PauseImageSource, PauseSandbox } from "../../components";
import { withoutStacks } from "../../components/engine";
import { known } from "../../components/testing";
import { run } from "../support/mocks";

const NODES = 1000;

describe("a cluster of 1,000 nodes", function () {
  // The clock is the benchmark's: `make bench-scale`.
  this.timeout(300_000);
  // The SDK notes a stack for each property of each resource. Looking all of them up in source maps takes most of the time.
  before(() => {
    process.setSourceMapsEnabled(false);
  });
  after(() => {
    process.setSourceMapsEnabled(true);
  });

  it("has every node registered once, and reported by name", async () => {
    const names = Array.from({ length: NODES }, (_, i) => `worker-${i}`);
    let sandbox: PauseSandbox | undefined;
    const registered = await run(() => {
      sandbox = new PauseSandbox("pause", {
        image: { reference: "registry.example.com/platform/pause:1.0.0", source: PauseImageSource.Existing },
        nodes: names.map((name) => ({ name, connection: { host: name, insecureIgnoreHostKey: true } })),
        maxUnavailable: "10%",
      });
      return known(sandbox.nodes).then(() => undefined);
    });
    const commands = registered.filter(({ type }) => type === "command:remote:Command");
    assert.deepStrictEqual(new Set(commands.map(({ name }) => name)), new Set(names.map((name) => `pause-${name}`)));
    assert.strictEqual(commands.length, NODES);
    assert.ok(sandbox);
    assert.deepStrictEqual(Object.keys(await known(sandbox.nodes)).sort(), [...names].sort());
  });

  it("costs no stack traces, and the program has its own again behind it", async () => {
    const before = Error.stackTraceLimit;
    const again = withoutStacks();
    assert.strictEqual(new Error("none").stack, "Error: none");
    again();
    await run(() => {
      const image = { reference: "registry.example.com/platform/pause:1.0.0", source: PauseImageSource.Existing };
      const nodes = [{ name: "a", connection: { host: "a", insecureIgnoreHostKey: true } }];
      new PauseSandbox("pause", { image, nodes });
      assert.strictEqual(Error.stackTraceLimit, before);
    });
  });
});
