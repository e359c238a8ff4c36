import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { atLeast } from "../support/tier";
import { Sandbox, wanted } from "./script";
import { CONTAINERD } from "../../lab/toolchain/versions";

const seed = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "k8s.gcr.io/pause:3.5"\n';
const other = wanted.replace("1.0.0", "2.0.0");

/** More than any run makes; a run that is not killed any more ends the loop. */
const enough = 200;

/** Is a run killed before its change of this number? In `make test-long` before each. */
type Met = (change: string, number: number) => boolean;
const third: Met = (_, number) => atLeast("long") || number % 3 === 1;
/** Before any other change killCalls.test.ts kills it, too. */
const removal: Met = (change) => atLeast("long") || change === "rm -rf";

type Step = { verb: "apply" | "restore"; image?: string };

interface Row {
  name: string;
  first: Step[];
  killed: Step;
  images: string[];
}

describe("kill -9 before the changes to the disk, one after the other", function () {
  this.timeout(600_000);
  // What the runtime makes of a file is the other suites' matter: here it reads what is written, which is fast.
  const containerd = { dir: fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-kill-")), version: CONTAINERD.one };
  before(() => {
    const stub = '#!/bin/sh\n[ "$1 $3 $4" = "-c config dump" ] || exit 99\nexec cat "$2"\n';
    fs.writeFileSync(path.join(containerd.dir, "containerd"), stub, { mode: 0o755 });
  });
  after(() => {
    fs.rmSync(containerd.dir, { recursive: true });
  });

  const run = (sandbox: Sandbox, step: Step, kill?: number, torn?: string): boolean =>
    sandbox.plan(["dash"], containerd, step.verb, { image: step.image, kill, torn }).status === 0;

  /** What a node may show at any instant: the configuration of before, or the one asked for. */
  const whole = (sandbox: Sandbox, images: string[]): void => {
    const text = fs.readFileSync(sandbox.config, "utf8");
    const found = /sandbox_image = "(.*)"/.exec(text)?.[1];
    assert.ok(found !== undefined && images.includes(found), `neither old nor new:\n${text}`);
    assert.ok(text.startsWith("version = 2\n"), text);
  };

  const first: Row = {
    name: "the first apply",
    first: [],
    killed: { verb: "apply" },
    images: ["k8s.gcr.io/pause:3.5", wanted],
  };
  const rows: Row[] = [
    {
      name: "an apply of another image",
      first: [{ verb: "apply" }],
      killed: { verb: "apply", image: other },
      images: [wanted, other],
    },
    {
      name: "a restore",
      first: [{ verb: "apply" }],
      killed: { verb: "restore" },
      images: ["k8s.gcr.io/pause:3.5", wanted],
    },
  ];

  /** Runs it killed, perhaps twice; then the node has to be whole, to converge, and to be given back. */
  const survives = (row: Row, kills: number[], torn: string): void => {
    const sandbox = new Sandbox({ "config.toml": seed });
    const untouched = sandbox.snapshot();
    for (const step of row.first) assert.ok(run(sandbox, step));
    for (const kill of kills) {
      assert.equal(run(sandbox, row.killed, kill, torn), false, `it ended before change ${kill}`);
      whole(sandbox, row.images);
    }
    assert.ok(run(sandbox, { verb: "apply" }), `no convergence after kill ${kills.join(", ")}`);
    whole(sandbox, [wanted]);
    assert.ok(run(sandbox, { verb: "restore" }));
    assert.deepEqual(sandbox.snapshot(), untouched, `kill ${kills.join(", ")}`);
    assert.equal(fs.existsSync(path.join(sandbox.dir, "home")), false);
    sandbox.remove();
  };

  /** What stands at each change of the last run, after those that were killed: `rm -rf` and so on, by the number that kills there. */
  const changesOf = (row: Row, kills: number[], torn: string): Map<number, string> => {
    const sandbox = new Sandbox({ "config.toml": seed });
    for (const step of row.first) assert.ok(run(sandbox, step));
    for (const kill of kills) run(sandbox, row.killed, kill, torn);
    assert.ok(run(sandbox, row.killed, enough, torn), `it makes more than ${enough} changes`);
    const lines = fs.readFileSync(path.join(sandbox.dir, "changes"), "utf8").matchAll(/^(\d+) (.*)$/gm);
    sandbox.remove();
    // The first of a number is where the run would end.
    return new Map([...lines].reverse().map(([, left, change = ""]) => [enough - Number(left), change]));
  };

  /** Kills the last run before each change that is to be met. */
  const survivesEach = (row: Row, kills: number[], torn: string, met: Met): void => {
    const changes = changesOf(row, kills, torn);
    assert.ok([...changes.values()].includes("rm -rf"), "no directory is removed");
    for (const [kill, change] of changes) {
      if (met(change, kill)) survives(row, [...kills, kill], torn);
    }
  };

  /** The change before which the new file is in its place and the journal still stands. */
  const afterSwap = (row: Row): number => {
    for (let kill = 1; kill < enough; kill++) {
      const sandbox = new Sandbox({ "config.toml": seed });
      run(sandbox, row.killed, kill);
      const swapped = fs.readFileSync(sandbox.config, "utf8").includes(wanted);
      const open = fs.existsSync(path.join(sandbox.dir, "home/journal"));
      sandbox.remove();
      if (swapped && open) return kill;
    }
    throw new Error("no change comes between the swap and the commit");
  };

  for (const row of rows) {
    it(`${row.name} (a removal loses its files first): whole-old or whole-new, and the next run converges`, () => {
      survivesEach(row, [], "files", removal);
    });
  }
  let swapped: number | undefined;
  for (const [torn, met] of [
    ["root", third],
    ["files", removal],
  ] as const) {
    it(`undoing it is killed as well (a removal loses its ${torn} first)`, () => {
      swapped ??= afterSwap(first);
      survivesEach(first, [swapped], torn, met);
    });
  }
});
