import * as assert from "assert";
import { randomBytes } from "crypto";
import * as fs from "fs";
import * as path from "path";
import type { EngineEvent } from "@pulumi/pulumi/automation";

import { clusterDown, clusterUp, labStands, type LabInfo } from "../../../lab/cluster";
import { exec } from "../../../lab/cluster/exec";
import { labDir } from "../../../lab/cluster/layout";
import { SECOND_HANDLER } from "../../../lab/cluster/nodeFiles";
import { openStack, type Overrides } from "../../../lab/engine";
import { showFailure, stuckPod } from "../../../lab/failure";
import { get, isReady, kubectl, type Pod } from "../../../lab/kubectl";
import { lineLog } from "../../../lab/log";
import { waitFor } from "../../../lab/cluster/wait";
import { CARRIED } from "../../../lab/noRegistry";
import { faults, prove, registryDigest, sandboxImage } from "../../../lab/proof";
import { atLeast, itFrom } from "../../support/tier";
import { theGuide } from "./guide";
import { killedRun } from "./killed";
import { differences, snapshots } from "./nodes";
import { filesWith, nodeFilesWith, sessions } from "./secrets";
import { traces } from "./traces";
import { underTraffic } from "./traffic";

const MAKE_UP = "lab/up.ts";

/** Beside the main job. */
const itToo = itFrom("all");

