/** Nodes that the stack's file does not list: the settings nodesFrom, sshConfig and requireAllNodes. */
import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";

import type { ClusterNode, SshConnection, SshHost } from "../../components";
import { readStackConfig, type StackConfig } from "../../settings/config";
import { findNodes, reportNodesLeftOut } from "../../settings/found";
import { run } from "../support/mocks";
import { node, nodesServer, type NodesServer } from "../support/nodesServer";
import { configure, defaults, type Settings } from "../support/stackFiles";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
const connectionOf = (one?: ClusterNode): SshConnection => one?.connection as SshConnection;

describe("nodes that the stack's file does not list", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-found-"));
  let server: NodesServer;
  before(async () => {
    server = await nodesServer([
      [
        node("worker-1", { labels: { pool: "edge", canary: "" } }),
        node("worker-2", { ip: "10.0.0.2" }),
        node("worker-3", { ready: "False" }),
      ],
    ]);
  });
  beforeEach(() => {
    server.denied = false;
  });
  after(() => {
    server.close();
    fs.rmSync(folder, { recursive: true });
  });

  const file = (name: string, content: string): string => {
    fs.writeFileSync(path.join(folder, name), content);
    return path.join(folder, name);
  };

  /** The configuration as the program reads it, and what it is warned of. */
  async function read(settings: Settings): Promise<StackConfig & { warnings: string[] }> {
    const warnings: string[] = [];
    const { warn } = pulumi.log;
    let result: StackConfig | undefined;
    const all = {
      ...defaults(),
      reference: "registry.example/pause:1",
      proof: "none",
      kubeconfig: server.kubeconfig,
      ...settings,
    };
    await run(async () => {
      configure(all);
      (pulumi.log as { warn: unknown }).warn = (message: string) => warnings.push(message);
      try {
        const found = await findNodes();
        result = readStackConfig(undefined, found);
        const listed = result.args.nodes.map(({ name }) => name);
        await reportNodesLeftOut({ listed, found, required: result.requireAllNodes });
      } finally {
        (pulumi.log as { warn: unknown }).warn = warn;
      }
    });
    assert.ok(result);
    return { ...result, warnings };
  }

  const knownHosts = `10.0.0.* ${hostKey}\nbastion ${hostKey}\n`;

  it("come from the cluster, and what is left out is said", async () => {
    const nodesFrom = { cluster: { canaryLabel: "canary", groupLabel: "pool" } };
    const { args, warnings } = await read({ nodesFrom, knownHosts });
    assert.deepStrictEqual(
      args.nodes.map(({ name, canary, group, restoreOnRemoval }) => [name, canary, group, restoreOnRemoval]),
      [
        ["worker-1", true, "edge", false],
        ["worker-2", undefined, undefined, false],
      ],
    );
    assert.deepStrictEqual(
      [connectionOf(args.nodes[1]).host, connectionOf(args.nodes[1]).hostKey],
      ["10.0.0.2", hostKey],
    );
    assert.deepStrictEqual(warnings, [
      "1 node of the cluster left out: worker-3 is not Ready. One of them that the stack had leaves it, and is left as it is",
    ]);
  });

  it("come from the cluster by one word", async () => {
    assert.strictEqual((await read({ nodesFrom: "cluster", knownHosts })).args.nodes.length, 2);
  });

  it("fail the run with requireAllNodes where one is left out", async () => {
    await assert.rejects(
      read({ nodesFrom: "cluster", knownHosts, requireAllNodes: true }),
      /requireAllNodes: 1 node .*worker-3/,
    );
  });

  it("need a host key each, or the word that there is to be none", async () => {
    await assert.rejects(read({ nodesFrom: "cluster" }), /nodesFrom, worker-1\.hostKey: no value/);
    const { args } = await read({ nodesFrom: { cluster: { insecureIgnoreHostKey: true } } });
    assert.strictEqual(connectionOf(args.nodes[0]).insecureIgnoreHostKey, true);
  });

  it("come from an inventory, with canaries and jump hosts", async () => {
    const inventory = file(
      "hosts.ini",
      "[workers]\nw1 ansible_host=10.0.0.1 ansible_user=admin\nw2 ansible_host=10.0.0.2\n[first]\nw2\n[workers:vars]\nansible_ssh_common_args=-J j@bastion\n",
    );
    const nodesFrom = { inventory: { file: inventory, group: "workers", canaryGroup: "first" } };
    const { args } = await read({ nodesFrom, knownHosts });
    assert.deepStrictEqual(
      args.nodes.map(({ name, canary }) => [name, canary]),
      [
        ["w1", undefined],
        ["w2", true],
      ],
    );
    assert.strictEqual(connectionOf(args.nodes[0]).user, "admin");
    const bastion = connectionOf(args.nodes[0]).bastion as SshHost;
    assert.deepStrictEqual([bastion.host, bastion.user, bastion.hostKey], ["bastion", "j", hostKey]);
  });

  const SITE =
    "localhost ansible_connection=local\n[win]\nwin-1 ansible_connection=winrm\n[rack_a]\nw1 ansible_host=10.0.0.1\n" +
    "[rack_b]\nw2 ansible_host=10.0.0.2\n[workers:children]\nrack_a\nrack_b\n";
  const namesOf = ({ args }: StackConfig) => args.nodes.map(({ name }) => name);

  it("are the hosts of the group that is asked for, whatever other hosts the inventory has", async () => {
    const inventory = { file: file("site.ini", SITE), group: "workers" };
    assert.deepStrictEqual(namesOf(await read({ nodesFrom: { inventory }, knownHosts })), ["w1", "w2"]);
    await assert.rejects(
      read({ nodesFrom: { inventory: { ...inventory, group: "wokers" } }, knownHosts }),
      /the inventory has no group "wokers"; it has all, rack_a, rack_b, (ungrouped, )?win, workers/,
    );
  });

  it("are in the group of the rollout that has the name of their group in the inventory", async () => {
    const inventory = { file: file("site.ini", SITE), group: "workers" };
    const groups = [{ name: "rack_b" }, { name: "rack_a", maxUnavailable: "2" }];
    const { args } = await read({ nodesFrom: { inventory }, knownHosts, groups });
    assert.deepStrictEqual(
      args.nodes.map(({ name, group }) => [name, group]),
      [
        ["w1", "rack_a"],
        ["w2", "rack_b"],
      ],
    );
  });

  it("are gone where the setting gone names them, found or not", async () => {
    const inventory = { file: file("site.ini", SITE), group: "workers" };
    const { args } = await read({ nodesFrom: { inventory }, knownHosts, gone: ["w2", "w9"] });
    assert.deepStrictEqual(
      args.nodes.map(({ name, gone }) => [name, gone]),
      [
        ["w1", undefined],
        ["w2", true],
        ["w9", true],
      ],
    );
    assert.match(connectionOf(args.nodes[2]).host as string, /\.invalid$/);
    await assert.rejects(
      read({ nodesFrom: { inventory }, knownHosts, gone: "w2" }),
      /gone: .*a list of the names of nodes/,
    );
  });

  it("say how nodes that are not Ready are chosen where no node of the cluster is", async () => {
    const none = await nodesServer([[node("worker-1", { ready: "False" }), node("worker-2", { ready: "Unknown" })]]);
    const empty = await nodesServer([[]]);
    const { kubeconfig } = none;
    await assert.rejects(
      read({ nodesFrom: "cluster", knownHosts, kubeconfig }),
      /nodesFrom\.cluster: no node of http.* is chosen\. worker-1 is not Ready, worker-2 is not Ready\. With notReady: true, nodes that are not Ready are chosen too/,
    );
    assert.strictEqual(
      (await read({ nodesFrom: { cluster: { notReady: true } }, knownHosts, kubeconfig })).args.nodes.length,
      2,
    );
    await assert.rejects(
      read({ nodesFrom: { cluster: { labelSelector: "pool=egde" } }, knownHosts, kubeconfig: empty.kubeconfig }),
      /no node of http.* is chosen\. labelSelector pool=egde matches none: kubectl get nodes --show-labels/,
    );
    none.close();
    empty.close();
  });

  it("are told apart from those that the labelSelector does not choose, which leave the stack as they are", async () => {
    const said: string[] = [];
    const { info } = pulumi.log;
    (pulumi.log as { info: unknown }).info = (message: string) => said.push(message);
    try {
      for (const restoreOnRemoval of [false, true])
        await read({ nodesFrom: { cluster: { labelSelector: "pool=edge", restoreOnRemoval } }, knownHosts });
    } finally {
      (pulumi.log as { info: unknown }).info = info;
    }
    const line = "labelSelector does not choose worker-2, worker-3. One of them that the stack had leaves it, and is";
    assert.deepStrictEqual(said, [`${line} left as it is`, `${line} restored`]);
  });

  it("may be gone with requireAllNodes too, by their Node objects that are not Ready, and without a known key", async () => {
    const gone = { knownHosts, requireAllNodes: true, gone: ["worker-3"] };
    assert.deepStrictEqual((await read({ ...gone, nodesFrom: "cluster" })).warnings, []);
    const chosen = { cluster: { notReady: true } };
    const { args } = await read({
      ...gone,
      nodesFrom: chosen,
      knownHosts: `10.0.0.2 ${hostKey}\n`,
      gone: ["worker-1", "worker-3"],
    });
    assert.deepStrictEqual(
      args.nodes.map((one) => [one.name, one.gone, connectionOf(one).hostKey]),
      [
        ["worker-1", true, undefined],
        ["worker-2", undefined, hostKey],
        ["worker-3", true, undefined],
      ],
    );
    const listed = [{ name: "w1", host: "10.9.9.9", gone: true }];
    assert.strictEqual((await read({ nodes: listed, knownHosts, kubeconfig: "" })).args.nodes[0]?.gone, true);
    await assert.rejects(read({ nodes: [{ name: "w1", host: "10.9.9.9" }], knownHosts, kubeconfig: "" }), /w1|hostKey/);
  });

  it("name a group of the rollout without a node, and go on", async () => {
    const nodesFrom = { cluster: { groupLabel: "pool" } };
    const { args, warnings } = await read({ nodesFrom, knownHosts, groups: [{ name: "gpu" }, { name: "edge" }] });
    assert.deepStrictEqual(args.groups, [{ name: "edge" }]);
    assert.ok(warnings.includes("groups: no node is in gpu; nodes are in edge"), warnings.join("\n"));
  });

  it("are refused with groups that are none, and with groups of a cluster whose nodes have no label for them", async () => {
    const cluster = { groupLabel: "pool" };
    const groups = ["edge", null] as unknown as Settings[];
    const { args } = await read({ nodesFrom: { cluster }, knownHosts, groups });
    assert.deepStrictEqual(args.groups, groups, "the component refuses them");
    await assert.rejects(
      read({ nodesFrom: "cluster", knownHosts, groups: [{ name: "edge" }] }),
      /groups: "a list" is not allowed; it must be left out, or nodesFrom\.cluster\.groupLabel set/,
    );
  });

  it("are refused where a group of the rollout is none of the chosen hosts', with the groups that there are", async () => {
    const inventory = { file: file("site.ini", SITE), group: "workers" };
    for (const name of ["rack_c", "win"]) {
      await assert.rejects(
        read({ nodesFrom: { inventory }, knownHosts, groups: [{ name: "rack_a" }, { name }] }),
        new RegExp(
          `groups, ${name}: none of the chosen hosts is in this group; their groups are all, rack_a, rack_b, workers`,
        ),
      );
    }
  });

  it("are refused where no host of the inventory is a canary by the group that is named", async () => {
    const inventory = file("hosts.ini", "[workers]\nw1\n[canaries]\nw9\n");
    for (const canaryGroup of ["canarys", "canaries"]) {
      const nodesFrom = { inventory: { file: inventory, group: "workers", canaryGroup } };
      const said = new RegExp(
        `nodesFrom.inventory: canaryGroup ${canaryGroup}: none of the chosen hosts is in this group; .* all, workers`,
      );
      await assert.rejects(read({ nodesFrom, knownHosts }), said);
    }
  });

  it("have what an ssh_config says of them, and so have listed ones and bastions", async () => {
    const key = file("id", "key-of-the-host");
    const sshConfig = file(
      "config",
      `Host w1\n HostName 10.0.0.1\n Port 2222\n User u\n IdentityFile ${key}\n ProxyJump bastion\nHost bastion\n User j\n`,
    );
    const { args } = await read({ nodes: [{ name: "w1", host: "w1" }], sshConfig, knownHosts, kubeconfig: "" });
    const { host, port, user, privateKey, bastion } = connectionOf(args.nodes[0]);
    assert.deepStrictEqual([host, port, user], ["10.0.0.1", 2222, "u"]);
    assert.strictEqual(await valueOf(privateKey), "key-of-the-host");
    assert.deepStrictEqual([(bastion as SshHost).host, (bastion as SshHost).user], ["bastion", "j"]);
  });

  it("are logged in to with a key from a file, which stays a secret", async () => {
    const sshPrivateKeyFile = file("key", "key-of-all");
    const { args } = await read({ nodes: [{ name: "w1", host: "10.0.0.1", hostKey }], sshPrivateKeyFile });
    const { privateKey } = connectionOf(args.nodes[0]);
    assert.strictEqual(await pulumi.isSecret(privateKey as pulumi.Output<string>), true);
    assert.strictEqual(await valueOf(privateKey), "key-of-all");
  });

  it("are named in a warning where the stack lists others", async () => {
    const { warnings } = await read({ nodes: [{ name: "worker-2", host: "10.0.0.2", hostKey }] });
    assert.deepStrictEqual(warnings, ["2 nodes of the cluster not in this stack: worker-1, worker-3"]);
  });

  it("fail the run with requireAllNodes where the stack lists others", async () => {
    const nodes = [{ name: "worker-2", host: "10.0.0.2", hostKey }];
    await assert.rejects(read({ nodes, requireAllNodes: true }), /requireAllNodes: 2 nodes .*worker-1, worker-3/);
  });

  it("are no reason to fail where the cluster may not be asked, but for requireAllNodes", async () => {
    server.denied = true;
    const nodes = [{ name: "worker-2", host: "10.0.0.2", hostKey }];
    const says = /cannot be told: the nodes of http.*given as content: nodes is forbidden/;
    assert.match((await read({ nodes })).warnings.join(), says);
    await assert.rejects(read({ nodes, requireAllNodes: true }), says);
    await assert.rejects(read({ nodesFrom: "cluster", knownHosts }), /cannot be listed with .*nodes is forbidden/);
  });

  const bad: [string, Settings, RegExp][] = [
    ["a source that is none", { nodesFrom: { consul: {} } }, /nodesFrom: "consul" .*cluster or inventory/],
    ["two sources", { nodesFrom: { cluster: {}, inventory: {} } }, /nodesFrom: "cluster, inventory" .*only one/],
    [
      "an option that nobody reads",
      { nodesFrom: { cluster: { selector: "a" } } },
      /nodesFrom\.cluster: "selector" .*labelSelector/,
    ],
    [
      "an option of another type",
      { nodesFrom: { cluster: { notReady: "yes" } } },
      /nodesFrom\.cluster\.notReady: "yes" .*a boolean/,
    ],
    ["an inventory without a file", { nodesFrom: { inventory: {} } }, /nodesFrom\.inventory\.file: no value/],
    [
      "an inventory that is not there",
      { nodesFrom: { inventory: { file: "/nowhere" } } },
      /inventory\.file: "\/nowhere" .*ENOENT/,
    ],
    [
      "nodes beside nodesFrom",
      { nodesFrom: "cluster", knownHosts, nodes: [{ name: "a", host: "a", hostKey }] },
      /nodes: .*left out, because nodesFrom/,
    ],
    ["groups that are no list", { nodes: [], groups: { name: "a" } }, /groups: .*a list of groups/],
    ["a bootSetup that is text", { nodes: [], bootSetup: "yes" }, /bootSetup: .*true, or an object/],
    [
      "two private keys",
      { nodes: [], sshPrivateKey: "k", sshPrivateKeyFile: "/dev/null" },
      /sshPrivateKeyFile: .*left out, because sshPrivateKey/,
    ],
    ["an ssh_config that is not there", { nodes: [], sshConfig: "/nowhere" }, /sshConfig: "\/nowhere" .*ENOENT/],
    [
      "a host behind two jump hosts",
      { nodes: [{ name: "a", host: "a", hostKey }], sshConfig: "Host a\n ProxyJump b,c\n" },
      /nodes\[0\]\.host: .*several jump hosts/,
    ],
  ];
  for (const [name, settings, says] of bad) {
    it(`are refused with ${name}`, async () => {
      await assert.rejects(read(settings), says);
    });
  }
});

async function valueOf(input: unknown): Promise<unknown> {
  return new Promise((resolve) => pulumi.output(input as string).apply(resolve));
}
