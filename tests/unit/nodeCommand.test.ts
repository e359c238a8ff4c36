import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as fc from "fast-check";

import { commandLine, readCommand, type Verb } from "../../components/node/nodeCommand";
import { nodeFile, remoteName, scriptText } from "../../components/node/nodeFile";
import {
  fingerprintsOf,
  publicSettings,
  type Setting,
  stdinSettings,
  settingLines,
} from "../../components/node/nodeSettings";
import { needs } from "../support/needs";

const PEM = "-----BEGIN CERTIFICATE-----\nQUFB\n-----END CERTIFICATE-----\n";

/** What people log in with, each with the option that runs one command. */
const LOGIN_SHELLS = ["sh", "bash", "busybox sh", "fish", "tcsh"];

/** Text of one line with all that a shell might take for its own. */
const line = fc
  .array(fc.oneof(fc.string(), fc.constantFrom("$(id)", "`id`", "'", '"', "\\", ";", "*", " ", "!", "#", "é")))
  .map((parts) => parts.join("").replace(/[\0\r\n]/g, ""));

const PLACE = { owner: "project/stack/n", login: ["root", "n.example.com", "22", "ssh-ed25519 AAAA"] };
/** Prints what it was called with. */
const PRINTS = "printf '%s\\n' \"$@\"\ncat\n";

/** A node, as far as the command line looks at it: a home directory, our notes, and what is in memory. */
class Node {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-home-"));
  readonly home = path.join(this.folder, "home");
  readonly notes = path.join(this.folder, "notes");
  readonly memory = path.join(this.folder, "memory");

  constructor() {
    fs.mkdirSync(this.home);
  }

  /** Copies a script into the home directory, as another script or in parts where that is asked for. */
  copy(text: string | Buffer, { place = PLACE, as = text, folder = this.home } = {}): string {
    const file = remoteName(place, createHash("sha256").update(as).digest("hex"));
    fs.writeFileSync(path.join(folder, file), text);
    return file;
  }

  /** Our notes, and the script that they are from. */
  keep(text: string): void {
    fs.mkdirSync(this.notes);
    fs.writeFileSync(path.join(this.notes, "script"), text);
  }

  run(verb: Verb, file: string, { shell = "sh", settings = [["node", "n"]] as Setting[], input = "", env = {} } = {}) {
    const [program = "sh", ...args] = shell.split(" ");
    const command = commandLine(verb, settings, { user: "root", file })
      .replaceAll("/var/lib/pause-sandbox", this.notes)
      .replaceAll("/run/pause-sandbox", this.memory);
    const options = { cwd: this.home, input, encoding: "utf8", env: { ...process.env, ...env } } as const;
    return spawnSync(program, [...args, "-c", command], options);
  }

  left = (): string[] => fs.readdirSync(this.home).sort();
}