describe("the whole way through, on the lab", function () {
  this.timeout("15m");
  // Each step starts from where the one before it left the cluster: after one that fails, the rest would say nothing.
  this.bail(true);

  const stoodBefore = labStands();
  let lab: LabInfo;
  let untouched: Map<string, string[]>;

  before(async () => {
    lab = await clusterUp(lineLog());
    await (await openStack(lab)).destroy();
    await kubectl(lab, ["delete", "pods", "--all", "--wait", "--timeout=120s"]);
    untouched = await snapshots(lab);
  });

  after(async () => {
    if (stoodBefore) return;
    await clusterDown(lineLog());
    // A compiler that served a program ends by itself once the program has ended.
    await waitFor({
      what: "nothing of the lab is left",
      timeoutSeconds: 60,
      missing: async () => {
        const left = await traces();
        return left.length === 0 ? undefined : left.join(", ");
      },
    });
  });

  it("starts no Pod on any node, since each lacks the sandbox image, as in restricted networks", async () => {
    for (const [node, message] of await showFailure(lab)) {
      assert.match(
        message,
        /failed to (get sandbox|pull) image "[^"]*pause.*x509: certificate signed by unknown authority/,
        node,
      );
    }
  });

  itToo("the engine gets the kubeconfig as it is, also where it has just written its salt beside it", async () => {
    const { value } = await (await openStack(lab)).getConfig("kubeconfig");
    assert.strictEqual(value, fs.readFileSync(lab.kubeconfig, "utf8"));
  });

  it("preview leaves the nodes untouched", async () => {
    const { changeSummary } = await (await openStack(lab)).preview();
    assert.ok((changeSummary.create ?? 0) >= lab.nodes.length);
    assert.deepStrictEqual(differences(untouched, await snapshots(lab)), []);
  });

  it("a canary that cannot pull the image fails, is as it was, and no other node is touched", async () => {
    const missing = `${lab.registry.host}/platform/missing:1`;
    const { events, error } = await attempt(lab, { imageSource: "existing", reference: missing });
    assert.match(error, /node-1/);
    assert.ok(error.includes(missing), error);
    assert.deepStrictEqual(nodeEvents(events), ["start node-1"]);
    // The engine has copied the script, and knows so: the next run does not copy it again.
    assert.deepStrictEqual(copiesAmong(differences(untouched, await snapshots(lab))), { "node-1": 2 });
  });

  it("a run that is killed in the middle of a node does no harm, and the next one goes on", async () => {
    const seen = await killedRun([MAKE_UP], "[node-1] restarting containerd");
    // The Pods were there already, from a run that went no further, say: they are still what there is to see.
    for (const { name } of lab.nodes) assert.match(seen, new RegExp(`${name}: .*x509: certificate signed by`));
    const { stdout } = await (await openStack(lab)).up();
    assert.match(stdout, /pause-node-1 created/);
    assert.match(stdout, /pause-node-2 created/);
  });

  it("up heals the cluster", async () => {
    await proven(lab, {});
  });

  itToo("kubectl shows what a container of the sample Pod writes", async () => {
    for (const { metadata } of await samplePods(lab)) {
      assert.match(await kubectl(lab, ["logs", metadata.name, "-c", "app"]), /^answered GET \/ HTTP\/1\.0$/m);
    }
  });

  itToo("make kubeconfig prints the path of one that kubectl can use", async () => {
    const kubeconfig = (await exec("make", ["kubeconfig"])).trim();
    const nodes = await kubectl({ ...lab, kubeconfig }, ["get", "nodes", "-o", "name"]);
    assert.deepStrictEqual(nodes.trim().split("\n"), ["node/node-1", "node/node-2"]);
  });

  it("up again changes nothing: no resource, no node, no Pod", async () => {
    const files = await snapshots(lab);
    const pods = await podIds(lab);
    await (await openStack(lab)).up({ expectNoChanges: true });
    assert.deepStrictEqual(differences(files, await snapshots(lab)), []);
    assert.deepStrictEqual(await podIds(lab), pods);
  });

  itToo("make up makes the Pods again that someone deleted, and nothing else", async () => {
    const [sample] = await samplePods(lab);
    await kubectl(lab, ["delete", "pod", stuckPod("node-1"), sample?.metadata.name ?? "", "--wait"]);
    const output = await makeUp();
    assert.match(output, /node-1: Pod stuck-node-1 runs: the node was healed before/);
    assert.match(output, /\+ 1 created\n *16 unchanged/);
    assert.doesNotMatch(output, /pending operations/);
  });

  itToo("preview says in words what each node would get, also while the digest is not known", async () => {
    const before = `${lab.registry.host}/platform/pause:1.0.0`;
    const reference = before.replace(/0$/, "1");
    const sourceUrl = "https://git.example.com/platform/pause/1.0.1";
    for (const diff of [false, true]) {
      const { stdout } = await (await openStack(lab, { reference, sourceUrl })).preview({ diff });
      const words = `image ${before} → ${reference}, digest not known yet`;
      for (const { name } of lab.nodes) {
        const said = `command:remote:Command (pause-${name}):\n    ${words}\n`;
        if (!diff) assert.ok(stdout.includes(said), stdout);
        // The engine prints no messages then, and whole command lines.
        else
          assert.match(
            stdout,
            new RegExp(`~ create: ".* apply node=${name} .*image=${before} .*" => ".* image=${reference} `),
          );
      }
      // Host keys and fingerprints are shorter.
      assert.doesNotMatch(stdout, /[A-Za-z0-9+/]{100}/);
    }
  });

  it("another image reaches the nodes in order, and no other Pod is restarted nor leaves one of 10,000 requests unanswered", async () => {
    const pods = await stuckPods(lab);
    const reference = `${lab.registry.host}/platform/pause:1.0.1`;
    const { answered, failed } = await underTraffic(lab, 10_000, async () => {
      // Another label makes other bytes: a tag alone does not, and nodes then name the image by its first tag.
      const sourceUrl = "https://git.example.com/platform/pause/1.0.1";
      const { events } = await proven(lab, { reference, sourceUrl, soakSeconds: "1" });
      assert.deepStrictEqual(nodeEvents(events), ["start node-1", "done node-1", "start node-2", "done node-2"]);
      // The other nodes wait for a new Pod on the canary.
      const ready = ofResource(events, "resOutputsEvent", "pause-proof-node-1-pod");
      assert.ok(ready >= 0 && ready < ofResource(events, "resourcePreEvent", "pause-node-2"));
    });
    assert.deepStrictEqual(await stuckPods(lab), pods);
    assert.ok(answered >= 10_000 && failed === 0, `${answered} answered, ${failed} not`);
  });

  itToo(
    "other bytes under the same reference reach every node, and no Pod but the sample Pods is restarted",
    async () => {
      const reference = `${lab.registry.host}/platform/pause:1.0.1`;
      const before = await registryDigest(lab, reference);
      const pods = await stuckPods(lab);
      const { digest } = await proven(lab, { reference, sourceUrl: "https://git.example.com/platform/pause" });
      assert.notStrictEqual(digest, before);
      assert.deepStrictEqual(await stuckPods(lab), pods);
    },
  );

  itToo("a dry run says which nodes would change and changes none; the next run changes them", async () => {
    const reference = `${lab.registry.host}/platform/pause:1.0.2`;
    const sourceUrl = "https://git.example.com/platform/pause/1.0.2";
    const before = await snapshots(lab);
    const pods = await stuckPods(lab);
    const { outputs } = await (await openStack(lab, { reference, sourceUrl, dryRun: "true" })).up();
    assert.deepStrictEqual(outputs.nodes?.value, { total: 2, "in-order": 0, "would-change": 2 });
    // Its own file of the script is there until the next run.
    assert.deepStrictEqual(copiesAmong(differences(before, await snapshots(lab))), { "node-1": 2, "node-2": 2 });
    await proven(lab, { reference, sourceUrl });
    assert.deepStrictEqual(await stuckPods(lab), pods);
  });

  itToo(
    "an image that is in the registry already reaches the nodes by its digest, also those that the cluster names",
    async () => {
      const reference = `${lab.registry.host}/platform/pause:1.0.0`;
      const imageDigest = await registryDigest(lab, reference);
      const knownHosts = lab.nodes.map(({ host, hostKey }) => `${host} ${hostKey}\n`).join("");
      const found = { nodes: [], nodesFrom: { cluster: { labelSelector: "kubernetes.io/os=linux" } }, knownHosts };
      await proven(lab, { imageSource: "existing", reference, imageDigest, requireAllNodes: "true", ...found });
    },
  );

  itToo("a mirrored image reaches the nodes byte for byte, and a Pod of a RuntimeClass too", async () => {
    const runtimeClass = {
      apiVersion: "node.k8s.io/v1",
      kind: "RuntimeClass",
      metadata: { name: "of-second" },
      handler: SECOND_HANDLER,
      scheduling: { nodeSelector: { "kubernetes.io/hostname": "node-2" } },
    };
    await kubectl(lab, ["apply", "-f", "-"], JSON.stringify(runtimeClass));
    const mirrorOf = `${lab.registry.host}/platform/pause:1.0.1`;
    const reference = `${lab.registry.host}/mirror/pause:3`;
    const runtimeClasses = ["of-second"];
    const { digest } = await proven(lab, { imageSource: "mirror", mirrorOf, reference, runtimeClasses });
    assert.strictEqual(digest, await registryDigest(lab, mirrorOf));
    const [pod, ...more] = (await samplePods(lab)).filter(({ spec }) => spec.runtimeClassName === "of-second");
    const node = lab.nodes.find(({ name }) => name === "node-2");
    assert.ok(pod !== undefined && more.length === 0 && node !== undefined);
    assert.deepStrictEqual([isReady(pod), await sandboxImage(node, pod)], [true, reference]);
  });

  itToo("a login for pulls takes one session per node, and only root reads it, in one file per node", async () => {
    const login = { user: "puller", password: `p${randomBytes(12).toString("hex")}` };
    const basic = Buffer.from(`${login.user}:${login.password}`).toString("base64");
    const before = await Promise.all(lab.nodes.map(sessions));
    const stack = await openStack(lab, { pullUsername: login.user });
    await stack.setConfig("pullPassword", { value: login.password, secret: true });
    await stack.up();
    const after = await Promise.all(lab.nodes.map(sessions));
    assert.deepStrictEqual(
      after,
      before.map((count) => count + 1),
    );

    const texts = [login.password, basic];
    const file = `600 /etc/containerd/certs.d/${lab.registry.host}/hosts.toml`;
    for (const node of lab.nodes) assert.deepStrictEqual(await nodeFilesWith(node, texts), [file], node.name);
    const state = path.join(labDir(), "state");
    assert.notStrictEqual(filesWith(state, [lab.registry.host]).length, 0, "the search finds what is there");
    assert.deepStrictEqual(filesWith(state, texts), []);

    await (await openStack(lab)).up();
    for (const node of lab.nodes) assert.deepStrictEqual(await nodeFilesWith(node, texts), [], node.name);
  });

  itToo("a Spring Boot application answers in the sample Pod, and the plain one does again after it", async () => {
    for (const app of ["spring", ""]) {
      process.env.APP = app;
      lab = await clusterUp(lineLog());
      const before = (await samplePods(lab)).map(({ metadata }) => metadata.uid);
      await proven(lab, {});
      for (const { metadata, spec } of await samplePods(lab)) {
        assert.ok(!before.includes(metadata.uid), "a Pod that is changed in place is Ready from before");
        assert.ok(spec.containers.some(({ image }) => image === `${lab.registry.host}/lab/${app || "app"}:1`));
      }
    }
  });

  it("destroy restores every node byte for byte, and new Pods fail as they did at first", async () => {
    await (await openStack(lab)).destroy();
    assert.deepStrictEqual(differences(untouched, await snapshots(lab)), []);
    for (const [node, message] of await showFailure(lab, "again")) {
      assert.match(message, /x509: certificate signed by unknown authority/, node);
    }
    // On a lab that stays they would wait for an image for ever, and others would run beside somebody's tests.
    await kubectl(lab, ["delete", "pods", "--all", "--wait", "--timeout=120s"]);
  });

  itFrom("long")("make up REGISTRY=none heals the nodes while no registry answers", async () => {
    const output = await makeUp({ REGISTRY: "none" });
    assert.match(output, /node-1: .*failed to get sandbox image .*(no route to host|timeout)/);
    assert.match(output, /2 of 2 nodes done \(2 changed/);
    await (await openStack(lab, CARRIED)).destroy();
    lab = await clusterUp(lineLog());
    assert.deepStrictEqual(differences(untouched, await snapshots(lab)), []);
    await kubectl(lab, ["delete", "pods", "--all", "--wait", "--timeout=120s"]);
  });

  if (atLeast("all")) theGuide(() => lab);
});

