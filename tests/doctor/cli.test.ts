import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { parse } from "yaml";

import { fakeSsh } from "./fakeSsh";
import { CLOCK, factsOf, failed, sickFacts } from "./nodeFacts";
import { askForCa } from "../../settings/words";
import type { Facts } from "../../doctor/facts";

const root = path.join(__dirname, "../..");

describe("the command line", function () {
  this.timeout("60s");
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-cli-"));
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });

  /** A node whose image cannot be used: nothing has to be walked to. */
  const sick = (name: string): Facts => ({
    ...sickFacts("registry.bank.example:5000/platform/pause"),
    host: { architecture: "amd64", epochSeconds: CLOCK, name },
    events: [
      failed(CLOCK - 9, "web/a", `failed to get sandbox image: ${"rpc error: code = Unknown desc = ".repeat(5)} x`),
    ],
  });

  const ssh = (hosts: Record<string, Facts>): void => {
    fakeSsh(dir, hosts);
  };

  /** Without the breaks of lines, which depend on the lengths of names. */
  const flat = (text: string): string => text.replace(/\n\s*/g, " ");

  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", path.join(root, "cli/main.ts"), ...args], {
      encoding: "utf8",
      cwd: root,
      env: { ...process.env, PATH: `${dir}:${process.env.PATH ?? ""}` },
    });

  it("says the verdict first, in lines of at most 100 columns and without colours where it is piped", () => {
    ssh({ a: sick("worker-7") });
    const { status, stdout, stderr } = run("doctor", "--host", "a");
    assert.equal(status, 1, stderr);
    assert.match(stdout, /^worker-7: no Pod can start\. /);
    assert.match(
      stdout,
      /\nPS-D021 {3}Containerd 2\.3\.1 does not find "registry\.bank\.example:5000\/platform\/pause"/,
    );
    assert.match(stdout, /See docs\/findings\.md#ps-d021\n/);
    assert.match(stdout, /What the node says:\n {2}failed to get sandbox image/);
    assert.match(stdout, / {2}✓ kubelet 1\.34\.2 is active\n/);
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.length > 100),
      [],
    );
    assert.ok(!stdout.includes("\u001b"));
  });

  it("runs by npx in a checkout with what programs need alone, without a registry", () => {
    const { status, stdout, stderr } = spawnSync("npx", ["--offline", "pause-sandbox", "doctor", "--help"], {
      ...{ encoding: "utf8", cwd: root },
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^Usage: pause-sandbox doctor /);
  });

  it("runs in a checkout with what `npm ci --omit=dev` installs, and so does make node-script", () => {
    const checkout = path.join(dir, "checkout");
    const left = ["node_modules", ".git", "dist", "dist-docs", "tests", "lab", "docs"].map((name) =>
      path.join(root, name),
    );
    fs.cpSync(root, checkout, { recursive: true, filter: (from) => !left.includes(from) });
    type Package = Record<"dependencies" | "optionalDependencies", Record<string, string>>;
    const { dependencies, optionalDependencies } = JSON.parse(
      fs.readFileSync(path.join(root, "package.json"), "utf8"),
    ) as Package;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const link = path.join(checkout, "node_modules", name);
      fs.mkdirSync(path.dirname(link), { recursive: true });
      fs.symlinkSync(path.join(root, "node_modules", name), link);
    }
    const inside = (command: string, ...args: string[]) =>
      spawnSync(command, args, { encoding: "utf8", cwd: checkout, maxBuffer: 1e7 });
    for (const args of [
      ["doctor", "--help"],
      ["render", "boot", "--image", "r.example/pause:1", "--format", "shell"],
      ["nodes", "--help"],
    ]) {
      const { status, stderr } = inside("node", "cli/pause-sandbox.js", ...args);
      assert.equal(status, 0, stderr);
    }
    const { status, stdout, stderr } = inside("make", "-s", "node-script");
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^script_id=/m);
    // What is not installed is noticed.
    fs.appendFileSync(path.join(checkout, "cli/doctor.ts"), '\nimport "prettier";\n');
    assert.match(inside("node", "cli/pause-sandbox.js", "doctor", "--help").stderr, /Cannot find module 'prettier'/);
  });

  it("ends without a word where nobody reads on", () => {
    for (const command of ["node cli/pause-sandbox.js render script --source", "make -s node-script"]) {
      const { stdout, stderr } = spawnSync("sh", ["-c", `${command} | head -n 1`], { encoding: "utf8", cwd: root });
      assert.deepEqual([stdout.trim().split("\n").length, stderr], [1, ""], command);
    }
  });

  it("groups nodes by what they suffer of, and ends with 2 where one could not be looked at", () => {
    ssh({ a: sick("worker-1"), b: sick("worker-2") });
    const list = path.join(dir, "list");
    fs.writeFileSync(list, "b # the second\n\nc\n");
    const { status, stdout } = run("doctor", "--host", "a", "--hosts", list);
    assert.equal(status, 2);
    assert.match(
      stdout,
      /^2 of 3: a reference that cannot be used \(worker-1, worker-2\)\n1 of 3: could not look \(c\)\n/,
    );
    assert.match(
      flat(stdout),
      /c: could not look: PS-L001 c:22 does not answer \(ssh: connect to host c port 22: No route to host\)/,
    );
  });

  const before: [string, string, string, RegExp][] = [
    [
      "an unknown host key of the jump host",
      "refuses",
      "Warning: Permanently added 'x'\nHost key verification failed.\nConnection closed by UNKNOWN port 65535\n",
      /PS-L002 the jump host 10\.9\.0\.1:2222 in front of j:22 shows a host key .*\(Host key verification failed\.\).*ssh-keyscan -t ed25519 -p 2222 10\.9\.0\.1 prints it/,
    ],
    [
      "a refused key",
      "refuses",
      "root@j: Permission denied (publickey).\n",
      /PS-L003 j:22 behind the jump host 10\.9\.0\.1:2222 refuses the log-in of root \(root@j: Permission denied/,
    ],
    [
      "sudo that asks",
      "sudo",
      "sudo: a password is required\n",
      /PS-L004 root may not become root on j:22 .*docs\/errors\/PS-L004\.md/,
    ],
  ];
  for (const [what, file, said, expected] of before) {
    it(`names host, port, jump host and way out of ${what}, by ssh's first words`, () => {
      ssh({});
      fs.writeFileSync(path.join(dir, `j.${file}`), said);
      fs.writeFileSync(path.join(dir, "j.jump"), "ops@10.9.0.1:2222");
      const { status, stdout } = run("doctor", "--host", "j");
      fs.rmSync(path.join(dir, `j.${file}`));
      assert.equal(status, 2);
      assert.match(flat(stdout), expected);
    });
  }

  it("says what ssh said first where nobody knows the kind", () => {
    ssh({});
    fs.writeFileSync(path.join(dir, "j.refuses"), "Bad owner or permissions on /etc/ssh/ssh_config\nand so on\n");
    assert.match(flat(run("doctor", "--host", "j").stdout), /could not look: Bad owner or permissions on \/etc\/ssh/);
    fs.rmSync(path.join(dir, "j.refuses"));
  });

  it("shows one of the nodes that suffer of the same, and names the others", () => {
    ssh({ a: sick("worker-1"), b: sick("worker-2"), d: sick("worker-3") });
    ssh({ e: { ...sick("worker-4"), runtime: sickFacts("other.example/pause").runtime } });
    const { stdout } = run("doctor", "--host", "a", "b", "d", "e");
    assert.match(
      stdout,
      /^4 of 4: a reference that cannot be used \(worker-1, worker-2, worker-3, worker-4\)\n\nworker-1: /,
    );
    assert.match(stdout, /\nThe same is found on worker-2, worker-3\.\n/);
    assert.deepEqual(
      [...stdout.matchAll(/^(worker-\d): no Pod can start/gm)].map(([, name]) => name),
      ["worker-1", "worker-4"],
    );
  });

  it("says of a machine without a kubelet that it is no node, in a sentence", () => {
    const host = { architecture: "amd64", epochSeconds: CLOCK, kubernetes: false, name: "laptop" };
    ssh({ a: { ...sick("laptop"), host } });
    const { status, stdout } = run("doctor", "--host", "a");
    assert.equal(status, 2);
    assert.equal(
      stdout,
      "a: could not look: laptop is no Kubernetes node: it has no kubelet, and neither k3s nor RKE2\n",
    );
  });

  it("looks again until all is well, or until the time is over", () => {
    const image = "localhost/pause:1";
    const well = factsOf(image, { image: { status: { pinned: true } } });
    ssh({ a: well });
    assert.equal(run("doctor", "--host", "a", "--wait", "5m").status, 0);
    ssh({ a: sick("worker-1") });
    // One look, as the time is over at once.
    assert.equal(run("doctor", "--host", "a", "--wait", "0s").status, 1);
    assert.match(run("doctor", "--host", "a", "--wait", "soon").stderr, /a number with s, m or h, such as 5m/);
  });

  it("gives JSON with a version, and a stack file on request", () => {
    ssh({ a: sick("worker-1") });
    const json = JSON.parse(run("doctor", "--host", "a", "-o", "json").stdout) as { version: number; nodes: object[] };
    assert.equal(json.version, 1);
    assert.deepEqual(Object.keys(json.nodes[0] ?? {}).sort(), [
      "events",
      "evidence",
      "findings",
      "host",
      "image",
      "node",
      "unknown",
    ]);
    const stack = parse(run("doctor", "--host", "a", "--fix-config").stdout) as { config: Record<string, unknown> };
    assert.deepEqual(stack.config["pause-sandbox:nodes"], [{ name: "worker-1", host: "a" }]);
  });

  describe("the stack file on request", () => {
    const shown = (...args: string[]) => run("doctor", "--host", "a", "b", "--fix-config", ...args);
    const two = (): void => {
      const other = "registry.bank.example/other/pause";
      ssh({ a: sick("worker-1"), b: { ...sick("worker-2"), runtime: sickFacts(other).runtime } });
    };

    it("says that no image of one's own is named, and where the nodes differ", () => {
      two();
      const { stdout } = shown();
      assert.match(stdout, /# NO IMAGE OF YOUR OWN IS NAMED HERE\. `reference` is an image that the nodes have now\./);
      assert.match(
        stdout,
        /have different images, .*\n# {3}worker-1: registry\.bank\.example:5000\/.*\n# {3}worker-2: registry\.bank\.example\/other/,
      );
      assert.match(stdout, /imageSource: existing/);
    });

    it("names the nodes that could not be looked at, in the file and beside it", () => {
      ssh({ a: sick("worker-1") });
      const { stdout, stderr, status } = run("doctor", "--host", "a", "down", "--fix-config");
      assert.equal(status, 2);
      assert.match(stdout, /^# NOT ALL NODES ARE IN THIS FILE\. Nobody could look at down\. /m);
      assert.match(stderr, /^not looked at: down: ./m);
      const { config } = parse(stdout) as { config: Record<string, unknown> };
      assert.deepEqual(config["pause-sandbox:nodes"], [{ name: "worker-1", host: "a" }]);
    });

    it("is not written where no node could be looked at", () => {
      ssh({});
      for (const more of [[], ["--image", "registry.own.example/pause:1"]]) {
        const { stdout, stderr, status } = run("doctor", "--host", "down", "--fix-config", ...more);
        assert.deepEqual([status, stdout], [2, ""]);
        assert.match(stderr, /^error: --fix-config: no node was looked at, .*\nerror: down: ./);
      }
    });

    it("has the image that is asked for, which is then built and pushed", () => {
      two();
      const own = "registry.own.example:5000/platform/pause:1.0.0";
      const { stdout } = shown("--image", own);
      assert.doesNotMatch(stdout, /NO IMAGE OF YOUR OWN|imageSource/);
      assert.match(stdout, new RegExp(`reference: ${own}\n`));
      assert.equal(run("doctor", "--host", "a", "--image", own).stderr, "error: --image needs --fix-config\n");
    });

    it("keeps what the stack has, its comments and secrets, and names no file that goes", () => {
      ssh({ a: sick("worker-1") });
      const file = path.join(dir, "Pulumi.own.yaml");
      const text =
        "# ours\nencryptionsalt: v1:abc\nconfig:\n  pause-sandbox:reference: registry.own.example/pause:2\n" +
        "  pause-sandbox:registryCa: |\n    -----BEGIN CERTIFICATE-----\n    AAAA\n    -----END CERTIFICATE-----\n  pause-sandbox:sshPrivateKey:\n    secure: v1:def\n" +
        "  pause-sandbox:nodes:\n    - { name: worker-1, host: a, hostKey: ssh-ed25519 AAAA }\n";
      fs.writeFileSync(file, text);
      const { stdout, stderr } = run("doctor", "--stack-file", file, "--fix-config");
      assert.equal(stdout, text, stderr);
      assert.doesNotMatch(stdout, /knownHosts|\/tmp\//);
    });
  });

  it("names the setting of the stack whose value is not allowed, and the doctor's placeholder as what it is", () => {
    ssh({ a: sick("worker-1") });
    const file = path.join(dir, "Pulumi.words.yaml");
    const said = (ca: string): string => {
      const nodes = "  pause-sandbox:nodes:\n    - { name: worker-1, host: a, hostKey: ssh-ed25519 AAAA }\n";
      const text = `config:\n  pause-sandbox:reference: registry.own.example/pause:2\n  pause-sandbox:registryCa: "${ca}"\n${nodes}`;
      fs.writeFileSync(file, text);
      return run("doctor", "--stack-file", file).stderr;
    };
    assert.match(said("ours"), /^error: .*registryCa: a text of 4 characters is not allowed/m);
    assert.match(
      said(askForCa("registry.example.com")),
      /registryCa: "the doctor's placeholder" is not allowed; it must be the certificate/,
    );
    const login = '  pause-sandbox:pullUsername: "a:b"\n  pause-sandbox:pullPassword: secret\n';
    fs.appendFileSync(file, login);
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(/^.*registryCa.*\n/m, ""));
    const { stderr } = run("doctor", "--stack-file", file);
    assert.match(stderr, /^error: pullUsername: /m);
    assert.doesNotMatch(stderr, /--pull/);
  });

  it("gives ssh what belongs to it, and never lets it ask", () => {
    ssh({ a: sick("worker-1") });
    fs.rmSync(path.join(dir, "args"), { force: true });
    run("doctor", "--host", "a", "-J", "jump", "-l", "me", "-p", "2222", "-i", "key", "-F", "config");
    const args = fs.readFileSync(path.join(dir, "args"), "utf8");
    for (const one of ["-o BatchMode=yes", "-J jump", "-l me", "-p 2222", "-i key", "-F config", "-- a "]) {
      assert.ok(args.includes(one), args);
    }
  });

  for (const shell of ["sh", "bash", "fish", "tcsh"].filter((one) => spawnSync("which", [one]).status === 0)) {
    it(`sends a command that a log-in shell takes which is ${shell}`, () => {
      ssh({ a: sick("worker-1") });
      const program = fs.readFileSync(path.join(dir, "ssh"), "utf8");
      // As sshd does: the shell of who logs in gets the command. The program that comes on stdin is not the matter here.
      const sshd = `#!/bin/sh\ncase $1 in -G) ;; *) while [ "$1" != -- ]; do shift; done; echo 'echo it runs >&2; exit 3' | ${shell} -c "$3"; exit $? ;; esac\n`;
      fs.writeFileSync(path.join(dir, "ssh"), program.replace("#!/bin/sh\n", sshd));
      assert.match(run("doctor", "--host", "a").stdout, /a: could not look: .*it runs/);
    });
  }

  it("gives ssh no password of the pull login", () => {
    ssh({ a: sick("worker-1") });
    const program = fs.readFileSync(path.join(dir, "ssh"), "utf8");
    fs.writeFileSync(path.join(dir, "ssh"), program.replace("#!/bin/sh\n", `#!/bin/sh\nenv >>${dir}/env\n`));
    const args = ["check", "--host", "a", "--image", "r.example/pause:1", "--pull-username", "bob"];
    process.env.PAUSE_SANDBOX_PULL_PASSWORD = "hunter2";
    const { stderr } = run(...args);
    delete process.env.PAUSE_SANDBOX_PULL_PASSWORD;
    const given = fs.readFileSync(path.join(dir, "env"), "utf8");
    assert.ok(given.includes("PATH=") && !given.includes("hunter2"), stderr);
  });

  it("refuses a node whose name ssh would take for an option", () => {
    ssh({ a: sick("worker-1") });
    fs.rmSync(path.join(dir, "args"), { force: true });
    run("doctor", "--host=-oProxyCommand=x");
    assert.match(fs.readFileSync(path.join(dir, "args"), "utf8"), / -- -oProxyCommand=x /);
  });

  for (const [what, args, says] of [
    ["no node", ["doctor"], /no node is named: use --host, --hosts, --local, --kubeconfig or --stack-file/],
    ["an unknown form", ["doctor", "--local", "-o", "xml"], /'xml' is invalid. Allowed choices are text, json/],
    ["a wrong number", ["doctor", "--local", "--parallel", "0"], /a whole number from 1 to 100/],
    ["a list that is not there", ["doctor", "--hosts", "/nowhere"], /--hosts \/nowhere: ENOENT/],
    ["an unknown command", ["docter"], /unknown command 'docter'\n\(Did you mean doctor\?\)/],
  ] as const) {
    it(`refuses ${what}, with 2`, () => {
      const { status, stderr } = run(...args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, says);
    });
  }

  it("explains itself", () => {
    const { status, stdout } = run("doctor", "--help");
    assert.equal(status, 0);
    assert.match(stdout, /Exit codes: 0 no problem was found, 1 a problem was found, 2 a node could not be checked/);
  });
});
