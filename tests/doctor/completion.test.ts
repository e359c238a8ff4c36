import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { calledHere } from "../support/commandLine";
import { needs } from "../support/needs";

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

  /** A command line that is begun, and what the shells make of it. */
  const BEGUN = [
    ["ren", "render"],
    ["render b", "render boot"],
    ["render boot --pr", "render boot --program-url"],
    ["render boot --format u", "render boot --format upgrade-plan"],
    ["check -o j", "check -o json"],
    ["check --ca ca.p", "check --ca ca.pem"],
    ["doctor --kube", "doctor --kubeconfig"],
  ] as const;

  (needs("fish") ? it : it.skip)("fish completes what is begun", async () => {
    const file = path.join(dir, "completion.fish");
    fs.writeFileSync(file, (await calledHere(["completion", "fish"])).stdout);
    for (const [begun, whole] of BEGUN) {
      const ask = `source ${file}; complete -C 'pause-sandbox ${begun}'`;
      const { stdout, stderr } = spawnSync("fish", ["--no-config", "-c", ask], { encoding: "utf8", cwd: dir });
      const last = stdout.split("\n").map((line) => line.split("\t")[0]);
      assert.deepEqual([last.filter(Boolean), stderr], [[whole.split(" ").pop()], ""], begun);
    }
  });

  (needs("zsh") ? it : it.skip)("zsh completes what is begun, at the first Tab", async () => {
    const folder = path.join(dir, "functions");
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "_pause-sandbox"), (await calledHere(["completion", "zsh"])).stdout);
    // A terminal of its own, since zsh completes in one only; the command says how it was called.
    const terminal = `
      zmodload zsh/zpty
      zpty z "TERM=dumb zsh -f -i"
      zpty -w z "PS1='' RPS1=''; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -D
        pause-sandbox() { print -r -- \\"<called\\":\\$*\\">\\"; }; print ready''1"
      zpty -r z line '*ready1*'
      zpty -w -n z "pause-sandbox $2"$'\\t\\n'
      zpty -r z line '*<called:*>*'
      print -r -- "$line"
      zpty -d z`;
    for (const [begun, whole] of BEGUN) {
      const run = spawnSync("zsh", ["-f", "-c", terminal, "zsh", folder, begun], { encoding: "utf8", cwd: dir });
      assert.equal(/<called:(.*?) *>/.exec(run.stdout)?.[1], whole, run.stdout + run.stderr);
    }
  });

  it("refuses another shell, with 1", async () => {
    const { status, stderr } = await calledHere(["completion", "tcsh"]);
    assert.equal(status, 1);
    assert.match(stderr, /Allowed choices are bash, zsh, fish/);
  });
});
