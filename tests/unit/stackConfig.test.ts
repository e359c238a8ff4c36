import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import * as fs from "fs";
import { parse } from "yaml";

import { PauseSandbox } from "../../components";
import { readStackConfig } from "../../stacks/config";
import { run } from "./mocks";

type Settings = Record<string, unknown>;

/** Runs `body` with these settings as the stack's configuration. */
async function configured<T>(settings: Settings, body: () => T): Promise<T> {
  let result: T | undefined;
  await run(() => {
    const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
    const entries = Object.entries(settings).map(([key, value]) => [`project:${key}`, text(value)]);
    pulumi.runtime.setAllConfig(Object.fromEntries(entries) as Record<string, string>);
    result = body();
  });
  return result as T;
}

/** The settings of a tracked stack file, without the project's name. */
function stackFile(name: string): Settings {
  const { config } = parse(fs.readFileSync(`stacks/Pulumi.${name}.yaml`, "utf8")) as { config: Settings };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("pause-sandbox:", ""), value]));
}

describe("the stack's configuration", () => {
  const secrets = { registryPassword: "p", sshPrivateKey: "k" };

  it("the example of a real cluster is read, and the components accept it", async () => {
    await run(() => undefined);
    const sandbox = await configured({ ...stackFile("example"), ...secrets }, () => {
      const { args } = readStackConfig();
      assert.strictEqual(args.nodes.length, 3);
      assert.strictEqual(args.nodes[0]?.canary, true);
      assert.strictEqual(args.nodes[2]?.connection.port, 2222);
      assert.strictEqual(args.nodes[1]?.connection.bastion?.host, "jump.bank.example");
      assert.strictEqual(args.maxUnavailable, "10%");
      return new PauseSandbox("pause", args);
    });
    assert.ok(sandbox);
  });

  const bad: [string, Settings, RegExp][] = [
    ["nodes that are no list", { nodes: { name: "a" } }, /nodes: {"name":"a"} is not allowed; it must be a list/],
    ["a node that is no object", { nodes: ["worker-1"] }, /nodes\[0\]: "worker-1" .* an object with host, port/],
    [
      "a misspelt field",
      { nodes: [{ name: "a", host: "a", hostkey: "x" }] },
      /nodes\[0\]\.hostkey: "x" .* one of the fields/,
    ],
    ["a misspelt field of the bastion", { bastion: { hots: "x" } }, /bastion\.hots: "x"/],
  ];
  for (const [name, settings, message] of bad) {
    it(`refuses ${name}`, () =>
      configured(settings, () => {
        assert.throws(() => readStackConfig(), message);
      }));
  }

  it("every setting that a tracked stack file has is declared in Pulumi.yaml or checked as an object", () => {
    const { config } = parse(fs.readFileSync("Pulumi.yaml", "utf8")) as { config: Settings };
    const known = new Set([...Object.keys(config), "nodes", "bastion"]);
    for (const name of ["lab", "example"]) {
      assert.deepStrictEqual(
        Object.keys(stackFile(name)).filter((key) => !known.has(key)),
        [],
        name,
      );
    }
  });
});
