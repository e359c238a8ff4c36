/** What a program has switched off is said, by the names of the nodes. */
import { strict as assert } from "node:assert";

import * as pulumi from "@pulumi/pulumi";

import type { ClusterNode } from "../../components";
import { weakenedBy } from "../../components/weakened";
import { known } from "../../components/inputs";
import { run } from "../support/mocks";

const REFERENCE = "registry.example.com:5000/platform/pause:1";
const login = { username: "bob", password: "hunter2" };
const strict = { host: "a", hostKey: "ssh-ed25519 AAAA" };
const open = { host: "a", insecureIgnoreHostKey: true };
const node = (name: string, connection: ClusterNode["connection"]): ClusterNode => ({ name, connection });

async function warnings(...given: Parameters<typeof weakenedBy>): Promise<string[]> {
  let said: string[] | undefined;
  await run(async () => {
    said = await known(weakenedBy(...given));
  });
  return said ?? [];
}

describe("a program that switches something off", () => {
  it("is told which nodes have no host key, or a bastion without one, however that is known", async () => {
    const nodes = [
      node("strict", strict),
      node("open", open),
      node("behind", { ...strict, bastion: open }),
      node("later", { ...strict, insecureIgnoreHostKey: pulumi.output(true) }),
      node("secret", pulumi.secret(open)),
      node("fine", pulumi.output(strict)),
      // Nobody connects to it.
      { ...node("went", open), gone: true },
    ];
    const [said = "", ...others] = await warnings(nodes, undefined, REFERENCE);
    assert.match(said, /^insecureIgnoreHostKey: host keys are not checked of 4 nodes: open, behind, later, secret\. /);
    assert.deepEqual(others, []);
    assert.match(
      (await warnings([node("one", open)], undefined, REFERENCE))[0] ?? "",
      /host keys are not checked of 1 node: one\./,
    );
    const many = Array.from({ length: 1000 }, (_, i) => node(`n${i}`, open));
    assert.match(
      (await warnings(many, undefined, REFERENCE))[0] ?? "",
      /1000 nodes: n0, n1, n2, n3, n4 and 995 more\./,
    );
  });

  it("is told that a login goes over plain HTTP, and where to", async () => {
    for (const trust of [{ plainHttp: true, login }, pulumi.output({ plainHttp: true, login: pulumi.secret(login) })]) {
      const said = await warnings([node("a", strict)], trust, REFERENCE);
      assert.match(said.join(), /^trust\.plainHttp: .* unencrypted to registry\.example\.com:5000 with every pull/);
      assert.ok(!said.join().includes("hunter2"));
    }
    for (const trust of [{ plainHttp: true }, { login }, { plainHttp: false, login }, undefined]) {
      assert.deepEqual(await warnings([node("a", strict)], trust, REFERENCE), []);
    }
  });
});
