import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { parse } from "yaml";

import type { SshConnection } from "../../components";
import { readStackConfig } from "../../settings/config";
import { calledHere, commandLine } from "../support/commandLine";
import { run } from "../support/mocks";
import { node, nodesServer, type NodesServer } from "../support/nodesServer";
import { configure } from "../support/stackFiles";

const key = (letter: string) => `AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample${letter}0`;
const KNOWN = `10.0.0.1 ssh-ed25519 ${key("a")}
10.0.0.2 ssh-ed25519 ${key("b")}
[10.0.0.3]:2222 ssh-ed25519 ${key("c")}
jump.example ssh-ed25519 ${key("d")}
`;

/** The nodes as the program reads them from what was printed. */
async function nodesIn(stdout: string) {
  const { config } = parse(stdout) as { config: Record<string, unknown> };
  const settings = Object.entries(config).map(([name, value]) => [name.replace("pause-sandbox:", ""), value]);
  let nodes: ReturnType<typeof readStackConfig>["args"]["nodes"] = [];
  await run(() => {
    configure({ reference: "registry.example/pause:1", ...(Object.fromEntries(settings) as object) });
    nodes = readStackConfig().args.nodes;
  });
  return nodes.map(({ connection, ...rest }) => ({ ...rest, connection: connection as SshConnection }));
}

