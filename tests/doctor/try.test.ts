import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { outcome } from "../../doctor/tryPod";
import type { Facts } from "../../doctor/facts";
import { calledHere, TREE } from "../support/commandLine";
import { type Answers, node, nodesServer, type NodesServer } from "../support/nodesServer";
import { fakeSsh } from "./fakeSsh";
import { CLOCK, factsOf } from "./nodeFacts";

const IMAGE = "localhost/kubernetes/pause:latest";
/** A node on which nothing has to be walked to. */
const well = (name: string, more: Partial<Facts> = {}): Facts =>
  factsOf(IMAGE, {
    host: { architecture: "amd64", epochSeconds: CLOCK, kubernetes: true, name },
    image: { status: { pinned: true } },
    ...more,
  });
const NO_NETWORK =
  'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "1": cni plugin not initialized';

describe("pause-sandbox doctor --try", function () {
  this.timeout("2m");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-try-"));
  const servers: NodesServer[] = [];
  const PATH = `${dir}:${process.env.PATH ?? ""}`;
  after(() => {
    for (const server of servers) server.close();
    fs.rmSync(dir, { recursive: true });
  });
  const doctor = (...args: string[]) => calledHere(["doctor", ...args], { env: { PATH } });

  describe("without a cluster", () => {
    const tried = async (more: Partial<Facts>, ...args: string[]) => {
      fakeSsh(dir, { a: well("worker-7", more) });
      return doctor("--host", "a", ...args);
    };

    it("starts nothing unless it is asked to", async () => {
      const { status, stdout } = await tried({ tried: { error: "no" } });
      assert.equal(status, 0);
      assert.match(stdout, /^worker-7: all is well\. A sandbox can start here\n/);
    });

    it("says what it will do, and that the network was not tried", async () => {
      const { status, stdout, stderr } = await tried({ tried: { image: IMAGE } }, "--try");
      assert.equal(status, 0, stdout);
      assert.match(stderr, /^--try: on a the runtime starts a sandbox in the host's network/);
      const text = "started here, in the host's network. The network of Pods was not tried";
      assert.ok(stdout.replace(/\s+/g, " ").startsWith(`worker-7: all is well. A sandbox ${text}`), stdout);
    });

    it("judges the error of the sandbox", async () => {
      const error =
        '"run pod sandbox: rpc error: code = Unknown desc = exec: \\"runc\\": executable file not found in $PATH"';
      const { status, stdout } = await tried({ tried: { error } }, "--try");
      assert.equal(status, 1);
      assert.match(stdout, /^worker-7: no Pod can start\. Containerd cannot start runc/);
    });

    it("lets a sandbox of the host's network end no failure of the network of Pods", async () => {
      const events = [
        `${CLOCK - 30}.0 w kubelet[1]: x "Failed to create sandbox for pod" err="cni plugin not initialized" pod="a/b"`,
      ];
      const { status, stdout } = await tried({ events, tried: { image: IMAGE } }, "--try");
      assert.equal(status, 1);
      assert.match(stdout, /PS-D025/);
    });

    it("takes no earlier try of its own for a Pod that waits", async () => {
      const one = 'RunPodSandbox for name:\\"pause-sandbox-try\\"  uid:\\"x\\"  namespace:\\"kube-system\\"';
      const events = [
        `${CLOCK - 30}.0 w containerd[1]: level=error msg="${one} failed, error" error="exec: runc: not found"`,
      ];
      const { status, stdout } = await tried({ events });
      assert.equal(status, 0, stdout);
    });

    it("does not say that all is well where the try itself could not be made", async () => {
      const { status, stdout } = await tried({ failed: { tried: "crictl is gone" } }, "--try");
      assert.equal(status, 2);
      assert.match(stdout.replace(/\s+/g, " "), /not all could be looked at: whether a sandbox starts: crictl is gone/);
    });
  });

  describe("with a cluster", () => {
    const POD = /^\/api\/v1\/namespaces\/lab\/pods(?:\/(pause-sandbox-try-[0-9a-f]{8}))?$/;
    interface Double {
      readonly calls: string[];
      made?: { metadata: { name: string }; spec: Record<string, unknown> };
      kubeconfig: string;
    }
    /** An API server whose kubelet says this of the Pod. */
    async function cluster(status: object, events: object[] = [], refuses?: object): Promise<Double> {
      const double: Double = { calls: [], kubeconfig: "" };
      let isThere = false;
      const answers: Answers = (method, url, body) => {
        if (url === "/api/v1/namespaces/lab/events") return { status: 200, body: { kind: "EventList", items: events } };
        const [there, name] = POD.exec(url) ?? [];
        if (there === undefined) return undefined;
        double.calls.push(method);
        if (method === "POST" && refuses) return { status: 403, body: refuses };
        if (method === "POST") {
          double.made = JSON.parse(body) as Double["made"];
          isThere = true;
        }
        const answer = isThere && (name === undefined || name === double.made?.metadata.name);
        if (method === "DELETE") isThere = false;
        return answer
          ? { status: 200, body: { ...double.made, status } }
          : { status: 404, body: { kind: "Status", code: 404, message: `pods "${name ?? ""}" not found` } };
      };
      const server = await nodesServer([[node("w-1", { ip: "10.0.0.7" })]], { pods: [], events: [] }, answers);
      servers.push(server);
      double.kubeconfig = path.join(dir, `kubeconfig-${servers.length}`);
      fs.writeFileSync(double.kubeconfig, server.kubeconfig);
      return double;
    }
    const args = ({ kubeconfig }: Double, ...more: string[]) =>
      ["--host", "10.0.0.7", "--kubeconfig", kubeconfig, "--try", "--namespace", "lab", ...more] as const;
    const failure = (count: number) => ({ ...{ reason: "FailedCreatePodSandBox", message: NO_NETWORK }, count });

    it("makes a Pod on the node, shows its address and its events, and deletes it", async () => {
      fakeSsh(dir, { "10.0.0.7": well("w-1") });
      const double = await cluster({ podIP: "10.244.1.9" }, [{ reason: "Started", message: "Started container" }]);
      const { status, stdout, stderr } = await doctor(...args(double));
      assert.equal(status, 0, stdout + stderr);
      assert.match(stderr, /^--try: for 10\.0\.0\.7 a Pod is created in namespace lab, /);
      assert.match(stdout, /w-1: all is well\. A Pod started here, with the address 10\.244\.1\.9\n/);
      assert.match(stdout, /\nEvents of Pod lab\/pause-sandbox-try-[0-9a-f]{8}:\n {2}Started: Started container\n/);
      assert.deepEqual(double.calls, ["POST", "GET", "DELETE", "GET"]);
      const { spec } = double.made ?? {};
      assert.deepEqual([spec?.nodeName, spec?.tolerations], ["w-1", [{ operator: "Exists" }]]);
    });

    it("judges the failure of the Pod, and deletes it", async () => {
      fakeSsh(dir, { "10.0.0.7": well("w-1") });
      const double = await cluster({ phase: "Pending" }, [failure(2)]);
      const { status, stdout } = await doctor(...args(double, "-o", "json"));
      assert.equal(status, 1, stdout);
      const { nodes } = JSON.parse(stdout) as {
        nodes: { findings: { code: string }[]; tried: { by: string; started: boolean }; events: string[] }[];
      };
      const [one] = nodes;
      assert.ok(one);
      assert.equal(one.findings[0]?.code, "PS-D025");
      assert.deepEqual([one.tried.by, one.tried.started], ["pod", false]);
      assert.deepEqual(one.events, [NO_NETWORK]);
      assert.deepEqual(double.calls.slice(-2), ["DELETE", "GET"]);
    });

    it("says what the cluster answers where it does not take the Pod, and deletes nothing", async () => {
      fakeSsh(dir, { "10.0.0.7": well("w-1") });
      const double = await cluster({}, [], { kind: "Status", message: 'namespaces "lab" not found', code: 404 });
      const { status, stdout } = await doctor(...args(double));
      assert.equal(status, 2);
      assert.match(stdout.replace(/\s+/g, " "), /whether a Pod starts: namespaces "lab" not found/);
      assert.deepEqual(double.calls, ["POST"]);
    });

    it("deletes the Pod where somebody presses Ctrl-C", async () => {
      fakeSsh(dir, { "10.0.0.7": well("w-1") });
      const double = await cluster({ phase: "Pending" });
      const child = spawn(
        process.execPath,
        ["--import", "tsx", path.join(TREE, "cli/main.ts"), "doctor", ...args(double)],
        {
          ...{ cwd: TREE, env: { ...process.env, PATH }, stdio: "ignore" },
        },
      );
      const ended = once(child, "close");
      while (!double.calls.includes("GET")) await new Promise((resolve) => setImmediate(resolve));
      child.kill("SIGINT");
      assert.deepEqual(await ended, [130, null]);
      assert.ok(double.calls.includes("DELETE"), double.calls.join());
    });

    const wrong: [string, string[], RegExp][] = [
      ["no namespace", ["--kubeconfig", "x", "--try"], /needs --namespace/],
      ["a namespace and no try", ["--kubeconfig", "x", "--namespace", "lab"], /--namespace needs --try/],
      ["a path for a namespace", ["--kubeconfig", "x", "--try", "--namespace", "../x"], /is no name of a namespace/],
    ];
    for (const [what, given, says] of wrong) {
      it(`refuses ${what}`, async () => {
        const { status, stderr } = await doctor(...given);
        assert.equal(status, 2);
        assert.match(stderr, says);
      });
    }
  });

  const late: [string, Parameters<typeof outcome>, object | undefined][] = [
    ["is open as long as nothing is said", [{}, [], false], undefined],
    [
      "waits for the kubelet's second try",
      [{}, [{ involvedObject: {}, reason: "FailedCreatePodSandBox", message: "a" }], false],
      undefined,
    ],
    [
      "hears of a network that is not ready, for which no sandbox is tried",
      [{}, [{ involvedObject: {}, reason: "NetworkNotReady", message: "a", count: 2 }], false],
      { events: ["NetworkNotReady: a"], error: "a" },
    ],
    [
      "counts the first failure at the end",
      [{}, [{ involvedObject: {}, reason: "FailedCreatePodSandBox", message: "a" }], true],
      { events: ["FailedCreatePodSandBox: a"], error: "a" },
    ],
    ["names a node without an answer", [{}, [], true], { events: [], error: "no sandbox within 90 s (no event)" }],
    [
      "names a Pod that the kubelet refuses",
      [{ status: { phase: "Failed", reason: "OutOfpods", message: "full" } }, [], false],
      { events: [], untried: "OutOfpods: full" },
    ],
    [
      "has a sandbox where a container was made, though it never started",
      [{}, [{ involvedObject: {}, reason: "Created", message: "a" }], true],
      { events: ["Created: a"], address: "" },
    ],
    [
      "waits for the address where a container was made",
      [{}, [{ involvedObject: {}, reason: "Created", message: "a" }], false],
      undefined,
    ],
    [
      "takes the condition where there is no address yet",
      [{ status: { conditions: [{ type: "PodReadyToStartContainers", status: "True" }] } }, [], false],
      { events: [], address: "" },
    ],
  ];
  for (const [what, given, expected] of late) {
    it(`a Pod that is tried ${what}`, () => {
      assert.deepEqual(outcome(...given), expected);
    });
  }
});
