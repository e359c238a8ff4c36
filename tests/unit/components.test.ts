import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { split } from "shlex";

import {
  type ClusterNode,
  LocalhostPod,
  PauseSandbox,
  type PauseSandboxArgs,
  ProofScope,
  Reconcile,
  SandboxNode,
  type SandboxNodeArgs,
  type SshConnection,
} from "../../components";
import { checkKnown } from "../../components/node/connection";
import { scriptText } from "../../components/node/nodeFile";
import { checkedSettings } from "../../components/node/nodeChecks";
import type { Asked } from "../../components/node/sandboxNode";
import { DIGEST, line, refused, type Registered, run } from "../support/mocks";

const REFERENCE = "registry.example.com:5000/platform/pause:1.0.0";
const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
const node = (name: string, canary?: boolean) => ({
  name,
  canary,
  connection: { host: `${name}.example.com`, hostKey: HOST_KEY, privateKey: "a private key" },
});

const find = (all: Registered[], name: string): Registered => {
  const found = all.find((r) => r.name === name);
  assert.ok(found, `${name} is not among ${all.map((r) => r.name).join(", ")}`);
  return found;
};

/** The words of a command line behind the program that verifies the script: its file, the verb, the settings. */
const wordsOf = (line: unknown): string[] => split(String(line)).slice(split(String(line)).indexOf("-c") + 2);

