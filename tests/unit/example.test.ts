import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";

import { type Machine, twoClusters } from "../../examples/twoClusters";
import { DIGEST, run } from "../support/mocks";

const machine = (name: string): Machine => ({
  name,
  address: `${name}.example.com`,
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00",
});

describe("a program of one's own that uses the components", () => {
  it("builds the image once, and starts with production when staging is done", async () => {
    const key = pulumi.secret("a key");
    const all = await run(() => twoClusters([machine("s1"), machine("s2")], [machine("p1"), machine("p2")], key));
    const commands = all.filter(({ type }) => type === "command:remote:Command").map(({ name }) => name);
    assert.deepStrictEqual(commands.sort(), ["production-p1", "production-p2", "staging-s1", "staging-s2"]);
    assert.strictEqual(all.filter(({ type }) => type === "docker-build:index:Index").length, 1);
    const production = all.find(({ name }) => name === "production");
    assert.ok(production?.dependsOn.includes("staging-s2"), production?.dependsOn.join(", "));
  });

  it("lets every node check the digest of what was pushed", async () => {
    const all = await run(() => twoClusters([machine("s1")], [machine("p1")], "a key"));
    const stdin = String(all.find(({ name }) => name === "staging-s1")?.inputs.stdin);
    assert.strictEqual(stdin, `digest ${DIGEST}\n`);
  });
});