describe("the command line of a node", () => {
  let node: Node;
  beforeEach(() => (node = new Node()));
  afterEach(() => {
    fs.rmSync(node.folder, { recursive: true });
  });

  for (const shell of LOGIN_SHELLS) {
    const test = needs(shell.split(" ")[0] ?? "") ? it : it.skip;
    for (const verb of ["apply", "plan", "restore"] as const) {
      test(`brings every setting over as it is, as ${verb}, where ${shell} is the log-in shell`, () => {
        fc.assert(
          fc.property(line, line, (name, owner) => {
            const settings: Setting[] = [
              ["node", name],
              ["owner", owner],
            ];
            const file = node.copy(PRINTS);
            const run = node.run(verb, file, { shell, settings, input: "digest d\n" });
            assert.equal(run.stdout, `${verb}\nnode=${name}\nowner=${owner}\ncopy=${file}\ndigest d\n`, run.stderr);
            assert.equal(run.status, 0);
          }),
          { numRuns: 10 },
        );
      });

      test(`runs no script but the one of its hash, as ${verb}, where ${shell} is the log-in shell`, () => {
        const file = node.copy("echo another script\n", { as: PRINTS });
        fs.mkdirSync(node.notes);
        const run = node.run(verb, file, { shell });
        assert.deepEqual([run.status, run.stdout], [3, ""]);
        assert.match(run.stderr, /^PS-N027 no copy of the script passes sha256sum, see docs\/errors\/PS-N027\.md$/m);
        assert.deepEqual(node.left(), [file]);
      });
    }

    test(`names sha256sum where the node has none, and ${shell} is the log-in shell`, () => {
      const bin = path.join(node.folder, "bin");
      fs.mkdirSync(bin);
      const file = node.copy(PRINTS);
      const named = shell.split(" ")[0] ?? "sh";
      for (const program of ["sh", "cat", "rm", "mv", "mkdir", named]) {
        const found = spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim();
        if (!fs.existsSync(path.join(bin, program))) fs.symlinkSync(fs.realpathSync(found), path.join(bin, program));
      }
      // busybox has a sha256sum of its own, whatever is on PATH.
      const { status, stderr, stdout } = node.run("apply", file, { shell, env: { PATH: bin } });
      if (shell === "busybox sh" && status === 0) return;
      assert.deepEqual([status, stdout], [3, ""], stderr);
      assert.match(stderr, /sha256sum: .*not found[^]*PS-N027 no copy of the script passes sha256sum/);
    });
  }

  it("runs the script that the node keeps where the home directory was emptied, or another user logs in", () => {
    node.keep(PRINTS);
    const file = node.copy(PRINTS);
    fs.rmSync(path.join(node.home, file));
    for (const verb of ["apply", "plan", "restore"] as const) {
      const { status, stdout, stderr } = node.run(verb, file);
      assert.deepEqual([status, stdout], [0, `${verb}\nnode=n\ncopy=${file}\n`], stderr);
    }
  });

  it("finds its script again where it is created right after it was restored", () => {
    node.keep("exit 0\n");
    const file = node.copy('[ "$1" != restore ] || rm -rf "$(dirname "$0")/../notes" "$PWD"/.pause*\necho "$1"\n');
    assert.equal(node.run("restore", file).stdout, "restore\n");
    assert.deepEqual([fs.existsSync(node.notes), node.left()], [false, []]);
    assert.equal(node.run("apply", file).stdout, "apply\n");
  });

  it("has nothing to give back where no script and no note of ours is on the node", () => {
    const file = node.copy("", { as: PRINTS });
    const { status, stderr } = node.run("restore", file);
    assert.equal(status, 0);
    assert.match(stderr, /^nothing of ours is on this node$/m);
    assert.deepEqual(node.left(), []);
  });

  const written = scriptText({ ca: PEM });
  /** The script with NULs where a write had not arrived when the power went. */
  const hole = (from: number, to: number): Buffer => {
    const bytes = Buffer.from(written);
    bytes.fill(0, from, Math.min(to, bytes.length));
    return bytes;
  };
  const torn: [string, Buffer][] = [
    ...[0, 1, 40, 3000, written.length - 40, written.length - 3, written.length - 1].map((length): [string, Buffer] => [
      `cut at ${length}`,
      Buffer.from(written).subarray(0, length),
    ]),
    ["5,000 NULs", Buffer.alloc(5000)],
    ["one byte more", Buffer.from(`${written}#`)],
    ...Array.from({ length: Math.ceil(written.length / 4096) }, (_, i): [string, Buffer] => {
      return [`a hole of 4 kB at ${i * 4096}`, hole(i * 4096, (i + 1) * 4096)];
    }),
    ["a hole in all but its end", hole(0, 65_536)],
  ];
  for (const shell of ["sh", "bash", "busybox sh"]) {
    it(`runs no part of a script that is torn at any place, in ${shell}`, () => {
      fs.mkdirSync(node.notes);
      for (const [how, bytes] of torn) {
        const file = node.copy(bytes, { as: written });
        for (const verb of ["apply", "plan", "restore"] as const) {
          const run = node.run(verb, file, { shell, settings: [["image", "a.b/c:1"]] });
          assert.deepEqual([run.status, run.stdout], [3, ""], `${how}, ${verb}: ${run.stderr}`);
          assert.match(run.stderr, /PS-N027/, how);
        }
      }
    });
  }

  it("takes no torn copy that the node keeps, and a whole one in its place", () => {
    const file = node.copy("", { as: PRINTS });
    node.keep(PRINTS.slice(0, 9));
    assert.equal(node.run("restore", file).status, 3);
    fs.writeFileSync(path.join(node.notes, "script"), PRINTS);
    assert.equal(node.run("restore", file).stdout, `restore\nnode=n\ncopy=${file}\n`);
  });

  for (const shell of LOGIN_SHELLS) {
    it(`runs the script that it brings along, where ${shell} is the log-in shell`, () => {
      const settings = publicSettings({ node: "n", image: "no reference", ca: PEM });
      const [program = "sh", ...args] = shell.split(" ");
      const command = commandLine("plan", settings, { user: "root", ca: PEM }).replaceAll(
        "/run/pause-sandbox",
        node.memory,
      );
      const run = spawnSync(program, [...args, "-c", command], { encoding: "utf8", input: "" });
      assert.equal(run.status, 2, run.stderr);
      assert.match(run.stderr, /^\[n\] PS-N002 image 'no reference'/);
      // A run that counts keeps the file that it came as.
      const [file = "", ...others] = fs.readdirSync(node.memory);
      assert.deepEqual(others, []);
      assert.equal(fs.readFileSync(path.join(node.memory, file), "utf8"), scriptText({ ca: PEM }));
    });
  }

  it("refuses certificates that are too long for a command line, naming the field", () => {
    // Bytes that no packing makes shorter.
    const lines = Array.from({ length: 2000 }, (_, i) => createHash("sha256").update(String(i)).digest("base64"));
    const ca = PEM.replace("QUFB", lines.join("\n"));
    assert.throws(() => commandLine("apply", [], { user: "root", ca }), /^Error: trust\.ca: \d+ bytes are too long/);
  });
});

