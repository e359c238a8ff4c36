import type { EngineEvent } from "@pulumi/pulumi/automation";
import * as assert from "assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { docker } from "../../../lab/cluster/docker";
import { exec, ExecError } from "../../../lab/cluster/exec";
import {
  addresses,
  answer,
  CONTAINERS,
  kill,
  NAMESPACES,
  namespaces,
  pauseAddress,
  type Pod,
  processes,
  reap,
  startAgain,
  startedAt,
} from "../../../lab/handmade/checks";
import { images } from "../../../lab/handmade/images";
import { freePort, requirePort } from "../../../lab/handmade/port";
import type { Settings } from "../../../lab/handmade/program";
import { show } from "../../../lab/handmade/show";
import { noticeLoss, openStack, podOf } from "../../../lab/handmade/stack";
import { lineLog } from "../../../lab/log";

describe("the Pod made by hand, with Spring Boot and without Kubernetes", function () {
  this.timeout("10m");
  // Each step starts from where the one before it left the Pod: after one that fails, the rest would say nothing.
  this.bail(true);

  let directory: string;
  let settings: Settings;
  let pod: Pod;

  before(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-handmade-"));
    settings = { ...(await images(lineLog())), publishedPort: await freePort(), pauseVersion: "1.0.0" };
    pod = podOf(await (await openStack(directory, settings)).up());
  });
  after(async () => {
    await (await openStack(directory)).destroy();
    fs.rmSync(directory, { recursive: true });
  });

  it("answers through nginx with what the app says", async () => {
    assert.strictEqual(pod.url, `http://127.0.0.1:${settings.publishedPort}/`);
    assert.strictEqual(await answer(pod), "Hello Docker World\n");
  });

  it("has nginx on www.kubesre.com, and an app that nobody reaches but through nginx", async () => {
    const conf = await docker(["exec", pod.nginx, "/usr/bin/busybox", "cat", "/etc/nginx/nginx.conf"]);
    assert.match(conf, /server_name www\.kubesre\.com;/);
    const direct = exec("curl", ["--noproxy", "*", "-sS", `http://${await pauseAddress(pod)}:8888/`]);
    await assert.rejects(direct, (error: ExecError) => /refused|Failed to connect/.test(error.stderr));
  });

  it("shows pause as process 1 beside nginx and java", async () => {
    const found = await processes(pod);
    assert.deepStrictEqual(
      found.filter(({ pid }) => pid === 1).map(({ user, command }) => [user, command]),
      [["65535", "/pause"]],
    );
    for (const command of ["java -jar /app.jar", "nginx: master process", "nginx: worker process"]) {
      assert.strictEqual(found.filter((process) => process.command.startsWith(command)).length, 1, command);
    }
  });

  it("shares network, IPC and PID namespaces, and keeps file systems apart", async () => {
    const found = await namespaces(pod);
    const different = NAMESPACES.map((kind) => [kind, new Set(CONTAINERS.map((name) => found[name][kind])).size]);
    assert.deepStrictEqual(Object.fromEntries(different), { net: 1, ipc: 1, pid: 1, mnt: 3 });
  });

  it("up again changes nothing", async () => {
    const started = await Promise.all(CONTAINERS.map((name) => startedAt(pod[name])));
    await (await openStack(directory, settings)).up({ expectNoChanges: true });
    assert.deepStrictEqual(await Promise.all(CONTAINERS.map((name) => startedAt(pod[name]))), started);
  });

  it("keeps its address while nginx and the app are killed and started again", async () => {
    const [address, since, spaces] = [await addresses(pod), await startedAt(pod.pause), await namespaces(pod)];
    assert.strictEqual(address.app, address.pause);
    await kill(pod);
    assert.strictEqual(await pauseAddress(pod), address.pause);
    await startAgain(pod);
    assert.strictEqual(await answer(pod), "Hello Docker World\n");
    assert.deepStrictEqual(await addresses(pod), address);
    assert.strictEqual(await startedAt(pod.pause), since);
    const now = await namespaces(pod);
    for (const kind of ["net", "ipc", "pid"] as const) {
      for (const name of CONTAINERS) assert.strictEqual(now[name][kind], spaces.pause[kind], `${kind} of ${name}`);
    }
  });

  it("reaps what is left behind: zombies stay only while pause is stopped", async () => {
    assert.deepStrictEqual(await reap(pod, 100), { orphans: 100, adopted: 100, zombies: 100, left: 0 });
  });

  it("is shown as a transcript of what anyone can do by hand", async () => {
    const written: string[] = [];
    await show(pod, (text) => written.push(text));
    const address = await pauseAddress(pod);
    const port = String(settings.publishedPort);
    for (const part of [
      new RegExp(`^\\$ curl http://localhost:${port}\nHello Docker World$`, "m"),
      /^\$ docker exec pod-app-\w+ ps -o pid,ppid,user,stat,args$/m,
      /^ *1 +0 +65535 +S\w* +\/pause$/m,
      / nginx: master process /,
      / java -jar \/app\.jar$/m,
      /│ net +│ net:\[(\d+)\] +│ net:\[\1\] +│ net:\[\1\] +│ shared +│/,
      /│ ipc +│ ipc:\[(\d+)\] +│ ipc:\[\1\] +│ ipc:\[\1\] +│ shared +│/,
      /│ pid +│ pid:\[(\d+)\] +│ pid:\[\1\] +│ pid:\[\1\] +│ shared +│/,
      /│ mnt +│.*│ each its own │/,
      /^\$ docker kill --signal KILL pod-nginx-\w+ pod-app-\w+$/m,
      new RegExp(`^  only pause is left, and keeps ${address.replaceAll(".", "\\.")}$`, "m"),
      new RegExp(`^  the address is ${address.replaceAll(".", "\\.")}, and curl prints: Hello Docker World$`, "m"),
      /50 processes were left .* parent of 50\. .*: 50 zombies\. It continued: 0 zombies\.$/m,
    ]) {
      assert.match(written.join(""), part);
    }
  });

  it("is not shown as a Pod where it is none, and what is wrong is said", () =>
    assert.rejects(
      show({ ...pod, nginx: pod.app }, () => undefined),
      /this is no Pod: the mnt namespaces are mnt:/,
    ));

  it("gets back a container that someone removed, beside those that kept running", async () => {
    await docker(["rm", "--force", pod.nginx]);
    const stack = await openStack(directory, settings);
    await noticeLoss(stack);
    const now = podOf(await stack.up());
    assert.deepStrictEqual([now.pause, now.app], [pod.pause, pod.app]);
    pod = now;
    assert.strictEqual(await answer(pod), "Hello Docker World\n");
  });

  it("is recreated when someone removed pause: the others lost their namespaces with it", async () => {
    await docker(["rm", "--force", pod.pause]);
    const stack = await openStack(directory, settings);
    await noticeLoss(stack);
    const old = pod;
    pod = podOf(await stack.up());
    for (const name of CONTAINERS) assert.notStrictEqual(pod[name], old[name], name);
    assert.strictEqual(await answer(pod), "Hello Docker World\n");
    assert.strictEqual((await processes(pod)).find(({ pid }) => pid === 1)?.command, "/pause");
    const there = await docker(["ps", "--all", "--quiet", "--no-trunc"]);
    for (const name of CONTAINERS) assert.ok(!there.includes(old[name]), `the old ${name} is left`);
    await stack.up({ expectNoChanges: true });
  });

  it("is recreated when pause's image changes: nothing stays in namespaces that are gone", async () => {
    const events: EngineEvent[] = [];
    const onEvent = (event: EngineEvent): number => events.push(event);
    const old = pod;
    pod = podOf(await (await openStack(directory, { ...settings, pauseVersion: "1.0.1" })).up({ onEvent }));
    for (const name of CONTAINERS) assert.notStrictEqual(pod[name], old[name]);
    assert.deepStrictEqual(inOrder(events, "delete"), ["others deleted", "pause deleted"]);
    assert.strictEqual(await docker(["exec", pod.app, "cat", "/proc/1/cmdline"]), "/pause\0");
  });

  it("destroy removes nginx and the app before pause, and leaves nothing", async () => {
    const events: EngineEvent[] = [];
    await (await openStack(directory)).destroy({ onEvent: (event) => events.push(event) });
    assert.deepStrictEqual(inOrder(events, "delete"), ["others deleted", "pause deleted"]);
    const left = await docker(["ps", "--all", "--quiet", "--no-trunc"]);
    for (const name of CONTAINERS) assert.ok(!left.includes(pod[name]), `${name} is left`);
    await requirePort(settings.publishedPort);
  });
});

/** Whether the other two were gone before the engine began with pause. */
function inOrder(events: EngineEvent[], operation: string): string[] {
  const steps = events.flatMap(({ resourcePreEvent, resOutputsEvent }) => {
    const metadata = (resourcePreEvent ?? resOutputsEvent)?.metadata;
    if (metadata?.type !== "docker:index/container:Container" || !metadata.op.startsWith(operation)) return [];
    return [`${resourcePreEvent ? "start" : "done"} ${metadata.urn.split("::").pop()?.replace("pod-", "") ?? ""}`];
  });
  const begun = steps.indexOf("start pause");
  const before = steps.slice(0, begun).sort();
  return [
    before.includes("done app") && before.includes("done nginx") ? "others deleted" : before.join(", "),
    steps.includes("done pause") ? "pause deleted" : "pause kept",
  ];
}