describe("SandboxNode", () => {
  const args = { connection: node("node-1").connection, reference: REFERENCE, digest: DIGEST };

  const FILE = /^\.pause-sandbox-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{64}\.sh$/;
  const inputsOf = async (more: Partial<SandboxNodeArgs>) =>
    find(await run(() => new SandboxNode("node-1", { ...args, ...more })), "node-1").inputs;
  const commandOf = async (more: Partial<SandboxNodeArgs>) => String((await inputsOf(more)).create);

  it("is a file with the script, and a command that runs it with settings that people can read", async () => {
    const all = await run(() => new SandboxNode("node-1", args));
    assert.deepStrictEqual(all.map(line), [
      "command:remote:CopyToRemote node-1-script < stack",
      "command:remote:Command node-1 < stack",
    ]);
    const { inputs, dependsOn } = find(all, "node-1");
    const { remotePath, source } = find(all, "node-1-script").inputs as {
      remotePath: string;
      source: { path: string };
    };
    assert.match(remotePath, FILE);
    assert.strictEqual(fs.readFileSync(source.path, "utf8"), scriptText());
    assert.deepStrictEqual(wordsOf(inputs.create), [
      ...[remotePath, "apply", "node=node-1", "owner=project/stack/node-1", `image=${REFERENCE}`],
    ]);
    assert.deepStrictEqual(wordsOf(inputs.delete), [
      ...[remotePath, "restore", "node=node-1", "owner=project/stack/node-1"],
    ]);
    assert.strictEqual(inputs.stdin, `digest ${DIGEST}\n`);
    assert.deepStrictEqual(dependsOn, ["node-1-script"]);
    assert.strictEqual(inputs.addPreviousOutputInEnv, false);
    // The plugin runs `create` on an update where there is no `update`.
    for (const never of ["triggers", "environment", "update"]) assert.ok(!(never in inputs), never);
  });

  it("becomes root by sudo -n where it logs in as someone else", async () => {
    const connection = { ...args.connection, user: "provisioner" };
    const { inputs } = find(await run(() => new SandboxNode("node-1", { ...args, connection })), "node-1");
    assert.match(String(inputs.create), /^sudo -n sh -c /);
    assert.strictEqual(wordsOf(inputs.create)[1], "apply");
    assert.match(String(inputs.delete), /^sudo -n sh -c /);
  });

  it("only looks at the node in a dry run, and still restores it when it is removed, both by the file that has `plan`", async () => {
    const all = await run(() => new SandboxNode("node-1", { ...args, dryRun: true }));
    const { inputs } = find(all, "node-1");
    const { remotePath, source } = find(all, "node-1-script").inputs as {
      remotePath: string;
      source: { path: string };
    };
    assert.deepStrictEqual(
      [inputs.create, inputs.delete].map((line) => wordsOf(line).slice(0, 2)),
      [
        [remotePath, "plan"],
        [remotePath, "restore"],
      ],
    );
    assert.strictEqual(fs.readFileSync(source.path, "utf8"), scriptText({ dryRun: true }));
  });

  it("without sftp, has `plan` in the command of a dry run, and the same restore as any other run", async () => {
    const real = await inputsOf({ sftp: false });
    const dry = await inputsOf({ sftp: false, dryRun: true });
    // The packed text, in front of the verb.
    const packedIn = (line: unknown) => /printf %s (\S+)\|/.exec(String(line))?.[1] ?? "";
    assert.ok(packedIn(dry.create).length > packedIn(real.create).length);
    assert.ok(dry.delete === real.delete);
  });

  it("is deleted before it is created again: the old delete would give back what the new create has changed", async () => {
    const command = find(await run(() => new SandboxNode("node-1", args, { deleteBeforeReplace: false })), "node-1");
    assert.strictEqual(command.deleteBeforeReplace, true);
  });

  it("copies the script again for another user, host, port or host key, and for another resource", async () => {
    const { connection } = node("node-1");
    const pathOf = async (name: string, more: Partial<SshConnection> = {}): Promise<unknown> => {
      const all = await run(() => new SandboxNode(name, { ...args, connection: { ...connection, ...more } }));
      const { remotePath } = find(all, `${name}-script`).inputs;
      assert.strictEqual(wordsOf(find(all, name).inputs.create)[0], remotePath);
      return remotePath;
    };
    const others = [{ user: "ops" }, { host: "other" }, { port: 2222 }, { hostKey: HOST_KEY.replace("00", "01") }];
    const paths = [await pathOf("node-1"), await pathOf("renamed")];
    for (const other of others) paths.push(await pathOf("node-1", other));
    assert.strictEqual(new Set(paths).size, paths.length);
    assert.strictEqual(await pathOf("node-1", { port: 22, user: "root", privateKey: "another key" }), paths[0]);
  });

  it("has a command line that people can read where its host is a secret", async () => {
    const connection = { ...args.connection, host: pulumi.secret("node-1.example.com") };
    const all = await run(() => new SandboxNode("node-1", { ...args, connection }));
    assert.strictEqual(find(all, "node-1").public.create, await commandOf({}));
  });

  it("brings the script along where the host has no sftp", async () => {
    const all = await run(() => new SandboxNode("node-1", { ...args, sftp: false }));
    assert.deepStrictEqual(all.map(line), ["command:remote:Command node-1 < stack"]);
    const { create } = find(all, "node-1").inputs;
    assert.match(
      String(create),
      /^sh -c 'r=\/run\/pause-sandbox;.*printf %s [A-Za-z0-9+/=]{20000,}\|.* pause-sandbox apply node=node-1 /,
    );
  });

  it("waits for what its program has it wait for, and copies the script no earlier", async () => {
    const all = await run(() => {
      const first = new SandboxNode("node-1", args);
      new SandboxNode("node-2", args, { dependsOn: first });
      new SandboxNode("node-3", args, { dependsOn: pulumi.output([first]) });
    });
    const first = ["node-1", "node-1-script"];
    for (const node of ["node-2", "node-3"]) {
      assert.deepStrictEqual(
        find(all, node).dependsOn.filter((name) => name === "node-1" || name === `${node}-script`),
        ["node-1", `${node}-script`],
      );
      assert.ok(find(all, `${node}-script`).dependsOn.every((name) => first.includes(name)));
      assert.ok(find(all, `${node}-script`).dependsOn.includes("node-1"));
    }
  });

  it("keeps the private keys secret, also the bastion's", async () => {
    const connection = { ...args.connection, bastion: { ...args.connection, privateKey: "the bastion's key" } };
    const registered = find(await run(() => new SandboxNode("node-1", { ...args, connection })), "node-1");
    assert.match(JSON.stringify(registered.inputs), /the bastion's key/);
    assert.doesNotMatch(JSON.stringify(registered.public), /a private key|the bastion's key/);
  });

  it("sends the same bytes for the same settings, other bytes for another digest", async () => {
    const stdin = async (digest: string) =>
      find(await run(() => new SandboxNode("node-1", { ...args, digest })), "node-1").inputs.stdin;
    assert.strictEqual(await stdin(DIGEST), await stdin(DIGEST));
    assert.notStrictEqual(await stdin(DIGEST), await stdin(`sha256:${"e".repeat(64)}`));
  });

  it("runs again when recheck is raised, with the same settings", async () => {
    assert.strictEqual(await commandOf({ recheck: 1 }), `${await commandOf({})} recheck=1`);
    assert.strictEqual(await commandOf({ recheck: 0 }), await commandOf({}));
  });

  it("reports what the node said", async () => {
    let status: unknown;
    await run(() => new SandboxNode("node-1", args).report.apply((report) => (status = report.status)));
    assert.strictEqual(status, "changed");
  });

  it("says that the kubelet's flag is not wanted, and nothing where it is", async () => {
    assert.match(await commandOf({ kubeletFlag: false }), / kubelet-flag=0$/);
    assert.strictEqual(await commandOf({ kubeletFlag: true }), await commandOf({}));
    assert.doesNotMatch(await commandOf({}), /kubelet-flag/);
  });

  it("names what is to be trusted, a certificate by its fingerprint, and who manages the node", async () => {
    const ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const trust = { ca, mirrors: ["https://m.example.com", "https://[fd00::1]:5000"], plainHttp: true };
    const all = await run(() => new SandboxNode("node-1", { ...args, nodeName: "worker", trust }));
    const fingerprint = createHash("sha256").update(Buffer.from("AAAA", "base64")).digest("hex").toUpperCase();
    const [file, ...words] = wordsOf(find(all, "node-1").inputs.create);
    assert.match(file ?? "", FILE);
    assert.deepStrictEqual(words, [
      ...["apply", "node=worker", "owner=project/stack/node-1", `image=${REFERENCE}`],
      `ca-sha256=${fingerprint.replace(/..(?!$)/g, "$&:")}`,
      ...["mirror=https://m.example.com", "mirror=https://[fd00::1]:5000", "plain-http=1"],
    ]);
    const { source } = find(all, "node-1-script").inputs as { source: { path: string } };
    assert.strictEqual(fs.readFileSync(source.path, "utf8"), scriptText({ ca }));
  });

  it("keeps a login secret, and all else readable", async () => {
    const login = { username: "puller", password: "hunter2" };
    const { public: shown, inputs } = find(
      await run(() => new SandboxNode("node-1", { ...args, trust: { login } })),
      "node-1",
    );
    assert.match(String(inputs.stdin), /^login cHVsbGVyOmh1bnRlcjI=$/m);
    assert.strictEqual(shown.stdin, "[secret]");
    assert.strictEqual(shown.create, await commandOf({}));
    const open = find(await run(() => new SandboxNode("node-1", args)), "node-1");
    assert.strictEqual(open.public.stdin, `digest ${DIGEST}\n`);
  });

  it("refuses what turns out wrong once it is known, all of it at once", () => {
    const wrong = {
      node: "n",
      image: "pause",
      digest: "sha256:1",
      ca: "no pem",
      mirrors: ["https://m", 'https://m"'],
    };
    assert.throws(
      () => checkedSettings(wrong),
      /4 problems [^]*reference: "pause"[^]*digest: "sha256:1"[^]*trust\.ca: a text of 6 characters[^]*trust\.mirrors\[1\]/,
    );
    assert.throws(() => {
      checkKnown("connection", "host", "a b");
    }, /connection\.host: "a b" is not allowed; it must be a host name/);
    assert.throws(() => {
      checkKnown("connection.bastion", "hostKey", "x");
    }, /connection\.bastion\.hostKey: a text of 1 character is not allowed; it must be the host's public key/);
  });

  it("reports every problem at once, and creates nothing", () =>
    refused(
      () =>
        new SandboxNode("node-1", {
          connection: { host: "", port: 0, user: "a b", bastion: { host: "b" } },
          reference: "pause",
          digest: "sha256:1",
          trust: { ca: "none", mirrors: ["mirror"], login: { username: "a:b", password: "hunter2" } },
        }),
      [
        'reference: "pause"',
        'digest: "sha256:1"',
        "trust.ca: a text of 4 characters",
        "trust.mirrors[0]: a text of 6 characters",
        'trust.login.username: "a:b"',
        'connection.host: ""',
        "connection.port: 0",
        'connection.user: "a b"',
        "connection.hostKey: no value",
        "connection.bastion.hostKey",
      ],
    ));

  it("logs in without a host key only where that was asked for", async () => {
    const connection = { host: "node-1", insecureIgnoreHostKey: true };
    find(await run(() => new SandboxNode("node-1", { ...args, connection })), "node-1");
  });
});

describe("LocalhostPod", () => {
  const args = { nginxImage: "r.example/nginx:1", appImage: "r.example/app:1" };

  it("is a ConfigMap and a Pod whose readiness goes through nginx to the app", async () => {
    const all = await run(() => new LocalhostPod("proof", { ...args, appPort: 9000 }));
    assert.deepStrictEqual(all.map(line), [
      "pause-sandbox:index:LocalhostPod proof < stack",
      "kubernetes:core/v1:ConfigMap proof-nginx < proof",
      "kubernetes:core/v1:Pod proof-pod < proof",
    ]);
    const data = find(all, "proof-nginx").inputs.data as Record<string, string>;
    assert.match(data["nginx.conf"] ?? "", /listen 80 [^]*proxy_pass http:\/\/127\.0\.0\.1:9000;/);
    const spec = find(all, "proof-pod").inputs.spec as {
      shareProcessNamespace: boolean;
      containers: { readinessProbe?: unknown }[];
    };
    assert.strictEqual(spec.shareProcessNamespace, true);
    assert.deepStrictEqual(spec.containers[0]?.readinessProbe, { httpGet: { path: "/", port: 80 }, periodSeconds: 2 });
  });

  it("runs on the node it is told to, whatever its taints", async () => {
    const all = await run(() => new LocalhostPod("proof", { ...args, nodeName: "node-7" }));
    const spec = find(all, "proof-pod").inputs.spec as Record<string, unknown>;
    const matchFields = [{ key: "metadata.name", operator: "In", values: ["node-7"] }];
    assert.deepStrictEqual(spec.affinity, {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } },
    });
    assert.deepStrictEqual(spec.tolerations, [{ operator: "Exists" }]);
  });

  it("reports every problem at once, and creates nothing", () =>
    refused(
      () => new LocalhostPod("proof", { nginxImage: "", appImage: "a", appPort: 80, readyTimeoutSeconds: 0 }),
      ['nginxImage: ""', "appPort: 80", "readyTimeoutSeconds: 0"],
    ));
});

describe("PauseSandbox", () => {
  const image = { reference: REFERENCE };
  const proof = { nginxImage: "r.example/nginx:1", appImage: "r.example/app:1" };

  it("is the image, then the nodes in order, then the proof", async () => {
    const nodes = [node("a"), node("b", true), node("c"), node("d")];
    const all = await run(() => new PauseSandbox("pause", { image, nodes, maxUnavailable: "2", proof }));
    const waits = (name: string): string[] => find(all, name).dependsOn;
    const nodesOf = (name: string): string[] => waits(name).filter((d) => /^pause-[a-d]$/.test(d));
    assert.deepStrictEqual(nodesOf("pause-b"), []);
    assert.deepStrictEqual(nodesOf("pause-a"), ["pause-b"]);
    assert.deepStrictEqual(nodesOf("pause-c"), ["pause-b"]);
    assert.deepStrictEqual(nodesOf("pause-d"), ["pause-a"]);
    assert.ok(waits("pause-b").includes("pause-image-index"), "nodes wait for what was pushed");
    assert.ok(waits("pause-b-script").includes("pause-image-index"), "and nothing is copied to them before");
    // A component is registered when what it waits for is done, and its children after it.
    assert.deepStrictEqual(nodesOf("pause-proof").sort(), ["pause-c", "pause-d"]);
    for (const name of ["pause-image", "pause-a", "pause-proof"]) assert.strictEqual(find(all, name).parent, "pause");
  });

  it("proves every node where asked to", async () => {
    const every = { ...proof, scope: ProofScope.Every };
    const all = await run(() => new PauseSandbox("pause", { image, nodes: [node("a"), node("b")], proof: every }));
    find(all, "pause-proof-a-pod");
    find(all, "pause-proof-b-pod");
  });

  it("proves each canary before the soak, and begins the other nodes behind it", async () => {
    const nodes = [node("a"), node("b", true), node("c", true), { ...node("d", true), gone: true }];
    for (const scope of [ProofScope.One, ProofScope.Every]) {
      const args = { image, nodes, soakSeconds: 60, proof: { ...proof, scope } };
      const all = await run(() => new PauseSandbox("pause", args));
      const waits = (name: string): string[] => find(all, name).dependsOn.filter((one) => /^pause-/.test(one));
      assert.deepStrictEqual(
        ["b", "c"].map((one) => waits(`pause-proof-${one}`)),
        [["pause-b"], ["pause-c"]],
      );
      const [pods, soak] = [["pause-proof-b-pod", "pause-proof-c-pod"], "pause-soak"];
      assert.deepStrictEqual(
        waits(soak).filter((one) => one.endsWith("-pod")),
        pods,
      );
      assert.ok(waits("pause-a").includes(soak));
      const last = scope === ProofScope.One ? "pause-proof-pod" : "pause-proof-a-pod";
      const made = all.filter(({ type }) => type === "kubernetes:core/v1:Pod").map(({ name }) => name);
      assert.deepStrictEqual(made.sort(), [...pods, last].sort());
    }
  });

  it("recreates the proof of a canary for other settings of it, but not for another check of each run", async () => {
    const proofOf = async (more: Partial<PauseSandboxArgs>) => {
      const args = { image, nodes: [node("a", true), node("b")], soakSeconds: 60, proof, ...more };
      const all = await run(() => new PauseSandbox("pause", args));
      return JSON.stringify(find(all, "pause-proof-a-pod").inputs.metadata);
    };
    const first = await proofOf({});
    assert.notStrictEqual(first, await proofOf({ kubeletFlag: false }));
    assert.notStrictEqual(first, await proofOf({ trust: { mirrors: ["https://mirror.example.com"] } }));
    assert.strictEqual(first, await proofOf({ reconcile: Reconcile.EveryUp }));
    assert.strictEqual(first, await proofOf({ maxUnavailable: "2" }));
  });

  it("lets canaries soak again for another login only where that stays on them", async () => {
    const soaked = async (password: string, keep?: boolean) => {
      const args = { image, nodes: [node("a", true), node("b")], soakSeconds: 60 };
      const trust = { login: { username: "puller", password, keep } };
      return find(await run(() => new PauseSandbox("pause", { ...args, trust })), "pause-soak").inputs.input;
    };
    assert.notDeepStrictEqual(await soaked("one"), await soaked("two"));
    assert.deepStrictEqual(await soaked("one", false), await soaked("two", false));
  });

  it("tells a new check of canaries from other settings", async () => {
    const soaked = async (more: Partial<PauseSandboxArgs>) => {
      const args = { image, nodes: [node("a", true), node("b")], soakSeconds: 60, ...more };
      return find(await run(() => new PauseSandbox("pause", args)), "pause-soak").inputs.input as Asked;
    };
    const [first, again, other] = [
      await soaked({ recheck: 1 }),
      await soaked({ recheck: 2 }),
      await soaked({ kubeletFlag: false }),
    ];
    assert.strictEqual(first.settings, again.settings);
    assert.notStrictEqual(first.run, again.run);
    assert.notStrictEqual(first.settings, other.settings);
  });

  it("proves each RuntimeClass that it is given, behind the last nodes", async () => {
    const classes = { ...proof, runtimeClasses: ["kata", "a.b"] };
    const all = await run(() => new PauseSandbox("pause", { image, nodes: [node("a")], proof: classes }));
    const pods = all.filter(({ type }) => type === "kubernetes:core/v1:Pod");
    const spec = (pod: (typeof pods)[number]) => pod.inputs.spec as { runtimeClassName?: string };
    assert.deepStrictEqual(pods.map((pod) => [pod.name, spec(pod).runtimeClassName]).sort(), [
      ["pause-class-a.b-pod", "a.b"],
      ["pause-class-kata-pod", "kata"],
      ["pause-proof-pod", undefined],
    ]);
    assert.ok(find(all, "pause-class-kata").dependsOn.includes("pause-a"));
  });

  it("refuses what is no list of RuntimeClasses", () => {
    for (const [runtimeClasses, says] of [
      [["Kata"], /proof\.runtimeClasses\[0\].*"Kata"/],
      [["a", "a"], /proof\.runtimeClasses\[1\].*once/],
      ["a", /proof\.runtimeClasses.*a list of at most 20/],
      [Array.from({ length: 21 }, (_, index) => `c${index}`), /at most 20/],
    ] as const) {
      const wrong = { ...proof, runtimeClasses: runtimeClasses as string[] };
      assert.throws(() => new PauseSandbox("pause", { image, nodes: [node("a")], proof: wrong }), says);
    }
  });

  it("has no sample Pod where none is asked for", async () => {
    const all = await run(() => new PauseSandbox("pause", { image, nodes: [node("a")] }));
    assert.ok(!all.some(({ type }) => type.startsWith("kubernetes:")));
  });

  it("asks nothing more of a host that is gone, and lets the others go on", async () => {
    const nodes = [node("a"), { ...node("b"), gone: true }];
    const every = { ...proof, scope: ProofScope.Every };
    const all = await run(() => new PauseSandbox("pause", { image, nodes, proof: every }));
    assert.ok(!all.some(({ name }) => name.startsWith("pause-proof-b")), "no Pod on a host that is gone");
    assert.strictEqual(find(all, "pause-a").retainOnDelete, false);
    assert.strictEqual(find(all, "pause-b").retainOnDelete, true);
    assert.ok(!all.some(({ name }) => name === "pause-b-script"), "nothing is copied to a host that is gone");
    assert.deepStrictEqual(find(all, "pause-b").ignoreChanges, ["connection", "stdin", "create", "update", "delete"]);
  });

  it("proves another image, and another recheck, by other Pods", async () => {
    const nodes = [node("a")];
    const proofOf = async (args: { recheck?: number; reference?: string }): Promise<unknown> => {
      const { reference = REFERENCE, recheck } = args;
      const all = await run(() => new PauseSandbox("pause", { image: { reference }, nodes, proof, recheck }));
      const { inputs, replaceOnChanges } = find(all, "pause-proof-pod");
      assert.deepStrictEqual(replaceOnChanges, ["spec", 'metadata.annotations["pause-sandbox/proof-of"]']);
      return (inputs.metadata as { annotations: unknown }).annotations;
    };
    assert.deepStrictEqual(await proofOf({}), { "pause-sandbox/proof-of": `${REFERENCE}@${DIGEST}, recheck 0` });
    const other = REFERENCE.replace("1.0.0", "1.0.1");
    assert.deepStrictEqual(await proofOf({ reference: other, recheck: 2 }), {
      "pause-sandbox/proof-of": `${other}@${DIGEST}, recheck 2`,
    });
  });

  it("looks at every node on each run where that is asked for, and leaves the sample Pods", async () => {
    const args = { image, nodes: [node("a")], proof, reconcile: Reconcile.EveryUp };
    const all = await run(() => new PauseSandbox("pause", args));
    const looked = Number(/ recheck=(\d+)$/.exec(String(find(all, "pause-a").inputs.create))?.[1]);
    // Later than this line was written: a number that no run had before.
    assert.ok(looked > 1_764_000_000, String(looked));
    const { annotations } = find(all, "pause-proof-pod").inputs.metadata as { annotations: Record<string, string> };
    assert.match(annotations["pause-sandbox/proof-of"] ?? "", /, recheck 0$/);
    await refused(
      () => new PauseSandbox("pause", { ...args, reconcile: "always" as Reconcile }),
      ['reconcile: "always"', "on-change or every-up"],
    );
  });

  it("has no sample Pod in a dry run: on a node that was not healed it would never be Ready", async () => {
    const all = await run(() => new PauseSandbox("pause", { image, nodes: [node("a")], proof, dryRun: true }));
    assert.ok(!all.some(({ type }) => type.startsWith("kubernetes:")));
    assert.deepStrictEqual(wordsOf(find(all, "pause-a").inputs.create).slice(1, 3), ["plan", "node=a"]);
  });

  it("hands on what the nodes reported, by name", async () => {
    let reports: unknown;
    await run(() => new PauseSandbox("pause", { image, nodes: [node("a")] }).nodes.apply((all) => (reports = all)));
    assert.strictEqual((reports as Record<string, { pinned: boolean }>).a?.pinned, true);
  });

  it("reports the problems of image, nodes, rollout and proof at once, and creates nothing", () =>
    refused(
      () =>
        new PauseSandbox("pause", {
          image: { reference: "pause" },
          nodes: [
            node("a"),
            node("a"),
            { ...node("B!"), connection: { host: "b" } },
            // As a program without types may have it.
            {} as ClusterNode,
          ],
          maxUnavailable: "0%",
          recheck: -1,
          kubeletFlag: "no" as unknown as boolean,
          soakSeconds: 0.5,
          kubeconfig: "",
          proof: { ...proof, nginxImage: "", scope: "some" as ProofScope },
        }),
      [
        'image.reference: "pause"',
        'nodes[1].name: "a"',
        'nodes[2].name: "B!"',
        "nodes[2].connection.hostKey",
        "nodes[3].name: no value",
        "nodes[3].connection: no value",
        'maxUnavailable: "0%"',
        "recheck: -1",
        'kubeletFlag: "no"',
        "soakSeconds: 0.5 is not allowed; it must be a whole number of seconds from 0 to 86400",
        "kubeconfig: an empty text is not allowed",
        "proof.nginxImage",
        'proof.scope: "some"',
      ],
    ));

  it("refuses an empty list of nodes", () =>
    refused(() => new PauseSandbox("pause", { image, nodes: [] }), ["nodes: []", "at least one node"]));
});
