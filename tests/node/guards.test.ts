/**
 * The guards of the transaction: what they refuse, and that a guard that cannot run is one that has refused. Each with the
 * shells and the awks that nodes have.
 */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { commandsOf, functionsOf } from "./commands";
import { Host } from "./host";
import { ranShell, type Run, type Shell, shells, wanted as image } from "./script";
import { describeWith } from "./toolchain";
import { joinedScript } from "../../components/node/program";
import { CONTAINERD } from "../../lab/toolchain/versions";

const which = (program: string): string => spawnSync("which", [program], { encoding: "utf8" }).stdout.trim();

/** A directory for PATH with links to these programs: a name, or a name and the program that plays it. */
function tools(names: (string | [string, string])[]): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-tools-"));
  for (const entry of names) {
    const [name, program] = typeof entry === "string" ? [entry, entry] : entry;
    fs.symlinkSync(which(program), path.join(dir, name));
  }
  return dir;
}

/** True if the shell has a command of its own by that name, whatever is on PATH. */
function brings([program = "sh", ...args]: Shell, command: string): boolean {
  const env = { PATH: "/nonexistent" };
  return spawnSync(which(program), [...args, "-c", `command -v ${command}`], { env }).status === 0;
}

/** The tools that the script looks for, in its own words. */
const listed = (/^tools='([^']*)'$/m.exec(joinedScript())?.[1] ?? "").split(" ");

const awks = ["mawk", "gawk", "busybox"].filter((awk) => which(awk) !== "");

/** Runs CODE after the script's functions, in a directory of its own as $dir. */
function call(shell: Shell, code: string, { PATH = process.env.PATH, files = {} as Record<string, string> } = {}): Run {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-guards-"));
  try {
    for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), content);
    fs.writeFileSync(path.join(dir, "script.sh"), joinedScript({ run: false }));
    fs.writeFileSync(
      path.join(dir, "run.sh"),
      `set -eu\ndir=${dir} script_id=test\n. "$dir/script.sh"\nhome=$dir error_file=$dir/error plan=$dir\nfail=4\n${code}\n`,
    );
    const [program = "sh", ...args] = shell;
    return spawnSync(which(program), [...args, path.join(dir, "run.sh")], { encoding: "utf8", env: { PATH } });
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

const containerdKeys = /^containerd_keys=('[^']*')$/m.exec(joinedScript())?.[1] ?? "";
const crioKeys = /unchanged_but ('\^crio[^']*')/.exec(joinedScript())?.[1] ?? "";

const cri = "plugins|io.containerd.grpc.v1.cri";
const lists: { what: string; keys: string; before: string[]; after: string[]; refused?: string }[] = [
  {
    what: "containerd's keys of ours",
    keys: containerdKeys,
    before: ["version\t2", `${cri}|sandbox_image\t"a"`, "root\t1"],
    after: ["version\t3", `${cri}|sandbox_image\t"b"`, `${cri}|registry|config_path\t"c"`, "imports\t[]", "root\t1"],
  },
  {
    what: "a key that ends as ours does",
    keys: containerdKeys,
    before: [`${cri}|my_sandbox_image\t"a"`],
    after: [`${cri}|my_sandbox_image\t"b"`],
    refused: `${cri}|my_sandbox_image`,
  },
  {
    what: "a key of another table that ends as ours does",
    keys: containerdKeys,
    before: ["plugins|site|registry|config_path\t1"],
    after: ["plugins|site|registry|config_path\t2"],
    refused: "plugins|site|registry|config_path",
  },
  { what: "a value", keys: containerdKeys, before: ["root\t1"], after: ["root\t2"], refused: "root" },
  { what: "a key that goes", keys: containerdKeys, before: ["a\t1", "root\t1"], after: ["a\t1"], refused: "root" },
  { what: "a key that comes", keys: containerdKeys, before: ["a\t1"], after: ["a\t1", "root\t1"], refused: "root" },
  {
    what: "one line of two that are the same",
    keys: containerdKeys,
    before: ["a\t1", "a\t1"],
    after: ["a\t1"],
    refused: "a",
  },
  {
    what: "what a pattern with a backslash does not name",
    keys: "'^a\\.b$'",
    before: ["aXb\t1"],
    after: ["aXb\t2"],
    refused: "aXb",
  },
  {
    what: "CRI-O's keys of ours",
    keys: crioKeys,
    before: ['crio|image|pause_image\t"a"'],
    after: ['crio|image|pause_image\t"b"', 'crio|image|pause_image_auth_file\t"c"'],
  },
  {
    what: "a key beside CRI-O's",
    keys: crioKeys,
    before: ['crio|image|pause_command\t"a"'],
    after: ['crio|image|pause_command\t"b"'],
    refused: "crio|image|pause_command",
  },
];

