import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { withLock } from "../../cluster/lock";
import { lockHolder } from "../../engine";
import { startTicks, variableOf } from "../../cluster/process";

describe("the lab's lock", () => {
  const before = process.env["PAUSE_SANDBOX_LAB"];
  let parent: string;
  let file: string;

  beforeEach(() => {
    parent = fs.mkdtempSync(path.join(os.tmpdir(), "lock-"));
    process.env["PAUSE_SANDBOX_LAB"] = path.join(parent, "lab");
    file = path.join(parent, "lab.lock");
  });
  afterEach(() => {
    if (before === undefined) delete process.env["PAUSE_SANDBOX_LAB"];
    else process.env["PAUSE_SANDBOX_LAB"] = before;
    fs.rmSync(parent, { recursive: true });
  });

  const run = (): Promise<string> => withLock(() => Promise.resolve("done"));

  it("lets one run in, and names itself and its holder to the other", async () => {
    await withLock(async () => {
      const refusal = `process ${process.pid} is working on the lab and holds ${file}: wait until it is done, or end it`;
      await assert.rejects(run(), { message: refusal });
    });
    assert.equal(await run(), "done");
  });

  it("leaves nothing behind, also when the work fails", async () => {
    await assert.rejects(
      withLock(() => Promise.reject(new Error("no disk"))),
      /no disk/,
    );
    assert.deepEqual(fs.readdirSync(parent), []);
  });

  for (const [whose, content] of [
    ["a process that is gone", "4194304 1"],
    ["one whose number another process has by now", `${process.ppid} 1`],
    ["a power cut, with nothing in it", ""],
  ] as const) {
    it(`is taken over from ${whose}`, async () => {
      fs.writeFileSync(file, content);
      assert.equal(await run(), "done");
    });
  }
});

describe("the engine's lock on the lab's state", () => {
  const backend = "file:///var/lib/some-lab/state";
  const lock = (pid: number | undefined): string => JSON.stringify({ pid, username: "root", hostname: "here" });

  it("is held by the engine that wrote it, until that ends", async () => {
    const engine = spawn("sleep", ["60"], { env: { PULUMI_BACKEND_URL: backend } });
    const ended = new Promise((resolve) => engine.once("exit", resolve));
    assert.equal(lockHolder(lock(engine.pid), backend), engine.pid);
    engine.kill();
    await ended;
    assert.equal(lockHolder(lock(engine.pid), backend), undefined);
  });

  for (const [what, content] of [
    ["another process has the engine's number by now", lock(process.pid)],
    ["a power cut left a part of it", '{"pid'],
    ["a power cut left nothing of it", ""],
  ] as const) {
    it(`is nobody's where ${what}`, () => {
      assert.equal(lockHolder(content, backend), undefined);
    });
  }
});

describe("a process of this machine", () => {
  it("is known by when it started, whatever it calls itself", () => {
    const ticks = startTicks(process.pid);
    const { title } = process;
    process.title = "a) b (c";
    assert.equal(startTicks(process.pid), ticks);
    process.title = title;
    assert.match(ticks ?? "", /^[0-9]+$/);
    assert.equal(startTicks(4194304), undefined);
  });

  it("is known by what it was started with", async () => {
    const child = spawn("sleep", ["60"], { env: { OTHER_WANTED: "no", WANTED: "a=b" } });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const pid = child.pid ?? 0;
    assert.deepEqual([variableOf(pid, "WANTED"), variableOf(pid, "ABSENT")], ["a=b", undefined]);
    child.kill();
    await ended;
    assert.equal(variableOf(pid, "WANTED"), undefined);
  });
});
