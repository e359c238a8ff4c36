import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { calledHere } from "../support/commandLine";

describe("pause-sandbox completion", function () {
  this.timeout("5m");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-completion-"));
  const script = path.join(dir, "completion.bash");
  before(async () => {
    const { status, stdout } = await calledHere(["completion", "bash"]);
    assert.equal(status, 0);
    fs.writeFileSync(script, stdout);
    fs.writeFileSync(path.join(dir, "ca.pem"), "");
  });
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });

  /** What bash itself offers behind these words; the last one is only begun. */
  function offered(...words: string[]): string[] {
    const ask = `. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      complete -p pause-sandbox >/dev/null && _pause_sandbox && printf '%s\\n' "\${COMPREPLY[@]}"`;
    const args = ["--norc", "--noprofile", "-uec", ask, script, "pause-sandbox", ...words];
    const { status, stdout, stderr } = spawnSync("bash", args, { encoding: "utf8", cwd: dir });
    assert.deepEqual([status, stderr], [0, ""]);
    return stdout.split("\n").filter(Boolean);
  }

  for (const [words, wanted] of [
    [["d"], ["doctor"]],
    [[""], ["doctor", "check", "nodes", "render", "completion"]],
    [
      ["render", ""],
      ["script", "boot"],
    ],
    [["render", "boot", "--pr"], ["--program-url"]],
    [["render", "script", "--so"], ["--source"]],
    [["render", "boot", "--so"], []],
    [["render", "boot", "--image", "x", "--format", "u"], ["upgrade-plan"]],
    [
      ["check", "-o", ""],
      ["text", "json"],
    ],
    [["check", "--output", "j"], ["json"]],
    [
      ["check", "--ca", ""],
      ["ca.pem", "completion.bash"],
    ],
    [["doctor", "--kube"], ["--kubeconfig"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["doctor", "--host", "check", "--bun"], ["--bundle"]],
  ] as const) {
    it(`bash offers what may follow "${words.join(" ")}"`, () => {
      assert.deepEqual(offered(...words).sort(), [...wanted].sort());
    });
  }

  it("knows every option that the help of each command shows", async () => {
    for (const command of [["doctor"], ["check"], ["nodes"], ["render", "script"], ["render", "boot"]]) {
      const { stdout } = await calledHere([...command, "--help"]);
      const shown = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = ""]) => flag);
      assert.ok(shown.length > 3, stdout);
      const known = offered(...command, "--");
      assert.deepEqual(
        shown.filter((flag) => !known.includes(flag)),
        [],
      );
    }
  });

  for (const [shell, program, syntax] of [
    ["zsh", "zsh", ["-n"]],
    ["fish", "fish", ["--no-execute"]],
  ] as const) {
    it(`${shell} gets a script with every command, which it can read where it is installed`, async () => {
      const { status, stdout } = await calledHere(["completion", shell]);
      assert.equal(status, 0);
      for (const word of ["doctor", "check", "nodes", "render", "boot", "kubeconfig"]) assert.ok(stdout.includes(word));
      const file = path.join(dir, `completion.${shell}`);
      fs.writeFileSync(file, stdout);
      const read = spawnSync(program, [...syntax, file], { encoding: "utf8" });
      if (read.error === undefined) assert.deepEqual([read.status, read.stderr], [0, ""]);
    });
  }

  it("refuses another shell, with 1", async () => {
    const { status, stderr } = await calledHere(["completion", "tcsh"]);
    assert.equal(status, 1);
    assert.match(stderr, /Allowed choices are bash, zsh, fish/);
  });
});
