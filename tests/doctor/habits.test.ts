import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { columns } from "../../cli/terminal";
import type { Facts } from "../../doctor/facts";
import { calledHere } from "../support/commandLine";
import { node, nodesServer } from "../support/nodesServer";
import { fakeSsh } from "./fakeSsh";
import { factsOf, READY } from "./nodeFacts";

describe("what people expect of the doctor", function () {
  this.timeout("1m");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-habits-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });
  const doctor = (...args: string[]) =>
    calledHere(["doctor", ...args], { env: { PATH: `${dir}:${process.env.PATH ?? ""}` } });
  const local = (more: Partial<Facts> = {}): Facts =>
    factsOf("localhost/kubernetes/pause:latest", { image: { status: { pinned: true } }, ...more });
  const sick = {
    ...READY,
    conditions: [{ type: "NetworkReady", status: false, message: "cni plugin not initialized" }],
  };

  it("--wait looks again until a sick node is well", async () => {
    fakeSsh(dir, { a: local() });
    fs.renameSync(path.join(dir, "a.facts"), path.join(dir, "well"));
    fakeSsh(dir, { a: local({ status: sick }) });
    // ssh gives what it has, and the node is healed behind the first look.
    const ssh = path.join(dir, "ssh");
    const heal = `[ ! -e ${dir}/well ] || trap 'mv ${dir}/well ${dir}/a.facts' EXIT`;
    fs.writeFileSync(ssh, fs.readFileSync(ssh, "utf8").replace("#!/bin/sh", `#!/bin/sh\n${heal}`));
    const { status, stdout } = await doctor("--host", "a", "--wait", "1m");
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^worker-7: all is well\./);
    assert.equal(
      fs
        .readFileSync(path.join(dir, "args"), "utf8")
        .split("\n")
        .filter((line) => line.includes("-T -- a ")).length,
      2,
    );
  });

  it("--wait ends with what it saw last where the time is over", async () => {
    fakeSsh(dir, { a: local({ status: sick }) });
    const { status, stdout } = await doctor("--host", "a", "--wait", "1s");
    assert.equal(status, 1);
    assert.match(stdout, /PS-D025/);
  });

  const widths: [string, object, number][] = [
    ["a narrow terminal", { isTTY: true, columns: 60 }, 60],
    ["a very narrow one", { isTTY: true, columns: 10 }, 40],
    ["a wide one", { isTTY: true, columns: 250 }, 100],
    ["a pipe", { columns: 60 }, 100],
  ];
  for (const [what, stream, expected] of widths) {
    it(`lines have ${expected} columns on ${what}`, () => {
      assert.equal(columns(stream), expected);
    });
  }

  it("a host key that is not known leads to --address where the address comes from the cluster", async () => {
    fakeSsh(dir, {});
    fs.writeFileSync(path.join(dir, "10.0.0.7.refuses"), "Host key verification failed.\n");
    const pods = [
      {
        metadata: { name: "web", namespace: "shop", uid: "1" },
        spec: { nodeName: "w-1" },
        status: { phase: "Pending" },
      },
    ];
    const events = [{ involvedObject: { uid: "1" }, message: "x", reason: "FailedCreatePodSandBox" }];
    const server = await nodesServer([[node("w-1", { ip: "10.0.0.7" })]], { pods, events });
    const kubeconfig = path.join(dir, "kubeconfig");
    fs.writeFileSync(kubeconfig, server.kubeconfig);
    try {
      const flat = (text: string) => text.replace(/\s+/g, " ");
      const advice = "--address Hostname logs in by another name of the node";
      const asked = flat((await doctor("--kubeconfig", kubeconfig)).stdout);
      assert.ok(asked.includes("ssh-keyscan -t ed25519 -p 22 10.0.0.7 prints it") && asked.includes(advice), asked);
      assert.ok(!flat((await doctor("--host", "10.0.0.7")).stdout).includes(advice));
    } finally {
      server.close();
    }
  });
});
