import assert from "node:assert/strict";
import { constants } from "node:os";
import { helper, host, ownPause, upstreamPause, version } from "../../support/pause/fixture";
import { type Ending, Running } from "../../support/pause/running";

const warning = "Warning: pause should be the first process\n";
const ended = (ending: Partial<Ending>): Ending => ({ code: 0, signal: null, stdout: "", stderr: "", ...ending });

/** Runs both pauses the same way, requires the same ending of both, and returns it. */
async function sideBySide(observe: (pause: string) => Promise<Ending>): Promise<Ending> {
  const own = await observe(ownPause());
  assert.deepEqual(own, await observe(upstreamPause()), "own pause (actual) and upstream's (expected) differ");
  return own;
}

/** Starts pause, sends it a signal if one is given, ends it with TERM if it still runs. */
async function observe(command: readonly string[], asPid1: boolean, signal?: number, underShell = false) {
  const running = await Running.start(command, asPid1, underShell);
  try {
    if (signal !== undefined && !running.ended) {
      await running.endure(signal);
    }
    return await running.terminate();
  } finally {
    running.destroy();
  }
}

describe("pause behaves as upstream's", function () {
  this.timeout(60_000);
  before(() => {
    ownPause();
    upstreamPause();
    helper();
  });

  describe("prints its version and ends", () => {
    for (const args of [["-v"], ["-V"], ["other", "-v"], ["-v", "other"], ["-V", "-v"]]) {
      it(`for ${args.join(" ")}`, async () => {
        const ending = await sideBySide((pause) => observe([pause, ...args], false));
        assert.deepEqual(ending, ended({ stdout: `pause.c ${version}\n` }));
      });
    }
    it("although nobody reads it", async () => {
      for (const redirection of [">/dev/full", ">&-"]) {
        const ending = await sideBySide((pause) => observe(["sh", "-c", `"$0" -v ${redirection}`, pause], false));
        assert.deepEqual(ending, ended({}));
      }
    });
  });

  describe("takes every other argument for nothing", () => {
    for (const args of [[""], ["-"], ["v"], ["-vv"], ["--v"], ["-version"], ["--", "-w"]]) {
      it(`such as ${JSON.stringify(args)}`, async () => {
        const ending = await sideBySide((pause) => observe([pause, ...args], false));
        assert.deepEqual(ending, ended({ stderr: `${warning}Shutting down, got signal: Terminated\n` }));
      });
    }
  });

  describe("ends", () => {
    for (const [name, text] of [
      ["SIGINT", "Interrupt"],
      ["SIGTERM", "Terminated"],
    ] as const) {
      const stderr = `Shutting down, got signal: ${text}\n`;
      it(`with 0 on ${name} as PID 1, without a warning`, async () => {
        const ending = await sideBySide((pause) => observe([pause], true, constants.signals[name]));
        assert.deepEqual(ending, ended({ stderr }));
      });
      it(`with 0 on ${name} as any process, after a warning`, async () => {
        const ending = await sideBySide((pause) => observe([pause], false, constants.signals[name]));
        assert.deepEqual(ending, ended({ stderr: warning + stderr }));
      });
      it(`with 0 on ${name}, although it was ignored when pause began`, async () => {
        const nr = constants.signals[name];
        const ending = await sideBySide((pause) => observe([helper(), "ignore", `${nr}`, pause], true, nr));
        assert.deepEqual(ending, ended({ stderr }));
      });
    }
    it("with 0 on TERM, although nobody reads the messages", async () => {
      const ending = await sideBySide((pause) => observe(["sh", "-c", 'exec "$0" 2>&-', pause], true));
      assert.deepEqual(ending, ended({}));
    });
    it("with 1 when it may not set up its signals", async () => {
      const own = await observe([helper(), "deny", `${host.rt_sigprocmask}`, ownPause()], true);
      const upstream = await observe([helper(), "deny", `${host.rt_sigaction}`, upstreamPause()], true);
      assert.deepEqual(own, upstream);
      assert.deepEqual(own, ended({ code: 1 }));
    });
    // Upstream is written to do so too, but tries for ever instead, using a CPU up.
    it("with 42 when it may not wait for them", async () => {
      const ending = await observe([helper(), "deny", `${host.rt_sigtimedwait}`, ownPause()], true);
      assert.deepEqual(ending, ended({ code: 42, stderr: "Error: infinite loop terminated\n" }));
    });
  });

  describe("meets every other signal the same way", () => {
    const { SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU } = constants.signals;
    const signals = Array.from({ length: 31 }, (_, i) => i + 1).filter((nr) => nr !== SIGKILL && nr !== SIGSTOP);

    for (const nr of signals) {
      const name = Object.entries(constants.signals).find(([, value]) => value === nr)?.[0] ?? `${nr}`;
      it(`${name} as PID 1`, async () => {
        const ending = await sideBySide((pause) => observe([pause], true, nr));
        assert.equal(ending.code, 0, "nothing but KILL ends PID 1 with anything but 0");
      });
      // These stop any process but PID 1: nothing of pause's own doing.
      if (nr !== SIGTSTP && nr !== SIGTTIN && nr !== SIGTTOU) {
        it(`${name} as any process`, async () => {
          await sideBySide((pause) => observe([pause], false, nr));
        });
      }
    }

    // 32 and 33 are the kernel's too; the C library keeps them for itself.
    for (let nr = 32; nr <= 64; nr++) {
      it(`real-time signal ${nr} as PID 1, which it is spared from`, async () => {
        const ending = await sideBySide((pause) => observe([pause], true, nr));
        assert.deepEqual(ending, ended({ stderr: "Shutting down, got signal: Terminated\n" }));
      });
      it(`real-time signal ${nr} as any process, which it ends`, async () => {
        const ending = await sideBySide((pause) => observe([helper(), "default", `${nr}`, pause], false, nr, true));
        assert.equal(ending.code, 128 + nr);
      });
    }
  });
});
