import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import type { Facts } from "../../doctor/facts";
import { calledHere } from "../support/commandLine";
import { node, nodesServer, type NodesServer } from "../support/nodesServer";
import { imageOf } from "../../cli/wanted";
import { fakeSsh } from "./fakeSsh";
import { CLOCK, factsOf, runtime, sickFacts } from "./nodeFacts";

const EVENT =
  'Failed to create pod sandbox: failed to get sandbox image "registry.k8s.io/pause:3.8": x509: unknown authority';
const image = "registry.bank.example:5000/platform/pause";
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

/** A node whose image cannot be used: nothing has to be walked to. */
const sick = (name: string): Facts => ({
  ...sickFacts(image),
  host: { architecture: "amd64", epochSeconds: CLOCK, name },
});

const pod = (name: string, on: string | undefined, ready = "False") => ({
  metadata: { name, namespace: "shop", uid: `uid-${name}` },
  spec: { nodeName: on },
  status: { phase: "Pending", conditions: [{ type: "PodReadyToStartContainers", status: ready }] },
});
const event = (of: string, message: string, at: string) => ({
  involvedObject: { kind: "Pod", uid: `uid-${of}` },
  ...{ message, reason: "FailedCreatePodSandBox", lastTimestamp: at },
});

describe("pause-sandbox doctor --kubeconfig", function () {
  this.timeout("5m");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-stuck-"));
  const file = (name: string, text: string): string => {
    fs.writeFileSync(path.join(dir, name), text);
    return path.join(dir, name);
  };
  const servers: NodesServer[] = [];
  after(() => {
    for (const server of servers) server.close();
    fs.rmSync(dir, { recursive: true });
  });

  const nodes = [node("w-1"), node("w-2", { ip: "10.0.0.2", ready: "False" }), node("w-3", { ip: "10.0.0.3" })];
  const late = "2026-01-01T10:00:00Z";
  const STUCK = {
    // One that has started since, one that has no node yet, and one without an event.
    pods: [pod("web", "w-2"), pod("api", "w-2"), pod("ran", "w-1", "True"), pod("none", undefined), pod("new", "w-3")],
    events: [
      event("web", EVENT, late),
      event("web", "an older one", "2026-01-01T09:00:00Z"),
      ...["api", "ran", "none"].map((name) => event(name, EVENT, late)),
    ],
  };

  async function asked(more: typeof STUCK): Promise<{ server: NodesServer; kubeconfig: string }> {
    const server = await nodesServer([nodes], more);
    servers.push(server);
    return { server, kubeconfig: file(`kubeconfig-${servers.length}`, server.kubeconfig) };
  }
  const doctor = (...args: string[]) =>
    calledHere(["doctor", ...args], { env: { PATH: `${dir}:${process.env.PATH ?? ""}` } });

  it("looks at the nodes with stuck Pods, and names these with the cluster's newest event, verbatim", async () => {
    fakeSsh(dir, { "10.0.0.2": sick("w-2") });
    const { server, kubeconfig } = await asked(STUCK);
    const { status, stdout, stderr } = await doctor("--kubeconfig", kubeconfig, "-l", "admin");
    assert.equal(status, 1, stderr);
    assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+: Pods stuck at their sandbox: 2\n\nw-2: no Pod can start\. /);
    assert.match(stdout, /\nStuck there: shop\/web, shop\/api\n\nWhat the cluster says of shop\/web:\n/);
    assert.ok(stdout.replace(/\s+/g, " ").includes(EVENT), stdout);
    assert.ok(!stdout.includes("an older one"), stdout);
    assert.match(fs.readFileSync(path.join(dir, "args"), "utf8"), /-l admin -T -- 10\.0\.0\.2 /);
    const selectors = server.asked.map((url) => url.searchParams.get("fieldSelector"));
    assert.deepEqual(selectors, [null, "status.phase=Pending", "reason=FailedCreatePodSandBox"]);
  });

  it("names the Pods of a node that it cannot look at", async () => {
    fs.rmSync(path.join(dir, "10.0.0.2.facts"), { force: true });
    const { kubeconfig } = await asked(STUCK);
    const { status, stdout } = await doctor("--kubeconfig", kubeconfig);
    assert.equal(status, 2);
    assert.match(stdout, /\nw-2: could not look: PS-L001 (?:.*\n)+Stuck there: shop\/web, shop\/api\n/);
  });

  it("ends with 0 where no Pod is stuck", async () => {
    const { kubeconfig } = await asked({ pods: [pod("new", "w-1")], events: [] });
    const { status, stdout } = await doctor("--kubeconfig", kubeconfig);
    assert.equal(status, 0);
    assert.match(stdout, /^http:\S+: no Pod is stuck at its sandbox\n$/);
  });

  it("says which nodes the stack lacks, logs in as the stack does, and compares the image", async () => {
    fakeSsh(dir, { "inner.example": sick("w-2") });
    const { kubeconfig } = await asked(STUCK);
    const reference = "registry.bank.example:5000/platform/pause:1.0.0";
    const own = "{ name: w-2, host: inner.example, user: ops, port: 2222, hostKey: ssh-ed25519 AAAA }";
    const text = `config:\n  pause-sandbox:reference: ${reference}\n  pause-sandbox:nodes: [${own}]\n`;
    const args = ["--kubeconfig", kubeconfig, "--stack-file", file("Pulumi.mine.yaml", text)];
    const { stdout } = await doctor(...args);
    assert.match(stdout, /\nNodes that the stack does not have: w-1, w-3\n/);
    assert.match(
      stdout.replace(/\s+/g, " "),
      new RegExp(`PS-D023 The sandbox image is ${image}, and the stack has ${reference}\\.`),
    );
    assert.match(fs.readFileSync(path.join(dir, "args"), "utf8"), /-l ops -p 2222 .*-T -- inner\.example /);
    const json = JSON.parse((await doctor(...args, "-o", "json")).stdout) as {
      cluster: { notInStack: string[]; stuck: object[] };
      nodes: { pods: object[]; findings: { code: string }[] }[];
    };
    assert.deepEqual(json.cluster.notInStack, ["w-1", "w-3"]);
    assert.deepEqual(json.nodes[0]?.pods[0], { namespace: "shop", name: "web", node: "w-2", event: EVENT });
  });

  it("finds a stack by its name, and says what a run of it would change", async () => {
    const reference = "127.0.0.1:1/platform/pause:1.0.0";
    fakeSsh(dir, { "w-9": factsOf(reference) });
    const stack = `config:\n  pause-sandbox:reference: ${reference}\n  pause-sandbox:imageSource: existing\n`;
    const project = path.join(dir, "project");
    fs.mkdirSync(path.join(project, "stacks"), { recursive: true });
    fs.writeFileSync(
      path.join(project, "Pulumi.yaml"),
      "name: pause-sandbox\nruntime: nodejs\nstackConfigDir: stacks\n",
    );
    fs.writeFileSync(path.join(project, "stacks/Pulumi.mine.yaml"), stack);
    const evidence = async () => {
      const { stdout, stderr } = await doctor("--host", "w-9", "--stack", "org/mine", "-o", "json");
      assert.match(stdout, /^\{/, stderr);
      const { nodes: found } = JSON.parse(stdout) as { nodes: { evidence: { is: string; text: string }[] }[] };
      return found[0]?.evidence.filter(({ text }) => text.includes("pulumi up"));
    };
    const report = { status: "would-change", node: "w-9", image: reference, previousImage: "", digest: "sha256:a" };
    const more = { pinned: true, runtime: "containerd", runtimeVersion: "1.7.28", kubelet: "1.34.2" };
    const plan = (changed: string[]) => {
      const line = JSON.stringify({ ...report, ...more, changed, restarted: [], scriptVersion: "x" });
      fs.writeFileSync(path.join(dir, "w-9.plan"), `${line}\n`);
    };
    const here = process.cwd();
    process.chdir(project);
    try {
      const refused = {
        is: "unknown",
        text: "what pulumi up would change: [w-9] PS-N025 the file of somebody else stays",
      };
      assert.deepEqual(await evidence(), [refused]);
      plan(["/etc/x.toml"]);
      assert.deepEqual(await evidence(), [{ is: "warning", text: "pulumi up would change this: /etc/x.toml differs" }]);
      plan([]);
      const same = { is: "yes", text: "it is as the stack wants it: pulumi up would change nothing" };
      assert.deepEqual(await evidence(), [same]);
      process.chdir("/");
      const { status, stderr } = await doctor("--stack", "mine");
      assert.deepEqual([status, stderr], [2, "error: --stack mine: there is no Pulumi.yaml here or above\n"]);
    } finally {
      process.chdir(here);
    }
  });

  it("knows the image that a stack carries to its nodes, and says how a lost one comes back", async () => {
    const { image, digest: carried } = await imageOf({ source: "carried" });
    const config = "config:\n  pause-sandbox:imageSource: carried\n";
    const stack = file("Pulumi.carried.yaml", config);
    const without = file("Pulumi.without.yaml", `${config}  pause-sandbox:selfHeal: false\n`);
    const judged = async (...args: string[]) => {
      const { stdout } = await doctor(...args, "-o", "json");
      const { nodes } = JSON.parse(stdout) as { nodes: { findings: { code: string; remedy: string }[] }[] };
      return nodes[0]?.findings.map(({ code, remedy }) => `${code} ${remedy}`) ?? [];
    };
    const looked = (facts: Partial<Facts>, by = stack) => {
      fakeSsh(dir, { "w-9": { ...factsOf(image), ...facts } });
      return judged("--host", "w-9", "--stack-file", by);
    };
    const repoDigests = [`${image.replace(/:[^:]*$/, "")}@${String(carried)}`];
    assert.deepEqual(await looked({ image: { status: { pinned: true, repoDigests } } }), []);
    const byTimer = /^PS-D040 Wait 5 minutes: pause-sandbox-heal\.timer .*journalctl -u pause-sandbox-heal says why/;
    assert.match((await looked({}))[0] ?? "", byTimer);
    // None of these nodes has the timer.
    const byRun = "PS-D040 The stack carries the image to the node: run pulumi up with another recheck";
    assert.equal((await looked({}, without))[0], byRun);
    assert.equal((await looked({ runtime: { ...runtime(image), name: "k3s" } }))[0], byRun);
    assert.equal((await looked({ runtime: runtime(image.replace(/:.*/, ":0.0.1")) }))[0], byRun);
    // A bundle says the same as the look that it was made by.
    const bundle = path.join(dir, "carried.bundle");
    fakeSsh(dir, { "w-9": factsOf(image) });
    await doctor("--host", "w-9", "--stack-file", stack, "--bundle", bundle, "--yes");
    assert.match((await judged("--from", bundle))[0] ?? "", byTimer);
  });

  it("compares the digest with the stack's", async () => {
    const reference = "127.0.0.1:1/platform/pause:1.0.0";
    const status = { pinned: true, repoDigests: [`127.0.0.1:1/platform/pause@${digest("a")}`] };
    fakeSsh(dir, { "w-9": { ...factsOf(reference), image: { status } } });
    const stack = (letter: string) =>
      file(
        "Pulumi.digest.yaml",
        `config:\n  pause-sandbox:reference: ${reference}\n  pause-sandbox:imageSource: existing\n` +
          `  pause-sandbox:imageDigest: ${digest(letter)}\n`,
      );
    const codes = async (letter: string) => {
      const { stdout } = await doctor("--host", "w-9", "--stack-file", stack(letter), "-o", "json");
      const { nodes: found } = JSON.parse(stdout) as { nodes: { findings: { code: string }[] }[] };
      return (found[0]?.findings ?? []).map(({ code }) => code).filter((code) => code === "PS-D024");
    };
    assert.deepEqual([await codes("a"), await codes("b")], [[], ["PS-D024"]]);
  });

  it("says with the server's words that it may not ask, and shows no token", async () => {
    const { server, kubeconfig } = await asked(STUCK);
    server.denied = true;
    const { status, stdout, stderr } = await doctor("--kubeconfig", kubeconfig);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(
      stderr,
      /^error: the nodes of http:\S+ cannot be listed with the kubeconfig .*: nodes is forbidden: User/,
    );
    assert.doesNotMatch(stderr, /secret-token/);
  });

  it("refuses a kubeconfig that is not there, and a context without one, with 2", async () => {
    const none = await doctor("--kubeconfig", "/nowhere");
    assert.equal(none.status, 2);
    assert.match(none.stderr, /^error: the kubeconfig \/nowhere cannot be read: there is no such file\n$/);
    const { status, stderr } = await doctor("--context", "one", "--host", "a");
    assert.equal(status, 2);
    assert.match(stderr, /--context and --address need --kubeconfig/);
  });
});