/** Runs `up` with other settings; a failure is returned, not thrown, with what the engine said. */
async function attempt(lab: LabInfo, overrides: Overrides): Promise<{ events: EngineEvent[]; error: string }> {
  const stack = await openStack(lab, overrides);
  const events: EngineEvent[] = [];
  try {
    await stack.up({ onEvent: (event) => events.push(event), color: "never" });
    return { events, error: "" };
  } catch (error) {
    return { events, error: String(error) };
  }
}

/** Runs `up` with other settings, and the proof: both nodes run new Pods on what the registry has. */
async function proven(lab: LabInfo, overrides: Overrides): Promise<{ events: EngineEvent[]; digest: string }> {
  const { events, error } = await attempt(lab, overrides);
  assert.strictEqual(error, "");
  const reference = String((await (await openStack(lab, overrides)).outputs()).reference?.value);
  const digest = await registryDigest(lab, reference);
  assert.deepStrictEqual(faults(await prove(lab), reference, digest), []);
  return { events, digest };
}

/** Runs `make up` to its end, which is the proof, and returns what it said. */
async function makeUp(env: Record<string, string> = {}): Promise<string> {
  let said = "";
  await exec("node", ["--import", "tsx", MAKE_UP], { env, onStderr: (line) => (said += `${line}\n`) });
  return said;
}

