/** A whole run on a simulated node, killed after each system call that changes its disk. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { settingsText } from "../../components/node/nodeSettings";
import { atLeast } from "../support/tier";
import { killedAfterCall } from "../support/nodes/trace";
import { digest, Host } from "./host";
import { wanted } from "./script";
import { describeWith } from "./toolchain";
import { CONTAINERD } from "../../lab/toolchain/versions";

/** How many calls of each run are killed after, evenly spaced; in `make test-long` every one. */
const SOME = atLeast("long") ? Infinity : 4;

const CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "registry.k8s.io/pause:3.8"\n';
const CA = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n";

type State = "none" | "A" | "B";
const IMAGES = { A: wanted, B: wanted.replace("1.0.0", "2.0.0") };
const shell = ["dash"];

const verbOf = (state: State) => (state === "none" ? "restore" : "apply");
const settingsOf = (state: State) => ({
  node: "n",
  image: IMAGES[state === "B" ? "B" : "A"],
  digest,
  ca: CA,
  login: { username: "puller", password: "word" },
});

/** What is seen of a node: its files, and the image that runtime and kubelet read at their last start. */
type Look = Record<string, string>;
const UNITS = ["running-containerd", "running-kubelet"];
function lookOf(host: Host): Look {
  const started = UNITS.map((unit) => [unit, fs.existsSync(path.join(host.dir, unit)) ? host.read(unit).trim() : ""]);
  return { ...host.files(), ...(Object.fromEntries(started) as Look) };
}

/** @param last The call after which it is killed; 0: none. @returns Whether it was killed. */
function runTraced(host: Host, to: State, last: number): boolean {
  const folder = path.join(host.dir, "trace");
  const program = killedAfterCall(folder, `${host.dir}/root|${host.dir}/home`);
  const script = path.join(__dirname, "host.sh");
  // A session of its own, since all of one is killed.
  const traced = ["setsid", "-w", "sh", "-euc", program, "trace", String(last), ...shell, script, host.dir, verbOf(to)];
  const lock = path.join(host.dir, "alive");
  const run = spawnSync("flock", [lock, ...traced], { encoding: "utf8", input: settingsText(settingsOf(to)) });
  // Whatever was killed holds the lock until it is gone.
  spawnSync("flock", [lock, "true"]);
  if (run.signal === null && run.status !== 137) assert.equal(run.status, 0, run.stderr);
  return run.signal !== null || run.status === 137;
}

const callsOf = (host: Host): string[] => host.read("trace/trace").trim().split("\n");

describeWith(CONTAINERD.newest)("kill -9 after each system call that changes the disk", function () {
  this.timeout(7_200_000);
  const looks = new Map<State, Look>();
  let host: Host;

  /** Runs to the end; the node is then what that state looks like, with nothing left behind. */
  const converge = (to: State, when = "") => {
    host.done(verbOf(to), settingsOf(to));
    const look = looks.get(to);
    if (look) assert.deepEqual(lookOf(host), look, `${to} ${when}`);
    else looks.set(to, lookOf(host));
    assert.equal(fs.existsSync(path.join(host.dir, "home")), to !== "none", `home of ${to} ${when}`);
    for (const part of ["plan", "journal"]) {
      assert.equal(fs.existsSync(path.join(host.dir, "home", part)), false, `${part} is left ${when}`);
    }
  };

  /** A path holds what it held before, or what it is to hold: nothing in between. */
  const whole = (from: State, to: State, when: string) => {
    const now = host.files();
    for (const name of new Set([from, to].flatMap((state) => Object.keys(looks.get(state) ?? {})))) {
      if (UNITS.includes(name)) continue;
      const allowed = [from, to].map((state) => looks.get(state)?.[name]);
      assert.ok(allowed.includes(now[name]), `${name} is torn ${when}: ${now[name]}`);
    }
  };

  before(() => {
    host = new Host(shell);
    host.containerd(CONTAINERD.newest, CONFIG);
    converge("A");
    converge("none");
    converge("A", "again");
    converge("B");
    converge("A", "after B");
    converge("none", "at last");
  });

  for (const { name, from, to } of [
    { name: "a first apply", from: "none", to: "A" },
    { name: "an apply of another image", from: "A", to: "B" },
    { name: "a restore", from: "A", to: "none" },
  ] as const) {
    it(`survives it in ${name}, whether the next run goes on or back`, () => {
      converge(from);
      assert.equal(runTraced(host, to, 0), false);
      const calls = callsOf(host);
      assert.ok(calls.length > 40, `only ${calls.length} calls were traced`);
      converge(to, "traced");
      const step = Math.max(1, calls.length / SOME);
      for (let turn = 1; turn <= calls.length; turn += step) {
        const call = Math.floor(turn);
        const when = `after call ${call} of ${calls.length}: ${calls[call - 1]}`;
        converge(from, `before a kill ${when}`);
        runTraced(host, to, call);
        whole(from, to, when);
        converge(call % 4 === 0 ? to : from, when);
      }
    });
  }

  after(() => {
    fs.rmSync(host.dir, { recursive: true, force: true });
  });
});
