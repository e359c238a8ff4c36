/** A node that cannot be reached, under the real engine, with doubles of the command plugin and of the API server. */
import { strict as assert } from "node:assert";

import { node as nodeObject, nodesServer, type NodesServer } from "../support/nodesServer";
import { Engine, node } from "./engine";

describe("a node that cannot be reached, under the engine", function () {
  this.timeout(300_000);
  let engine: Engine;
  let server: NodesServer;
  before(async () => {
    engine = new Engine();
    server = await nodesServer([[nodeObject("a"), nodeObject("there", { ready: "Unknown" }), nodeObject("up")]]);
  });
  after(() => {
    engine.close();
    server.close();
  });

  const up = async (name: string, host = "down") => {
    server.asked.length = 0;
    const { kubeconfig } = server;
    const { said } = await engine.up(
      await engine.stack(name, [node("a"), node(name, host), node("c")], { kubeconfig }),
    );
    const [, diagnostics = ""] = said.split("Diagnostics:");
    assert.match(diagnostics, /the rollout stops: 1 of 3 nodes done .*, 1 failed, 1 waiting/);
    return diagnostics;
  };

  it("is said to be gone from the cluster where its Node object is, and gone: true is named", async () => {
    const said = await up("gone");
    assert.equal(said.match(/The Node object gone is gone from the cluster\. .* set gone: \[gone\] /g)?.length, 1);
    assert.equal(server.asked[0]?.searchParams.get("fieldSelector"), "metadata.name=gone");
  });

  it("is said to be perhaps down where its Node object is there, with its Ready", async () => {
    const said = await up("there");
    assert.match(said, /The Node object there is in the cluster, with Ready Unknown\. So it may be down/);
    assert.doesNotMatch(said, /gone: true/);
  });

  it("is said to be up where its kubelet reports, so that its sshd is looked at", async () => {
    assert.match(
      await up("up"),
      /The Node object up is in the cluster, with Ready True.*only its sshd or the network to it fails/,
    );
  });

  it("is told from a node that fails otherwise, of which the cluster is not asked", async () => {
    assert.doesNotMatch(await up("there", "fails"), /Node object/);
    assert.equal(server.asked.length, 0);
  });

  it("is said to be not known of where the cluster cannot be asked", async () => {
    server.denied = true;
    const said = await up("unknown");
    server.denied = false;
    assert.match(said, /It is unknown whether its Node object still exists: the nodes of http.* cannot be listed/);
  });
});
