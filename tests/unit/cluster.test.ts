import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";

import { nodesOfCluster, PauseSandbox, type SshConnection } from "../../components";
import { nodesNotListed, selectNodes } from "../../components/sources/cluster";
import { run } from "../support/mocks";
import { node, nodesServer, type NodesServer } from "../support/nodesServer";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";

describe("nodes of a cluster", () => {
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

  it("come in the order of their names, with numbers as numbers", () => {
    assert.deepStrictEqual(names(selectNodes([node("w-10"), node("w-2"), node("cp")], {}).found), [
      "cp",
      "w-2",
      "w-10",
    ]);
  });

  it("are left out where they are not Ready, run Windows, or have no such address, and it is said", () => {
    const nodes = [node("a"), node("b", { ready: "Unknown" }), node("c", { system: "windows" })];
    assert.deepStrictEqual(selectNodes(nodes, {}), {
      found: [{ name: "a", host: "10.0.0.1" }],
      leftOut: [
        { name: "b", why: "is not Ready" },
        { name: "c", why: "runs windows" },
      ],
    });
    assert.deepStrictEqual(selectNodes([node("a")], { address: "ExternalIP" }).leftOut, [
      { name: "a", why: "has no ExternalIP" },
    ]);
  });

  it("are taken where they are not Ready, if that is asked for", () => {
    assert.deepStrictEqual(names(selectNodes([node("a", { ready: "False" })], { notReady: true }).found), ["a"]);
  });

  it("have their address, canaries and groups from what the user names", () => {
    const nodes = [
      node("a", { labels: { pool: "edge", "ssh.example/host": "10.9.9.9" } }),
      node("b", { labels: { canary: "yes", "ssh.example/host": "10.9.9.8" } }),
    ];
    const selection = { address: "ssh.example/host", canaryLabel: "canary=yes", groupLabel: "pool" };
    assert.deepStrictEqual(selectNodes(nodes, selection).found, [
      { name: "a", host: "10.9.9.9", group: "edge" },
      { name: "b", host: "10.9.9.8", canary: true },
    ]);
    assert.strictEqual(selectNodes(nodes, { canaryLabel: "canary=no" }).found[1]?.canary, undefined);
    assert.strictEqual(selectNodes(nodes, { canaryLabel: "canary" }).found[1]?.canary, true);
    assert.strictEqual(selectNodes(nodes, { address: "Hostname" }).found[0]?.host, "a.example");
  });

  it("that a list does not have are named, but for those with Windows", () => {
    const nodes = [node("w-10"), node("w-9", { ready: "False" }), node("w-1"), node("win", { system: "windows" })];
    assert.deepStrictEqual(nodesNotListed(nodes, ["w-1"]), ["w-9", "w-10"]);
  });

  describe("from an API server", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-cluster-"));
    let server: NodesServer;
    let kubeconfig = "";
    before(async () => {
      server = await nodesServer([[node("w-2", { ip: "10.0.0.2" })], [node("w-1"), node("w-3", { ready: "False" })]]);
      ({ kubeconfig } = server);
      fs.writeFileSync(path.join(folder, "kubeconfig"), kubeconfig);
    });
    beforeEach(() => {
      server.asked.length = 0;
      server.denied = false;
    });
    after(() => {
      server.close();
      fs.rmSync(folder, { recursive: true });
    });

    const knownHosts = `10.0.0.* ${hostKey}\n`;

    it("are all of its pages, with the host keys of known_hosts, and can be given to PauseSandbox", async () => {
      const { nodes, leftOut } = await nodesOfCluster({
        kubeconfig,
        knownHosts,
        labelSelector: "pool",
        connection: { user: "admin" },
      });
      assert.deepStrictEqual(leftOut, [{ name: "w-3", why: "is not Ready" }]);
      assert.deepStrictEqual(
        nodes.map(({ name, connection }) => [name, (connection as SshConnection).host]),
        [
          ["w-1", "10.0.0.1"],
          ["w-2", "10.0.0.2"],
        ],
      );
      assert.deepStrictEqual(nodes[0]?.connection, { user: "admin", host: "10.0.0.1", hostKey });
      assert.deepStrictEqual(
        server.asked.map((url) => url.searchParams.get("labelSelector")),
        ["pool", "pool"],
      );
      const registered = await run(
        () => new PauseSandbox("pause", { image: { reference: "registry.example/pause:1" }, nodes }),
      );
      assert.ok(registered.some(({ name }) => name === "pause-w-2"));
    });

    it("are read with a kubeconfig that is a path, or an Output", async () => {
      for (const given of [path.join(folder, "kubeconfig"), pulumi.secret(kubeconfig)]) {
        const { nodes } = await nodesOfCluster({ kubeconfig: given, knownHosts });
        assert.deepStrictEqual(names(nodes), ["w-1", "w-2"]);
      }
    });

    it("stay as they are when they are not found any more, unless somebody wants them restored", async () => {
      assert.strictEqual((await nodesOfCluster({ kubeconfig, knownHosts })).nodes[0]?.restoreOnRemoval, false);
      const { nodes } = await nodesOfCluster({ kubeconfig, knownHosts, restoreOnRemoval: true });
      assert.strictEqual(nodes[0]?.restoreOnRemoval, true);
    });

    const fails = async (args: Parameters<typeof nodesOfCluster>[0], says: RegExp) => {
      await assert.rejects(nodesOfCluster(args), (error: Error) => {
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /secret-token/);
        return true;
      });
    };

    it("are refused without a host key, with the command to check it by", async () => {
      await fails({ kubeconfig }, /knownHosts, w-1: known_hosts has no key for 10\.0\.0\.1\. .*ssh-keyscan[^]*w-2/);
    });

    it("are refused behind a jump host with a command that runs there", async () => {
      const bastion = { host: "jump.example.com", port: pulumi.output(2222), user: "ops", hostKey };
      await fails(
        { kubeconfig, connection: { bastion } },
        /: ssh -p 22 ops@jump\.example\.com ssh-keyscan -t ed25519 -p 22 10\.0\.0\.1/,
      );
    });

    it("come without a host key where somebody chose to do without", async () => {
      const { nodes } = await nodesOfCluster({ kubeconfig, connection: { insecureIgnoreHostKey: true } });
      assert.strictEqual((nodes[0]?.connection as SshConnection).hostKey, undefined);
    });

    it("cannot be listed without the permission, and the server's words say so", async () => {
      server.denied = true;
      await fails(
        { kubeconfig },
        /nodes of http:\/\/127.* cannot be listed with the kubeconfig that was given as content: nodes is forbidden: User "eve"/,
      );
      await fails(
        { kubeconfig: path.join(folder, "kubeconfig") },
        /with the kubeconfig \/.*kubeconfig: nodes is forbidden/,
      );
    });

    it("cannot be listed where nothing answers", async () => {
      await fails(
        { kubeconfig: kubeconfig.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1") },
        /cannot be listed with .*ECONNREFUSED/,
      );
    });

    it("are refused with a kubeconfig that is none, is not there, or lacks the context", async () => {
      await fails({ kubeconfig: "{nothing" }, /given as content cannot be read: it is no kubeconfig/);
      await fails(
        { kubeconfig: "/nowhere/config" },
        /kubeconfig \/nowhere\/config cannot be read: there is no such file/,
      );
      await fails({ kubeconfig, context: "two" }, /given as content has no context "two"; it has one/);
    });

    it("are refused with a kubeconfig that is not known yet", async () => {
      const unknown = new (pulumi.Output as unknown as new (...args: unknown[]) => pulumi.Output<string>)(
        new Set(),
        Promise.resolve(undefined),
        Promise.resolve(false),
        Promise.resolve(false),
        Promise.resolve(new Set()),
      );
      await fails({ kubeconfig: unknown }, /known only after the cluster was made/);
    });
  });
});
