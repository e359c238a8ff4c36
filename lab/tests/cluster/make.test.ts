import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { TREE } from "../../cluster/layout";

const makefile = fs.readFileSync(path.join(TREE, "Makefile"), "utf8");
const targets = [...makefile.matchAll(/^([a-z0-9-]+):/gm)].map(([, target]) => target ?? "");

describe("make", () => {
  let directory: string;
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "make-"));
  });
  afterEach(() => {
    fs.rmSync(directory, { recursive: true });
  });

  /** On a machine where no engine answers, with a lab's directory of its own. */
  function make(target: string, tree = TREE): { status: number | null; lines: string[] } {
    const env = {
      ...process.env,
      DOCKER_HOST: `unix://${directory}/no-engine.sock`,
      PAUSE_SANDBOX_LAB: path.join(directory, "lab"),
      PAUSE_SANDBOX_CACHE: path.join(directory, "cache"),
      // Of the make that runs the tests.
      MAKEFLAGS: undefined,
      MAKELEVEL: undefined,
    };
    const { status, stdout, stderr } = spawnSync("make", ["--no-print-directory", target], {
      cwd: tree,
      env,
      encoding: "utf8",
    });
    const lines = (stdout + stderr).split("\n").filter((line) => line !== "" && !/^make: \*\*\*/.test(line));
    return { status, lines };
  }

  /** A clone in which nothing was run yet. */
  function clone(): string {
    const tree = path.join(directory, "tree");
    fs.cpSync(path.join(TREE, "Makefile"), path.join(tree, "Makefile"));
    fs.cpSync(path.join(TREE, "lab/toolchain"), path.join(tree, "lab/toolchain"), { recursive: true });
    return tree;
  }

  it("help lists every target that a person calls", () => {
    const listed = make("help").lines.map((line) => line.split(/\s/)[0] ?? "");
    assert.deepEqual(listed.sort(), targets.filter((target) => target !== "ready" && target !== "packages").sort());
  });

  it("takes no file for a target", () => {
    const phony = /^\.PHONY:((?:.*\\\n)*.*)/m.exec(makefile)?.[1] ?? "";
    assert.deepEqual(
      phony
        .split(/[\s\\]+/)
        .filter(Boolean)
        .sort(),
      [...targets].sort(),
    );
  });

  it("kubeconfig before any up says what to do, in one line", () => {
    const { status, lines } = make("kubeconfig");
    assert.notEqual(status, 0);
    assert.deepEqual(lines, [`no lab stands here (${directory}/lab/lab.json cannot be read): run make up`]);
  });

  it("down with neither an engine nor a lab has nothing to do", () => {
    const { status, lines } = make("down");
    assert.equal(status, 0, lines.join("\n"));
    assert.match(lines[0] ?? "", /no docker engine answers, and there is no lab to remove/);
    assert.match(lines[1] ?? "", /docker engine: not started by the lab/);
    assert.equal(lines.length, 2);
  });

  it("make down keeps a lab whose engine a reboot ended, and says in one line how to remove it", () => {
    fs.mkdirSync(path.join(directory, "lab/pki"), { recursive: true });
    const { status, lines } = make("down");
    assert.notEqual(status, 0);
    assert.match(
      lines.join("\n"),
      /^no docker engine answers: start one with lab\/toolchain\/engine\.sh start \(.*\)$/,
    );
    assert.ok(fs.existsSync(path.join(directory, "lab/pki")));
  });

  it("down forgets an engine that a reboot ended, once the lab is gone", () => {
    fs.mkdirSync(path.join(directory, "lab/engine"), { recursive: true });
    fs.writeFileSync(path.join(directory, "lab/engine/dockerd.pid"), "4194304");
    assert.equal(make("down").status, 0);
    assert.equal(fs.existsSync(path.join(directory, "lab")), false);
  });

  for (const [target, succeeds] of [
    ["kubeconfig", false],
    ["down", true],
    ["handmade-down", true],
    ["clean", true],
  ] as const) {
    it(`${target} in a fresh clone says that nothing was started from it`, () => {
      const { status, lines } = make(target, clone());
      assert.equal(status === 0, succeeds, lines.join("\n"));
      assert.match(lines[0] ?? "", /^no Node packages here, so this clone has started nothing; .*npm ci first$/);
      assert.doesNotMatch(lines.join("\n"), /^ +at /m);
    });
  }
});