/** When the engine started on each node and when it was done, in that order. */
function nodeEvents(events: EngineEvent[]): string[] {
  return events.flatMap(({ resourcePreEvent, resOutputsEvent }) => {
    const metadata = (resourcePreEvent ?? resOutputsEvent)?.metadata;
    if (metadata?.type !== "command:remote:Command") return [];
    const node =
      metadata.urn
        .split("::")
        .pop()
        ?.replace(/^pause-/, "") ?? "";
    return [`${resourcePreEvent ? "start" : "done"} ${node}`];
  });
}

/** Index of the first event of a resource; -1 where there is none. */
const ofResource = (events: EngineEvent[], kind: "resourcePreEvent" | "resOutputsEvent", name: string): number =>
  events.findIndex((event) => event[kind]?.metadata.urn.endsWith(`::${name}`));

/** The number of lines by node, which are all about copies of the script: an entry and a hash for each copy. */
function copiesAmong(lines: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of lines) {
    const [, name = line] =
      /^(\S+) \+ \S.* \/root\/\.pause-sandbox-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{64}\.sh ?$/.exec(line) ?? [];
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

async function samplePods(lab: LabInfo): Promise<Pod[]> {
  return (await get<{ items: Pod[] }>(lab, ["pods", "-l", "app=pause-sandbox-localhost"])).items;
}

/** The Pods that no run replaces, see {@link podIds}. */
async function stuckPods(lab: LabInfo): Promise<string[]> {
  return (await podIds(lab)).filter((pod) => pod.startsWith("stuck-"));
}

/** Every Pod with its identity and when its containers started: a Pod that was touched shows here. */
async function podIds(lab: LabInfo): Promise<string[]> {
  const { items } = await get<{ items: Pod[] }>(lab, ["pods"]);
  return items.map(
    ({ metadata, status }) => `${metadata.name} ${metadata.uid} ${JSON.stringify(status.containerStatuses)}`,
  );
}
