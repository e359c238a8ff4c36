/** A stack that 0.1.0 has left, under the program of this checkout (recorded/README.md). */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import type { Stack } from "@pulumi/pulumi/automation";

import { PauseImageSource, type PauseSandboxArgs } from "../../components";
import { Engine, node, resourcesOf } from "./engine";

const DIGEST = `sha256:${"d".repeat(64)}`;
const NODES = [node("a"), node("b", "b", "admin"), node("c")];
/** What 0.1.0's program was given besides. */
const ASKED: Partial<PauseSandboxArgs> = {
  image: {
    reference: "registry.example.com/platform/pause:1",
    source: PauseImageSource.Existing,
    digest: DIGEST,
  },
  trust: { mirrors: ["https://mirror.example.com"], login: { username: "puller", password: "word" } },
};

interface Recorded {
  version: number;
  deployment: { secrets_providers?: object };
}

describe("a stack of 0.1.0 under the engine", function () {
  this.timeout(300_000);
  let engine: Engine;
  before(() => (engine = new Engine()));
  after(() => {
    engine.close();
  });

  /** The stack as 0.1.0 left it, with the program of now. */
  async function left(nodes = NODES): Promise<Stack> {
    // Its name is in the recorded URNs.
    const stack = await engine.stack("upgrade", nodes, ASKED);
    const file = path.join(__dirname, "recorded/0.1.0.json");
    const { version, deployment } = JSON.parse(fs.readFileSync(file, "utf8")) as Recorded;
    const { secrets_providers } = (await stack.exportStack()).deployment as Recorded["deployment"];
    await stack.importStack({ version, deployment: { ...deployment, secrets_providers } });
    return stack;
  }

  const ofKind = (asked: readonly string[], kind: string) => asked.filter((line) => line.startsWith(kind));

  it("is taken over: each node is changed once, none is restored, and then nothing is left to do", async () => {
    const stack = await left();
    const before = (await resourcesOf(stack)).map(({ urn }) => urn);
    const first = await engine.up(stack);
    assert.equal(first.failed, false, first.said);
    assert.deepEqual(ofKind(first.asked, "delete"), []);
    assert.deepEqual(ofKind(first.asked, "create Command"), []);
    assert.deepEqual(
      ofKind(first.asked, "update Command"),
      ["a", "b", "c"].map((name) => `update Command pause-${name}`),
    );
    const now = (await resourcesOf(stack)).map(({ urn }) => urn);
    assert.deepEqual(
      before.filter((urn) => !now.includes(urn)),
      [],
    );
    const second = await stack.up();
    assert.deepEqual(Object.keys(second.summary.resourceChanges ?? {}), ["same"]);
    const restored = ofKind(await engine.down(stack), "delete Command");
    assert.deepEqual(
      restored,
      ["c", "b", "a"].map((name) => `delete Command pause-${name}`),
    );
  });

  it("stops at a node that fails, and goes on without touching the others again", async () => {
    const failing = NODES.map((one) => (one.name === "b" ? node("b", "fails") : one));
    const stopped = await engine.up(await left(failing));
    assert.deepEqual(ofKind(stopped.asked, "delete"), []);
    assert.deepEqual(ofKind(stopped.asked, "update Command"), ["update Command pause-a"]);
    const on = await engine.up(await engine.stack("upgrade", NODES, ASKED));
    assert.deepEqual(ofKind(on.asked, "delete"), []);
    assert.deepEqual(ofKind(on.asked, "update Command"), ["update Command pause-b", "update Command pause-c"]);
  });
});