describe("the file of the node script", () => {
  it("is called after its content, and lies in the program's cache", () => {
    const [plain, trusting] = [nodeFile(), nodeFile({ ca: PEM })];
    assert.notEqual(plain.sum, trusting.sum);
    assert.equal(nodeFile({ ca: PEM.replaceAll("\n", "\r\n") }).sum, trusting.sum);
    assert.equal(createHash("sha256").update(fs.readFileSync(trusting.local)).digest("hex"), trusting.sum);
    assert.equal(fs.readFileSync(trusting.local, "utf8"), scriptText({ ca: PEM }));
    assert.equal(path.dirname(plain.local), path.resolve("node_modules/.cache/pause-sandbox/node"));
  });

  it("is written again where somebody emptied the cache meanwhile", () => {
    const { local } = nodeFile();
    fs.rmSync(local);
    assert.equal(fs.readFileSync(nodeFile().local, "utf8"), scriptText());
  });

  it("has another name on the node for another owner, log-in or content", () => {
    const { sum } = nodeFile();
    const names = [
      remoteName(PLACE, sum),
      remoteName({ ...PLACE, owner: "project/other/n" }, sum),
      ...PLACE.login.map((_, i) =>
        remoteName({ ...PLACE, login: PLACE.login.map((one, at) => (at === i ? "another" : one)) }, sum),
      ),
      remoteName(PLACE, nodeFile({ ca: PEM }).sum),
    ];
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^\.pause-sandbox-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{64}\.sh$/);
  });
});

describe("a command that is read back", () => {
  const settings = { node: "worker 1", image: "a.b/c:1", ca: PEM, mirrors: ["https://m", "https://[fd::1]"] };

  const read = (verb: Verb, more = {}) =>
    readCommand(
      commandLine(verb, publicSettings({ ...settings, ...more }), {
        user: "admin",
        file: remoteName(PLACE, "0123456789abcdef".repeat(4)),
      }),
      settingLines(stdinSettings({ digest: "sha256:d", login: { username: "a", password: "b" } })),
    );

  it("has its verb, its script and its settings", () => {
    const asked = read("apply", { plainHttp: true, node: "worker 1!\\x" });
    assert.deepEqual([asked.verb, asked.script], ["apply", "0123456789abcdef"]);
    assert.deepEqual(
      [...asked.settings],
      [
        ["node", ["worker 1!\\x"]],
        ["image", ["a.b/c:1"]],
        ["ca-sha256", fingerprintsOf(PEM)],
        ["mirror", ["https://m", "https://[fd::1]"]],
        ["plain-http", ["1"]],
        ["digest", ["sha256:d"]],
        ["login", ["YTpi"]],
      ],
    );
  });

  it("may be one of 0.1.0, which had all settings behind the script on stdin", () => {
    const text = `node n\nimage a.b/c:1\ndigest sha256:d\n${PEM.replace(/^/gm, "ca ").replace(/ca $/, "")}`;
    const data = Buffer.from(text).toString("base64");
    const stdin = `{\np=$(printf %s 'H4sI'|base64 -d|gzip -d)||exit 3\nprintf %s '${data}'|base64 -d|sh -c "$p" pause-sandbox "$@"\nexit $?\n}\n# recheck 2\n`;
    const asked = readCommand("sudo -n sh -s -- apply", stdin);
    assert.deepEqual([asked.verb, asked.script], ["apply", undefined]);
    assert.deepEqual(Object.fromEntries(asked.settings), {
      ...{ node: ["n"], image: ["a.b/c:1"], digest: ["sha256:d"], recheck: ["2"], "ca-sha256": fingerprintsOf(PEM) },
    });
  });
});
