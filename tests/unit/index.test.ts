import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";

import program from "../../index";
import type { LabInfo } from "../../lab/cluster/info";
import { ofLab } from "../../lab/engine";
import { DIGEST, type Registered, run } from "../support/mocks";
import { configure, defaults, type Settings, stackFile } from "../support/stackFiles";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
const REFERENCE = "registry.example.com:5000/platform/pause:1.0.0";

/** Each with a word that stands nowhere else. */
const SECRETS = {
  kubeconfig: "apiVersion: v1\nkind: Config\ncurrent-context: secret-kubeconfig\n",
  sshPrivateKey: "secret-key",
  sshPrivateKeyPassword: "secret-passphrase",
  registryPassword: "secret-password",
  pullPassword: "secret-pull",
};

const SETTINGS: Settings = {
  ...defaults(),
  reference: REFERENCE,
  imageSource: "mirror",
  mirrorOf: "registry.k8s.io/pause:3.10",
  registryUsername: "pusher",
  pullUsername: "puller",
  nodes: [
    { name: "worker-1", host: "10.0.0.1", hostKey },
    { name: "worker-2", host: "10.0.0.2", hostKey },
  ],
  bastion: { host: "jump.example.com", hostKey },
  appImage: "registry.example.com/app:1",
  ...SECRETS,
};

/** Runs the program with a stack's configuration; gives what it registered and what it put out. */
async function up(settings: Settings): Promise<{ registered: Registered[]; outputs: Settings }> {
  let outputs: Settings | undefined;
  const registered = await run(async () => {
    configure(settings);
    return pulumi.output(await program()).apply((values) => (outputs = { ...values }));
  });
  assert.ok(outputs, "the program ended with outputs");
  return { registered, outputs };
}

const named = (registered: Registered[], name: string): Registered => {
  const found = registered.find((resource) => resource.name === name);
  assert.ok(found, `${name} is not among ${registered.map((resource) => resource.name).join(", ")}`);
  return found;
};

