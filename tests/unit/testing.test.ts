/** What `pause-sandbox/testing` gives to tests of other programs. */
import * as command from "@pulumi/command";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";

import { NodeStatus, PauseImage, PauseSandbox, type PauseSandboxArgs } from "../../components";
import { known, MOCK_DIGEST, mockCluster, type MockClusterOptions } from "../../components/testing";

const REFERENCE = "registry.example.com:5000/platform/pause:1.0.0";
const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";

const ARGS: PauseSandboxArgs = {
  image: { reference: REFERENCE },
  nodes: ["worker-1", "worker-2"].map((name) => ({ name, connection: { host: name, hostKey: HOST_KEY } })),
};

async function cluster(args: Partial<PauseSandboxArgs> = {}, options: MockClusterOptions = {}) {
  await mockCluster(options);
  return new PauseSandbox("pause", { ...ARGS, ...args });
}

describe("the mocks for programs of other people", () => {
  it("answer with a report of each node: name, image and the digest that was pushed", async () => {
    const reports = await known((await cluster()).nodes);
    assert.deepStrictEqual(Object.keys(reports), ["worker-1", "worker-2"]);
    for (const [name, { node, image, digest, status }] of Object.entries(reports)) {
      assert.deepStrictEqual([node, image, digest, status], [name, REFERENCE, MOCK_DIGEST, NodeStatus.Changed]);
    }
  });

  it("read what a node was asked for where a login makes all of it secret", async () => {
    const trust = { login: { username: "puller", password: "secret" } };
    const { "worker-2": report } = await known((await cluster({ trust })).nodes);
    assert.strictEqual(report?.image, REFERENCE);
  });

  it("answer a dry run with what would change", async () => {
    const { "worker-1": report } = await known((await cluster({ dryRun: true })).nodes);
    assert.deepStrictEqual([report?.status, report?.restarted], [NodeStatus.WouldChange, []]);
  });

  it("take another report for one node, another digest, and names of project and stack", async () => {
    const digest = `sha256:${"1".repeat(64)}`;
    const sandbox = await cluster(
      {},
      {
        ...{ digest, project: "theirs", stack: "live" },
        report: (node) => (node === "worker-2" ? { status: NodeStatus.Unchanged } : {}),
      },
    );
    const reports = await known(sandbox.nodes);
    assert.deepStrictEqual(
      Object.values(reports).map(({ status }) => status),
      [NodeStatus.Changed, NodeStatus.Unchanged],
    );
    assert.strictEqual(await known(sandbox.digest), digest);
    assert.deepStrictEqual([pulumi.getProject(), pulumi.getStack()], ["theirs", "live"]);
  });

  it("have the settings of a program that are set before it is imported, as the guide says", async () => {
    await mockCluster();
    pulumi.runtime.setAllConfig({ "project:knownHosts": "a line" });
    assert.equal(new pulumi.Config().require("knownHosts"), "a line");
    pulumi.runtime.setAllConfig({});
  });

  it("name the sample Pod as Kubernetes would", async () => {
    const sandbox = await cluster({ proof: { nginxImage: "nginx:1", appImage: "app:1" } });
    assert.deepStrictEqual(await known(sandbox.pods), ["default/pause-proof-pod"]);
  });

  it("give other resources their inputs as state, or what the test says", async () => {
    await mockCluster({
      state: ({ type, inputs }) =>
        type === "kubernetes:core/v1:Secret" ? { ...(inputs as object), data: {} } : undefined,
    });
    const copy = new command.remote.CopyToRemote("copy", {
      connection: { host: "worker-1" },
      source: new pulumi.asset.StringAsset("text"),
      remotePath: "/there",
    });
    const secret = new k8s.core.v1.Secret("own", { stringData: { key: "value" } });
    assert.strictEqual(await known(copy.remotePath), "/there");
    assert.deepStrictEqual(await known(secret.data), {});
  });

  it("let a test fail with the reason of an Output that fails", async () => {
    await mockCluster();
    const image = new PauseImage("pause", { reference: pulumi.output(Promise.resolve("pause")) });
    await assert.rejects(known(image.reference), /reference: "pause" is not allowed/);
  });
});
