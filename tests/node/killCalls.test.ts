/** A whole run on a simulated node, killed after each system call that changes its disk. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { packedArchive } from "../../components/archive/archive";
import { pauseArchive } from "../../components/archive/pauseArchive";
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

/** `carried`: the image came with the script, and comes back by itself. */
type State = "none" | "A" | "B" | "carried";
const shell = ["dash"];
const archive = pauseArchive(["linux/amd64"]);

const verbOf = (state: State) => (state === "none" ? "restore" : "apply");
const settingsOf = (state: State) => {
  const ofRegistry = { digest, ca: CA, login: { username: "puller", password: "word" } };
  const ofArchive = { digest: archive.digest, archive: packedArchive(archive) };
  return {
    node: "n",
    image: state === "B" ? wanted.replace("1.0.0", "2.0.0") : wanted,
    ...(state === "carried" ? ofArchive : ofRegistry),
  };
};

interface Row {
  readonly name: string;
  readonly from: State;
  readonly to: State;
}

const ROWS: readonly Row[] = [
  { name: "a first apply", from: "none", to: "A" },
  { name: "an apply of another image", from: "A", to: "B" },
  { name: "a restore", from: "A", to: "none" },
];
const CARRIED: readonly Row[] = atLeast("long")
  ? [
      { name: "a first apply of a carried image", from: "none", to: "carried" },
      { name: "an apply of a registry's image after a carried one", from: "carried", to: "A" },
      { name: "a restore after a carried image", from: "carried", to: "none" },
    ]
  : [];

/** The containerd of k3s, whose configuration k3s writes: no write of it is one of the run's. */
function k3s(host: Host): void {
  const args =
    "--config @DIR@/root/config.yaml --private-registry @DIR@/root/registries.yaml --data-dir=@DIR@/root/data";
  host.unit("k3s", args, "k3s version v1.33.4+k3s1 (abc)");
  host.write("root/config.yaml", "node-label:\n  - a=b\n");
  fs.mkdirSync(path.join(host.dir, "root/data/agent"), { recursive: true });
  fs.mkdirSync(path.join(host.dir, "generated"));
  fs.symlinkSync(path.join(host.dir, "generated"), path.join(host.dir, "root/data/agent/etc"));
  fs.symlinkSync("root/data", path.join(host.dir, "data"));
  const image = "rancher/mirrored-pause:3.6";
  host.write(
    "generated/containerd/config.toml",
    `version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = "${image}"\n`,
  );
  host.write("running", image);
}

const NODES = [
  {
    what: "containerd",
    set: (host: Host) => {
      host.containerd(CONTAINERD.newest, CONFIG);
    },
    rows: [...ROWS, ...CARRIED],
  },
  { what: "k3s", set: k3s, rows: CARRIED },
].filter(({ rows }) => rows.length > 0);

/** What is seen of a node: its files, the units that are active, and the image that each daemon read at its last start. */
type Look = Record<string, string>;
const UNITS = ["units", "running-containerd", "running-kubelet", "running-k3s"];
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

for (const { what, set, rows } of NODES) {
  describeWith(CONTAINERD.newest)(`${what}: kill -9 after each system call that changes the disk`, function () {
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
      set(host);
      converge("A");
      converge("none");
      converge("A", "again");
      for (const state of new Set(rows.map(({ to }) => to))) {
        converge(state);
        converge("A", `after ${state}`);
      }
      converge("none", "at last");
    });

    for (const { name, from, to } of rows) {
      it(`survives it in ${name}, whether the next run goes on or back`, () => {
        converge(from);
        assert.equal(runTraced(host, to, 0), false);
        const calls = callsOf(host);
        assert.ok(calls.length > 40, `only ${calls.length} calls were traced`);
        converge(to, "traced");
        const step = Math.max(1, calls.length / SOME);
        let [tries, killed] = [0, 0];
        for (let turn = 1; turn <= calls.length; turn += step) {
          const call = Math.floor(turn);
          const when = `after call ${call} of ${calls.length}: ${calls[call - 1]}`;
          converge(from, `before a kill ${when}`);
          tries++;
          // The calls of two runs need not be the same in number.
          if (runTraced(host, to, call)) killed++;
          whole(from, to, when);
          converge(call % 4 === 0 ? to : from, when);
        }
        assert.ok(killed > tries / 2, `${killed} of ${tries} runs were killed`);
      });
    }

    after(() => {
      fs.rmSync(host.dir, { recursive: true, force: true });
    });
  });
}