describe("the program", () => {
  it("makes the sample Pod in the cluster of the stack's kubeconfig and context", async () => {
    const { registered } = await up({ ...SETTINGS, kubeContext: "staging" });
    const { type, inputs } = named(registered, "cluster");
    assert.strictEqual(type, "pulumi:providers:kubernetes");
    assert.strictEqual(inputs.kubeconfig, SECRETS.kubeconfig);
    assert.strictEqual(inputs.context, "staging");
    const inside = registered.filter((resource) => resource.type.startsWith("kubernetes:"));
    assert.deepStrictEqual(inside.map(({ name, provider }) => `${name} by ${provider ?? "default"}`).sort(), [
      "pause-proof-nginx by cluster",
      "pause-proof-pod by cluster",
    ]);
  });

  it("leaves the choice of the cluster to kubectl's own rules when the stack has none", async () => {
    const { registered } = await up({ ...SETTINGS, kubeconfig: "" });
    const { inputs } = named(registered, "cluster");
    assert.deepStrictEqual([inputs.kubeconfig, inputs.context], [undefined, undefined]);
  });

  it("gives no secret away", async () => {
    const { registered, outputs } = await up(SETTINGS);
    const given = JSON.stringify(registered.map(({ inputs }) => inputs));
    const seen = JSON.stringify([registered.map((resource) => resource.public), outputs]);
    const { inputs, public: open } = named(registered, "pause-worker-1");
    const encoded = Buffer.from(`puller:${SECRETS.pullPassword}`).toString("base64");
    assert.match(String(inputs.stdin), new RegExp(`^login ${encoded}$`, "m"));
    assert.strictEqual(open.stdin, "[secret]");
    for (const [setting, value] of Object.entries(SECRETS)) {
      // In what nodes are sent, which has just been looked at.
      if (setting === "pullPassword") continue;
      const word = /secret-\w+/.exec(value)?.[0] ?? "";
      assert.ok(given.includes(word), `${setting} is used`);
      assert.ok(!seen.includes(word), `${setting} is a secret wherever it is used`);
    }
  });

  it("lets every node and bastion be reached as the stack says", async () => {
    const { registered } = await up(SETTINGS);
    const key = { privateKey: SECRETS.sshPrivateKey, privateKeyPassword: SECRETS.sshPrivateKeyPassword };
    const { connection } = named(registered, "pause-worker-2").inputs as { connection: Settings };
    const { proxy, ...node } = connection;
    const login = { port: 22, user: "root", hostKey, ...key, dialErrorLimit: 3, perDialTimeout: 15 };
    assert.deepStrictEqual(node, { host: "10.0.0.2", ...login });
    assert.deepStrictEqual(proxy, { host: "jump.example.com", ...login });
  });

  it("puts out the reference, its digest, how many nodes there are and the Pod's name", async () => {
    const { outputs } = await up(SETTINGS);
    assert.deepStrictEqual(Object.keys(outputs).sort(), ["differingNodes", "digest", "nodes", "pods", "reference"]);
    assert.strictEqual(outputs.reference, REFERENCE);
    assert.strictEqual(outputs.digest, DIGEST);
    assert.deepStrictEqual(outputs.nodes, { total: 2, "in-order": 2 });
    assert.deepStrictEqual(outputs.differingNodes, []);
    assert.match(String((outputs.pods as string[])[0]), /^default\//);
  });

  it("warns and refuses in the words of the stack, also what it learns only later", async () => {
    const warnings: string[] = [];
    const { warn } = pulumi.log;
    (pulumi.log as { warn: unknown }).warn = (message: string) => warnings.push(message);
    try {
      await up({ ...SETTINGS, registryPlainHttp: true });
      await assert.rejects(up({ ...SETTINGS, pullPassword: "two\nlines" }), /- pullPassword: /);
    } finally {
      (pulumi.log as { warn: unknown }).warn = warn;
    }
    assert.ok(
      warnings.some((text) => text.startsWith("registryPlainHttp: the nodes send pullUsername unencrypted to ")),
      warnings.join("\n"),
    );
    assert.doesNotMatch(warnings.join("\n"), /\btrust\./);
  });

  it("puts out no digest of an existing image that gives none, which the engine would warn of", async () => {
    const existing = { imageSource: "existing", mirrorOf: "", registryUsername: "", registryPassword: "" };
    const keys = async (more: Settings) =>
      Object.keys((await up({ ...SETTINGS, ...existing, ...more })).outputs).sort();
    assert.deepStrictEqual(await keys({}), ["differingNodes", "nodes", "pods", "reference"]);
    assert.ok((await keys({ imageDigest: DIGEST })).includes("digest"));
  });

  it("puts out the payloads for machines that do not exist yet, as a secret, when they are asked for", async () => {
    assert.ok(!("bootSetup" in (await up(SETTINGS)).outputs));
    const { pullUsername, pullPassword, ...settings } = SETTINGS;
    assert.ok(pullUsername !== "" && pullPassword !== "");
    let secret: boolean | undefined;
    let shell: string | undefined;
    await run(async () => {
      configure({ ...settings, bootSetup: true });
      const { bootSetup } = await program();
      assert.ok(bootSetup);
      secret = await pulumi.isSecret(bootSetup);
      bootSetup.apply((known) => (shell = known?.shell));
    });
    assert.strictEqual(secret, true);
    assert.ok(shell?.startsWith("#!/bin/sh"));
  });

  it("makes no Pod when no proof is asked for", async () => {
    const { registered, outputs } = await up({ ...SETTINGS, proof: "none", appImage: "" });
    assert.deepStrictEqual(outputs.pods, []);
    assert.ok(!registered.some(({ type }) => type.startsWith("kubernetes:")));
  });

  it("accepts the lab's stack file with what the lab adds to it", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-index-"));
    const file = (name: string): string => {
      const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
      fs.writeFileSync(path.join(folder, name), name === "ca.crt" ? pem : `content of ${name}\n`);
      return path.join(folder, name);
    };
    const registry = String(stackFile("lab").reference).split("/")[0] ?? "";
    const lab: LabInfo = {
      registry: { host: registry, caFile: file("ca.crt") },
      kubeconfig: file("kubeconfig"),
      ssh: { user: "root", privateKeyFile: file("id_ed25519") },
      nodes: ["node-1", "node-2"].map((name, i) => {
        return { name, host: `10.203.0.${i + 11}`, port: 22, hostKey, container: name, containerd: "2.1.4" };
      }),
      images: { nginx: `${registry}/lab/nginx:1`, app: `${registry}/lab/app:1` },
    };
    try {
      const { registered, outputs } = await up({ ...defaults(), ...stackFile("lab"), ...ofLab(lab) });
      assert.strictEqual((outputs.nodes as Settings).total, 2);
      const commands = registered.filter(({ type }) => type === "command:remote:Command");
      assert.deepStrictEqual(commands.map(({ name }) => name).sort(), ["pause-node-1", "pause-node-2"]);
      assert.strictEqual((outputs.pods as string[]).length, 2);
      assert.strictEqual(named(registered, "cluster").inputs.kubeconfig, "content of kubeconfig\n");
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