describe("pause-sandbox nodes", function () {
  this.timeout("5m");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-nodes-"));
  const file = (name: string, text: string): string => {
    fs.writeFileSync(path.join(dir, name), text);
    return path.join(dir, name);
  };
  const known = file("known_hosts", KNOWN);
  let server: NodesServer;
  let kubeconfig: string;
  before(async () => {
    const labels = { canary: "yes", pool: "edge" };
    server = await nodesServer([[node("w-1", { labels })], [node("w-2", { ip: "10.0.0.2", ready: "False" })]]);
    kubeconfig = file("kubeconfig", server.kubeconfig);
  });
  after(() => {
    server.close();
    fs.rmSync(dir, { recursive: true });
  });

  it("prints a cluster's nodes so that the program reads them, and says which it leaves out", async () => {
    const args = ["--kubeconfig", kubeconfig, "--known-hosts", known, "--canary-label", "canary"];
    const { status, stdout, stderr } = await commandLine(["nodes", ...args, "--group-label", "pool"]);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "left out: w-2 is not Ready\n");
    const [first, ...others] = await nodesIn(stdout);
    assert.deepEqual(others, []);
    assert.deepEqual([first?.name, first?.canary, first?.group], ["w-1", true, "edge"]);
    assert.deepEqual([first?.connection.host, first?.connection.hostKey], ["10.0.0.1", `ssh-ed25519 ${key("a")}`]);
  });

  it("takes nodes that are not Ready, and the context, where that is asked for", async () => {
    const args = ["--kubeconfig", kubeconfig, "--context", "one", "--known-hosts", known, "--not-ready"];
    const { stdout } = await calledHere(["nodes", ...args]);
    assert.deepEqual(
      (await nodesIn(stdout)).map(({ name }) => name),
      ["w-1", "w-2"],
    );
  });

  it("prints an inventory's hosts so that the program reads them, jump hosts and ports included", async () => {
    const jump = "ansible_ssh_common_args='-J admin@jump.example'";
    const text = `[workers]\nw-1 ansible_host=10.0.0.1 ${jump}\nw-3 ansible_host=10.0.0.3 ansible_port=2222\n[canaries]\nw-3\n`;
    const args = ["--inventory", file("hosts.ini", text), "--group", "workers", "--canary-group", "canaries"];
    const { status, stdout, stderr } = await commandLine(["nodes", ...args, "--known-hosts", known]);
    assert.equal(status, 0, stderr);
    const [first, second] = await nodesIn(stdout);
    const { host, user, hostKey } = first?.connection.bastion as SshConnection;
    assert.deepEqual([host, user, hostKey], ["jump.example", "admin", `ssh-ed25519 ${key("d")}`]);
    assert.deepEqual([second?.name, second?.canary, second?.connection.port], ["w-3", true, 2222]);
    assert.equal(second?.connection.hostKey, `ssh-ed25519 ${key("c")}`);
  });

  it("prints the hosts of a known_hosts file so that the program reads them, each machine once", async () => {
    const twice = `${KNOWN}second-name ssh-ed25519 ${key("a")}\n|1|c2FsdA==|aGFzaA== ssh-ed25519 ${key("e")}\n`;
    const { status, stdout } = await commandLine(["nodes", "--known-hosts", file("twice", twice)]);
    assert.equal(status, 0);
    const nodes = await nodesIn(stdout);
    assert.deepEqual(
      nodes.map(({ name, connection }) => [name, connection.port]),
      [
        ["10.0.0.1", undefined],
        ["10.0.0.2", undefined],
        ["10.0.0.3", 2222],
        ["jump.example", undefined],
      ],
    );
  });

  it("prints nodes without a host key only where somebody chose to do without", async () => {
    const { stdout } = await calledHere(["nodes", "--kubeconfig", kubeconfig, "--insecure-ignore-host-key"]);
    assert.equal((await nodesIn(stdout))[0]?.connection.hostKey, undefined);
  });

  it("refuses nodes without a host key, with the command to check it by, and prints no list", async () => {
    const { status, stdout, stderr } = await calledHere(["nodes", "--kubeconfig", kubeconfig]);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^error: knownHosts, w-1: known_hosts has no key for 10\.0\.0\.1\. .*ssh-keyscan/);
    assert.doesNotMatch(stderr, /secret-token/);
  });

  it("refuses every host of an inventory without a host key at once", async () => {
    const { status, stderr } = await calledHere(["nodes", "--inventory", file("two.ini", "[a]\nw-8\nw-9\n")]);
    assert.equal(status, 2);
    assert.match(stderr, /^error: known_hosts has no key for w-8\. .*\nerror: known_hosts has no key for w-9\. .*\n$/);
  });

  const inventory = file("small.ini", "[workers]\nw-1 ansible_host=10.0.0.1\n");
  const hashed = file("hashed", `|1|c2FsdA==|aGFzaA== ssh-ed25519 ${key("e")}\n`);
  for (const [what, args, says] of [
    ["no source", [], /no source is named: use --kubeconfig, --inventory or --known-hosts/],
    ["two sources", ["--kubeconfig", "a", "--inventory", "b"], /--kubeconfig and --inventory are both given/],
    ["an option of another source", ["--inventory", inventory, "--not-ready"], /--not-ready needs --kubeconfig/],
    [
      "a group without an inventory",
      ["--known-hosts", known, "--canary-group", "x"],
      /--canary-group needs --inventory/,
    ],
    ["a group that is not there", ["--inventory", inventory, "--group", "x"], /no group "x"; it has all, workers/],
    ["canaries that are not there", ["--inventory", inventory, "--canary-group", "x"], /--canary-group x: .* workers/],
    ["an inventory that is not there", ["--inventory", "/nowhere"], /--inventory \/nowhere: ENOENT/],
    ["known hosts that are not there", ["--known-hosts", "/nowhere"], /--known-hosts \/nowhere: ENOENT/],
    ["known hosts that are all hashed", ["--known-hosts", hashed], /--known-hosts .*: it has no readable host name/],
    [
      "a kubeconfig that is not there",
      ["--kubeconfig", "/nowhere"],
      /kubeconfig \/nowhere cannot be read: there is no/,
    ],
    ["an unknown option", ["--kubecfg", "x"], /unknown option '--kubecfg'/],
  ] as const) {
    it(`refuses ${what}, with 2 and no list`, async () => {
      const { status, stdout, stderr } = await calledHere(["nodes", ...args]);
      assert.deepEqual([status, stdout], [2, ""], stderr);
      assert.match(stderr, says);
    });
  }

  it("explains itself", async () => {
    const { status, stdout } = await calledHere(["nodes", "--help"]);
    assert.equal(status, 0);
    assert.match(stdout, /Exit codes: 0 the list was printed, 2 it was not/);
  });
});
