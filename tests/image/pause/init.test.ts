import assert from "node:assert/strict";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { memory } from "../../../lab/bench/pauseFigures";
import { broken } from "../../../lab/bench/pauseTable";
import { helper, ownPause, sh, upstreamPause } from "../../support/pause/fixture";
import { Running, until } from "../../support/pause/running";

const shutdown = { code: 0, signal: null, stdout: "", stderr: "Shutting down, got signal: Terminated\n" };

describe("pause as PID 1 of a namespace", function () {
  this.timeout(120_000);
  let pause: Running;

  before(() => {
    ownPause();
    upstreamPause();
    helper();
  });

  const start = async (command: readonly string[]): Promise<Running> => (pause = await Running.start(command, true));
  afterEach(() => {
    pause.destroy();
  });

  for (const [whose, path] of [
    ["own", ownPause],
    ["upstream's", upstreamPause],
  ] as const) {
    it(`reaps 10,000 orphans and leaves none (${whose})`, async () => {
      await start([path()]);
      assert.equal((await pause.inside([helper(), "orphans", "10000"])).code, 0);
      await pause.reaped();
      assert.equal(pause.zombies(), 0);
      assert.deepEqual(await pause.terminate(), shutdown);
    });

    it(`ends on TERM amid a flood of orphans (${whose})`, async () => {
      await start([path()]);
      // Not without end: a pause that reaps nobody must not fill the machine's process table.
      // By one that has entered the namespace: whoever is still on the way in when PID 1 ends cannot fork there.
      const four = 'for i in 1 2 3 4; do "$0" orphans 6000 & done; wait';
      const floods = pause.inside(["sh", "-c", four, helper()]);
      await until("orphans arrive", () => pause.orphans() > 0);
      assert.deepEqual(await pause.terminate(), shutdown);
      // The end of PID 1 is the end of everyone in its namespace.
      assert.equal((await floods).signal, "SIGKILL");
    });

    it(`does its work with a full signal queue (${whose})`, async () => {
      await start([helper(), "crowded", "32", path()]);
      const queued = Number(sh(helper(), ["fill", String(pause.pid)]));
      assert.ok(queued > 0 && queued <= 32, `${queued} signals fitted into a queue of 32`);
      assert.equal(pause.status("SigQ"), "32/32");
      assert.equal((await pause.inside([helper(), "orphans", "1000"])).code, 0);
      await pause.reaped();
      assert.deepEqual(await pause.terminate(), shutdown);
    });

    it(`answers a storm of TERM with one shutdown (${whose})`, async () => {
      await start([path()]);
      const storm = ["sh", "-c", "while kill -TERM 1; do :; done"];
      await Promise.all(Array.from({ length: 8 }, () => pause.inside(storm)));
      assert.deepEqual(await pause.ending, shutdown);
    });

    it(`answers a storm of TERM that piled up while it was stopped with one shutdown (${whose})`, async () => {
      await start([path()]);
      pause.kill("SIGSTOP");
      await until("it is stopped", () => pause.state() === "T");
      const storm = ["sh", "-c", "i=0; while [ $i -lt 1000 ]; do kill -TERM 1 || exit; i=$((i + 1)); done"];
      const storms = await Promise.all(Array.from({ length: 8 }, () => pause.inside(storm)));
      assert.deepEqual(new Set(storms.map(({ code }) => code)), new Set([0]), "all of them were sent");
      assert.ok(pause.pending(constants.signals.SIGTERM));
      pause.kill("SIGCONT");
      assert.deepEqual(await pause.ending, shutdown);
    });

    it(`goes on after STOP and CONT (${whose})`, async () => {
      await start([path()]);
      for (let round = 0; round < 20; round++) {
        pause.kill("SIGSTOP");
        await until("it is stopped", () => pause.state() === "T");
        pause.kill("SIGCONT");
        await until("it waits again", () => pause.waits());
      }
      assert.equal((await pause.inside([helper(), "orphans", "100"])).code, 0);
      await pause.reaped();
      assert.deepEqual(await pause.terminate(), shutdown);
    });

    it(`keeps orphans and TERM that came while it was stopped (${whose})`, async () => {
      await start([path()]);
      pause.kill("SIGSTOP");
      await until("it is stopped", () => pause.state() === "T");
      assert.equal((await pause.inside([helper(), "orphans", "100"])).code, 0);
      await until("the orphans are zombies", () => pause.zombies() === 100);
      pause.kill("SIGCONT");
      await pause.reaped();

      pause.kill("SIGSTOP");
      await until("it is stopped", () => pause.state() === "T");
      pause.kill("SIGTERM");
      pause.kill("SIGCONT");
      assert.deepEqual(await pause.ending, shutdown);
    });

    it(`uses no CPU while nothing happens (${whose})`, async () => {
      await start([path()]);
      const wakings = () => [pause.status("voluntary_ctxt_switches"), pause.status("nonvoluntary_ctxt_switches")];
      const before = { ticks: pause.ticks(), wakings: wakings() };
      await delay(2000); // the thing measured is time going by
      assert.deepEqual({ ticks: pause.ticks(), wakings: wakings() }, before);
    });
  }

  it("occupies at most a fortieth of upstream's memory", async () => {
    const { rss } = await memory({ own: ownPause(), upstream: upstreamPause() });
    assert.ok(rss.own !== undefined && rss.own > 0);
    assert.deepEqual(broken({ own: 0 }, rss), []);
  });

  it("ends on TERM from inside the namespace", async () => {
    await start([ownPause()]);
    await pause.inside(["kill", "-TERM", "1"]);
    assert.deepEqual(await pause.ending, shutdown);
  });

  // Upstream leaves these until the next process dies: no SIGCHLD comes for them.
  it("reaps a child that was dead before pause began", async () => {
    await start([helper(), "widowed", ownPause()]);
    assert.equal(pause.orphans(), 0);
  });
});
