/** Whether a carried image comes back by itself: what the components ask of a node for it. */
import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { BootSetup, PauseImageSource, PauseSandbox, SandboxNode } from "../../components";
import { pauseArchive } from "../../components/archive/pauseArchive";
import { line, refused, run } from "../support/mocks";

const reference = "registry.example.com:5000/platform/pause:1.0.0";
const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
const connection = { host: "node-1.example.com", hostKey: HOST_KEY };
const nodes = [{ name: "node-1", connection }];
const carried = { source: PauseImageSource.Carried };

describe("selfHeal", () => {
  const commandOf = async (selfHeal?: pulumi.Input<boolean>) => {
    const all = await run(() => new PauseSandbox("pause", { image: carried, nodes, selfHeal }));
    const node = all.find(({ name }) => name === "pause-node-1");
    assert.ok(node, all.map(line).join());
    return (node.inputs as { create: string }).create;
  };

  it("is what a node does unless it is told otherwise, also by an Output", async () => {
    assert.doesNotMatch(await commandOf(), /self-heal/);
    assert.strictEqual(await commandOf(true), await commandOf());
    assert.match(await commandOf(false), / self-heal=0$/);
    assert.strictEqual(await commandOf(pulumi.output(false)), await commandOf(false));
  });

  it("is left out of a payload in the same way", async () => {
    const archive = path.join(os.tmpdir(), `pause-sandbox-heal-${process.pid}.tar`);
    fs.writeFileSync(archive, pauseArchive(["linux/amd64"]).tar);
    const programs: string[] = [];
    await run(() => {
      for (const selfHeal of [undefined, false])
        new BootSetup(`boot-${String(selfHeal)}`, { reference, archive, selfHeal }).program.apply((one) =>
          programs.push(one),
        );
    });
    fs.rmSync(archive);
    const settings = programs.map((one) => {
      const data = /printf %s '([A-Za-z0-9+/=]+)'\|base64 -d\|sh -c/.exec(one)?.[1] ?? "";
      return /^self-heal .*$/m.exec(Buffer.from(data, "base64").toString())?.[0];
    });
    assert.deepStrictEqual(settings.sort(), ["self-heal 0", undefined]);
  });

  for (const selfHeal of [true, false])
    it(`${String(selfHeal)} is refused where no image is carried`, async () => {
      const words = ["selfHeal", "left out: only an image with source carried, or with archive, stays on the node"];
      await refused(() => new PauseSandbox("pause", { image: { reference }, nodes, selfHeal }), words);
      await refused(() => new SandboxNode("node-1", { connection, reference, selfHeal }), words);
      await refused(() => new BootSetup("boot", { reference, selfHeal }), words);
    });

  it("is true or false", async () => {
    const selfHeal = "no" as unknown as boolean;
    await refused(() => new PauseSandbox("pause", { image: carried, nodes, selfHeal }), ['selfHeal: "no"']);
  });
});