/** Does the file system know immutable files? */
const knowsImmutable = (file: string): boolean => {
  const set = spawnSync("chattr", ["+i", file]).status === 0;
  if (set) spawnSync("chattr", ["-i", file]);
  return set;
};

it("the guards are tested with the patterns that the script uses", () => {
  assert.notEqual(containerdKeys, "");
  assert.notEqual(crioKeys, "");
});

it("the script looks for each tool that it runs, and for no other", () => {
  const script = joinedScript();
  const builtins = (
    "[ : . break cd command continue echo exec exit export false kill printf pwd read return set shift test " +
    "trap true type ulimit umask unset wait"
  ).split(" ");
  // Each of these is asked for with `command -v` where it is needed, or comes with what was found to run.
  const optional = ["base64", "chcon", "gzip", "lsattr", "diff", "crictl", "ctr", "docker", "k3s", "skopeo"];
  const mine = functionsOf(script);
  // What runs with a limit is run, too.
  const limited = [...script.matchAll(/\bbounded \S+ ([a-z0-9]+)\b/g)].map(([, word = ""]) => word);
  const used = [...new Set([...commandsOf(script), ...limited])]
    .filter((word) => !builtins.includes(word) && !mine.has(word))
    .sort();
  assert.deepEqual(
    used.filter((word) => !optional.includes(word)),
    [...listed].sort(),
  );
  for (const word of optional.filter((name) => used.includes(name) && name !== "k3s")) {
    assert.match(script, new RegExp(`(?:command -v|need_tool) ${word}\\b`), `${word} is run, and not looked for`);
  }
});

for (const shell of shells) {
  for (const awk of awks) {
    describe(`${shell.join(" ")} with ${awk}: comparing before and after`, () => {
      ranShell(shell, awk);
      const PATH = tools([["awk", awk]]);
      after(() => {
        fs.rmSync(PATH, { recursive: true });
      });
      for (const { what, keys, before, after: then, refused } of lists) {
        // Neither diff nor sort is on this PATH.
        it(`${refused === undefined ? "lets pass" : "refuses"} ${what}`, () => {
          const files = { before: `${before.join("\n")}\n`, after: `${then.join("\n")}\n` };
          const run = call(shell, `runtime_name=x target=/etc/x\nunchanged_but ${keys}\necho passed`, { PATH, files });
          if (refused === undefined) {
            assert.deepEqual([run.status, run.stdout], [0, "passed\n"], run.stderr);
          } else {
            assert.deepEqual([run.status, run.stdout], [4, ""], run.stderr);
            const named = refused.replaceAll(/[.|]/g, "\\$&");
            assert.match(run.stderr, new RegExp(`PS-N014 /etc/x: the edit would also change ${named}, see`));
          }
        });
      }
      it("refuses where awk itself fails", () => {
        const files = { before: "a\t1\n" };
        const run = call(shell, "runtime_name=x target=/etc/x\nunchanged_but '^a$'\necho passed", { PATH, files });
        assert.deepEqual([run.status, run.stdout], [4, ""], run.stderr);
        assert.match(run.stderr, /PS-N014 .*cannot be compared/);
      });
    });
  }

  describe(`${shell.join(" ")}: a tool that is missing`, () => {
    for (const missing of listed) {
      // Debian's busybox-static is built so that its shell finds its own applets before any on PATH.
      if (brings(shell, missing)) {
        it(`cannot be missing, since the shell brings it: ${missing}`, () => {
          assert.equal(
            call(shell, `for tool in $tools; do [ "$tool" != ${missing} ] || command -v "$tool"; done`, {
              PATH: "/nonexistent",
            }).stdout,
            `${missing}\n`,
          );
        });
        continue;
      }
      it(`is named before anything is written: ${missing}`, () => {
        const PATH = tools(listed.filter((name) => name !== missing));
        const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-guards-"));
        const script = path.join(dir, "script.sh");
        const text = joinedScript().replaceAll("/var/lib/pause-sandbox", `${dir}/home`);
        fs.writeFileSync(script, `set -eu\nscript_id=test\n${text}`);
        const [program = "sh", ...args] = shell;
        const run = spawnSync(which(program), [...args, script, "apply"], {
          encoding: "utf8",
          env: { PATH },
          input: `node n\nimage ${image}\n`,
        });
        assert.equal(run.status, 3, run.stderr);
        assert.match(run.stderr, new RegExp(`^\\[n\\] PS-N003 ${missing} is not on PATH \\(.*\\): install it, see`));
        assert.equal(run.stderr.trim().split("\n").length, 1, run.stderr);
        assert.deepEqual(fs.readdirSync(dir), ["script.sh"]);
        fs.rmSync(dir, { recursive: true });
        fs.rmSync(PATH, { recursive: true });
      });
    }
  });

  it(`${shell.join(" ")}: a message of many lines becomes one, and no pattern in it is expanded`, () => {
    const run = call(shell, `cd /\ndie 099 "first *\n\tsecond" '$HOME'`);
    assert.deepEqual(
      [run.status, run.stderr],
      [4, "[node] PS-N099 first * second $HOME, see docs/errors/PS-N099.md\n"],
    );
  });

  describe(`${shell.join(" ")}: waiting`, function () {
    this.timeout(20_000);
    it("ends by the clock when a call hangs, and the next call has its whole time again", () => {
      const code =
        'cri() { echo "$patience" >>"$dir/asked"; sleep "$patience"; return 1; }\n' +
        'uptime\nwas=$up\nif within 2 cri version; then echo answered; fi\ncat "$dir/asked"\n' +
        'uptime\necho "$((up - was)) $patience"';
      const run = call(shell, code);
      assert.equal(run.status, 0, run.stderr);
      const lines = run.stdout.trim().split("\n");
      const [took, patience] = (lines.pop() ?? "").split(" ").map(Number);
      assert.ok(lines.length > 0 && lines.every((line) => /^[12]$/.test(line)), run.stdout);
      assert.ok(took !== undefined && took >= 2 && took <= 5, run.stdout);
      assert.equal(patience, 60);
    });

    for (const [what, fails, slept] of [
      ["asks often at first", "", "0.1 0.2 0.3 0.4 1 1"],
      [
        "asks once a second where sleep takes whole seconds only",
        "case $1 in *.*) return 1 ;; esac",
        "0.1 1 0.2 1 0.3 1 0.4 1 1 1",
      ],
    ] as const) {
      it(what, () => {
        const code =
          'asked=0\ncri() { asked=$((asked + 1)); [ "$asked" = 7 ]; }\n' +
          `sleep() { printf '%s ' "$1" >>"$dir/slept"; ${fails || ":"}; }\n` +
          'within 60 cri\ncat "$dir/slept"';
        const run = call(shell, code);
        assert.deepEqual([run.status, run.stdout.trim()], [0, slept], run.stderr);
      });
    }

    it("gives no call more than a minute, and its whole time back after an answer", () => {
      const run = call(
        shell,
        'cri() { echo "$patience" >"$dir/asked"; }\nwithin 300 cri\ncat "$dir/asked"\necho "$patience"',
      );
      assert.deepEqual([run.status, run.stdout], [0, "60\n60\n"], run.stderr);
    });
  });

  it(`${shell.join(" ")}: whose a file is, is what the state says, not the word "kubelet" in its path`, () => {
    const files = { units: "kubelet\t/etc/kubernetes/worker.env\n" };
    const code =
      "for kubelet_minor in 34 35; do for path in /etc/kubernetes/worker.env /etc/other.env; do\n" +
      "if flag_refused $path; then echo $kubelet_minor $path; fi\ndone; done";
    const run = call(shell, code, { files });
    assert.deepEqual([run.status, run.stdout], [0, "35 /etc/kubernetes/worker.env\n"], run.stderr);
  });

  describe(`${shell.join(" ")}: the lock`, () => {
    const opened = "locked=$dir/lock boot_program=$dir/payload other_lock=''\nopen_locks\necho \"$other_lock\"";
    it("cannot be held by anybody but root", () => {
      const nobody = `${opened}\nchmod 755 "$dir"\nif setpriv --reuid 65534 --clear-groups sh -c 'exec 7<"$0"' "$locked" 2>/dev/null; then echo open; else echo closed; fi`;
      const run = call(shell, nobody);
      assert.deepEqual([run.status, run.stdout.split("\n")[1]], [0, "closed"], run.stderr);
    });
    for (const [what, payload, old] of [
      ["no boot payload", undefined, false],
      ["a boot payload of 0.1.0", "{\np=$(printf", true],
      ["one of today", undefined, false],
    ] as const) {
      it(`is that of /var/lib too ${old ? "with" : "only with an older payload, not with"} ${what}`, () => {
        const line = `# Locks @DIR@/lock.\n`;
        const code =
          what === "one of today" ? `printf '%s' '${line}' | sed "s,@DIR@,$dir," >"$dir/payload"\n${opened}` : opened;
        const run = call(shell, code, { files: payload === undefined ? {} : { payload } });
        assert.equal(run.status, 0, run.stderr);
        if (old) assert.equal(run.stdout, "/var/lib\n");
        else assert.match(run.stdout, /\/lock\n$/);
      });
    }
  });

  describe(`${shell.join(" ")}: a program that hangs`, function () {
    this.timeout(20_000);
    // The real systemctl and crictl are programs, which a function is not.
    const hanging = "#!/bin/sh\ncase $1 in daemon-reload | show | reset-failed) exit 0 ;; esac\nexec sleep 600\n";
    const bin =
      'mkdir "$dir/bin"\nfor one in systemctl crictl; do cp "$dir/hanging" "$dir/bin/$one"; chmod +x "$dir/bin/$one"; done\nPATH=$dir/bin:$PATH\n';
    const files = { hanging };

    it("a restart ends with its limit, as a failure", () => {
      const code = `${bin}journal=$dir starting=1 node=n\nif restart k3s; then echo restarted; else echo failed; fi`;
      const run = call(shell, code, { files });
      assert.deepEqual([run.status, run.stdout], [0, "failed\n"], run.stderr);
    });

    it("a pull ends with the limit that the message names", () => {
      const code = `${bin}pulling=1 socket=/x image=a.b/c:1 digest=''\ncri_pull`;
      const run = call(shell, code, { files });
      assert.equal(run.status, 4, run.stderr);
      assert.match(run.stderr, /PS-N010 image a\.b\/c:1 is not pulled within 1 s/);
    });

    it("a TERM in the middle of a pull is answered, and ends it", () => {
      const signal = "(sleep 0.5 2>/dev/null || sleep 1; kill -TERM $$) &\n";
      const code = `${bin}socket=/x image=a.b/c:1 digest='' journal=$dir/j home=$dir/h error_file=$dir/error plan=$dir/h/plan\nmkdir "$dir/h"\ntrap finish EXIT\ntrap 'exit 143' TERM\n${signal}cri_pull`;
      const run = call(shell, code, { files });
      assert.equal(run.status, 143, run.stderr);
    });
  });

  describe(`${shell.join(" ")}: an image that is not pinned`, () => {
    const rows: [string, string, string, boolean][] = [
      ["no kubelet runs as a service", "", "", true],
      ["a kubelet 1.28 has the flag", "28", "", false],
      ["a kubelet 1.28 has no flag", "28", "1", true],
      ["a kubelet 1.29 guards nothing", "29", "", true],
    ];
    for (const [what, minor, noFlag, refused] of rows) {
      it(`is ${refused ? "refused" : "taken"} where ${what}`, () => {
        const code =
          `image=${image} kubelet_minor='${minor}' no_flag='${noFlag}' runtime=x runtime_name=x runtime_version=1\n` +
          "take_image() { :; }\ninspect_image() { pinned=false got=sha256:a; }\ncheck_digest() { :; }\ncheck_architecture() { :; }\n" +
          "check_image\necho passed";
        const run = call(shell, code);
        assert.equal(run.stdout, refused ? "" : "passed\n", run.stderr);
        if (refused) assert.match(run.stderr, /PS-N016 x 1 does not pin/);
      });
    }
  });

  describeWith(CONTAINERD.one)(`${shell.join(" ")}: a node`, function () {
    this.timeout(60_000);
    let host: Host;
    const add = (code: string): void => {
      fs.appendFileSync(path.join(host.dir, "script.sh"), `\n${code}\n`);
    };
    const env = "root/kubelet/kubeadm-flags.env";
    const at = (name: string): string => path.join(host.dir, name);
    beforeEach(() => {
      host = new Host(shell);
      host.containerd(
        CONTAINERD.one,
        'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "registry.k8s.io/pause:3.8"\n',
      );
    });
    afterEach(() => {
      fs.rmSync(host.dir, { recursive: true });
    });

    it("keeps its journal when a first apply cannot be undone, and the next run undoes it", () => {
      const before = host.files();
      const script = host.read("script.sh");
      add("manage() { return 1; }");
      const run = host.run("apply");
      assert.equal(run.status, 5, run.stderr);
      assert.match(run.stderr, /PS-N020/);
      assert.ok(fs.existsSync(at("home/journal/restart-containerd")));
      assert.ok(fs.existsSync(at("home/journal/files")));
      host.write("script.sh", script);
      const restored = host.run("restore");
      assert.equal(restored.status, 0, restored.stderr);
      assert.match(restored.stderr, /an earlier run was killed: undoing it first/);
      assert.deepEqual(restored.did, ["restart containerd"]);
      assert.deepEqual([host.files(), fs.existsSync(at("home"))], [before, false]);
    });

    it("keeps its links: their targets are edited, and both come back", () => {
      const links = ["root/containerd/config.toml", env];
      const targets = ["root/store/config.toml", "root/store/flags.env"];
      fs.mkdirSync(at("root/store"));
      links.forEach((link, i) => {
        fs.renameSync(at(link), at(targets[i] ?? ""));
        fs.symlinkSync(path.join("../store", path.basename(targets[i] ?? "")), at(link));
      });
      const before = host.files();
      const led = links.map((link) => fs.readlinkSync(at(link)));
      const { changed } = host.done("apply");
      assert.deepEqual(changed, targets.map(at));
      assert.deepEqual(
        links.map((link) => fs.readlinkSync(at(link))),
        led,
      );
      for (const target of targets) assert.ok(host.read(target).includes(image), target);
      host.done("restore");
      assert.deepEqual(
        links.map((link) => fs.readlinkSync(at(link))),
        led,
      );
      assert.deepEqual(host.files(), before);
    });

    /** Somebody else's content of the kubelet's file, of the same size as before. */
    const mine = 'KUBELET_KUBEADM_ARGS="--v=9"';
    const meddling: [string, string, string][] = [
      ["replaces", `echo '${mine}' >"$node_dir/mine"; mv "$node_dir/mine" "$node_dir/${env}"`, `${mine}\n`],
      ["edits", `echo '${mine}' >"$node_dir/${env}"`, `${mine}\n`],
      ["removes", `rm "$node_dir/${env}"`, ""],
    ];
    /** Every other file. */
    const others = (): [string, string][] =>
      Object.entries(host.files()).filter(([name]) => name !== path.relative("root", env));
    for (const [verb, code, theirs] of meddling) {
      it(`keeps what somebody ${verb} while the image is pulled`, () => {
        const before = others();
        add(`preflight() { ${code}; }`);
        const run = host.run("apply");
        assert.equal(run.status, 4, run.stderr);
        assert.match(run.stderr, /PS-N026 .*kubeadm-flags\.env was changed by somebody else during this run/);
        assert.match(run.stderr, /the node is as it was before this run, but for what is said above\n/);
        assert.equal(fs.existsSync(at(env)) ? host.read(env) : "", theirs);
        assert.deepEqual([others(), run.did], [before, []]);
      });

      it(`changes nothing when somebody ${verb} a file while it plans`, () => {
        const before = others();
        add(`give_back() { ${code}; }`);
        const run = host.run("apply");
        assert.equal(run.status, 3, run.stderr);
        assert.match(run.stderr, /PS-N026 .*kubeadm-flags\.env was changed by somebody else while this run planned/);
        assert.equal(fs.existsSync(at(env)) ? host.read(env) : "", theirs);
        assert.deepEqual([others(), run.did], [before, []]);
      });
    }

    it("changes nothing when somebody edits containerd's file after its content was copied", () => {
      const config = "root/containerd/config.toml";
      const before = host.files();
      add(`place() { echo '# mine' >>"$node_dir/${config}"; placed=1; printf 'version = 2\\n' >"$plan/own/1"; }`);
      const run = host.run("apply");
      assert.equal(run.status, 3, run.stderr);
      assert.match(run.stderr, /PS-N026 .*config\.toml was changed by somebody else while this run planned/);
      assert.match(host.read(config), /# mine\n$/);
      host.write(config, host.read(config).replace("# mine\n", ""));
      assert.deepEqual([host.files(), run.did], [before, []]);
    });

    for (const fixed of [env, "root/kubelet"]) {
      it(`is refused where a path is immutable: ${fixed}`, function () {
        if (!knowsImmutable(at(fixed))) this.skip();
        const before = host.files();
        spawnSync("chattr", ["+i", at(fixed)]);
        try {
          const run = host.run("apply");
          assert.deepEqual([run.status, run.did], [3, []], run.stderr);
          assert.ok(run.stderr.includes("PS-N013"), run.stderr);
          assert.ok(run.stderr.includes(`chattr -i -a ${at(fixed)}`), run.stderr);
          const plan = host.run("plan");
          assert.deepEqual([plan.status, plan.stdout], [3, ""], plan.stderr);
          assert.ok(plan.stderr.includes(`chattr -i -a ${at(fixed)}`), plan.stderr);
          assert.deepEqual(host.files(), before);
        } finally {
          spawnSync("chattr", ["-i", at(fixed)]);
        }
      });
    }

    it("is as it was where a file is immutable and lsattr is missing", function () {
      if (!knowsImmutable(at(env))) this.skip();
      const before = host.files();
      add('command() { if [ "$1 $2" = "-v lsattr" ]; then return 1; fi; type "$2" >/dev/null 2>&1; }');
      spawnSync("chattr", ["+i", at(env)]);
      try {
        const run = host.run("apply");
        assert.deepEqual([run.status, run.did], [4, []], run.stderr);
        assert.match(run.stderr, /PS-N013 .*kubeadm-flags\.env.*chattr -i/);
        assert.deepEqual(host.files(), before);
      } finally {
        spawnSync("chattr", ["-i", at(env)]);
      }
    });

    for (const name of [env, "root/containerd/config.toml"]) {
      it(`is refused where a file is a mount point: ${name}`, function () {
        const source = host.write("mounted", host.read(name));
        if (spawnSync("mount", ["--bind", source, at(name)]).status !== 0) this.skip();
        const before = host.files();
        try {
          const run = host.run("apply");
          assert.deepEqual([run.status, run.did], [3, []], run.stderr);
          assert.ok(run.stderr.includes(`PS-N013 ${at(name)} is a mount point`), run.stderr);
          assert.deepEqual(host.files(), before);
        } finally {
          spawnSync("umount", [at(name)]);
        }
      });
    }
  });
}
