import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as fc from "fast-check";

import { commandLine, readCommand, type Verb } from "../../components/node/nodeCommand";
import { nodeFile, scriptText } from "../../components/node/nodeFile";
import {
  fingerprintsOf,
  publicSettings,
  type Setting,
  stdinSettings,
  textOf,
} from "../../components/node/nodeSettings";

const PEM = "-----BEGIN CERTIFICATE-----\nQUFB\n-----END CERTIFICATE-----\n";
const FILE = { local: "/nowhere", remote: ".pause-sandbox-0123456789abcdef.sh" };

/** What people log in with, each with the option that runs one command. */
const LOGIN_SHELLS = ["sh", "bash", "busybox sh", "fish", "tcsh"];

/** Text of one line with all that a shell might take for its own. */
const line = fc
  .array(fc.oneof(fc.string(), fc.constantFrom("$(id)", "`id`", "'", '"', "\\", ";", "*", " ", "!", "#", "é")))
  .map((parts) => parts.join("").replace(/[\0\r\n]/g, ""));

/** A home directory whose script prints what it was called with. */
function home(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-home-"));
  fs.writeFileSync(path.join(folder, FILE.remote), "printf '%s\\n' \"$@\"\ncat\n");
  return folder;
}

describe("the command line of a node", () => {
  let folder: string;
  beforeEach(() => (folder = home()));
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  const as = (shell: string, command: string, input = "") => {
    const [program = "sh", ...args] = shell.split(" ");
    return spawnSync(program, [...args, "-c", command], { cwd: folder, input, encoding: "utf8" });
  };

  for (const shell of LOGIN_SHELLS) {
    for (const verb of ["apply", "restore"] as const) {
      it(`brings every setting over as it is, as ${verb}, where ${shell} is the log-in shell`, () => {
        fc.assert(
          fc.property(line, line, (node, owner) => {
            fs.writeFileSync(path.join(folder, FILE.remote), "printf '%s\\n' \"$@\"\ncat\n");
            const settings: Setting[] = [
              ["node", node],
              ["owner", owner],
            ];
            const run = as(shell, commandLine(verb, settings, { user: "root", file: FILE }), "digest d\n");
            assert.equal(run.stdout, `${verb}\nnode=${node}\nowner=${owner}\ndigest d\n`, run.stderr);
            assert.equal(run.status, 0);
          }),
          { numRuns: 15 },
        );
      });
    }
  }

  it("removes the file where the node was given back, and nothing where that failed", () => {
    const command = commandLine("restore", [["node", "n"]], { user: "root", file: FILE });
    const file = path.join(folder, FILE.remote);
    fs.writeFileSync(file, "exit 4\n");
    assert.equal(as("sh", command).status, 4);
    assert.equal(fs.existsSync(file), true);
    fs.writeFileSync(file, "exit 0\n");
    assert.equal(as("sh", command).status, 0);
    assert.equal(fs.existsSync(file), false);
    // Neither this file nor one that the node keeps: nothing of ours is on it.
    assert.equal(as("sh", command).status, 0);
  });

  it("says which file is missing where it is gone from the home directory", () => {
    fs.rmSync(path.join(folder, FILE.remote));
    const run = as("sh", commandLine("apply", [["node", "n"]], { user: "root", file: FILE }));
    assert.notEqual(run.status, 0);
    assert.ok(run.stderr.includes(FILE.remote), run.stderr);
  });

  for (const shell of LOGIN_SHELLS) {
    it(`runs the script that it brings along, where ${shell} is the log-in shell`, () => {
      const settings = publicSettings({ node: "n", image: "no reference", ca: PEM });
      const run = as(shell, commandLine("plan", settings, { user: "root", ca: PEM }));
      assert.equal(run.status, 2, run.stderr);
      assert.match(run.stderr, /^\[n\] PS-N002 image 'no reference'/);
    });
  }

  it("refuses certificates that are too long for a command line, naming the field", () => {
    const ca = PEM.replace("QUFB", `${"QUFB".repeat(16)}\n`.repeat(900));
    assert.throws(() => commandLine("apply", [], { user: "root", ca }), /^Error: trust\.ca: \d+ bytes are too long/);
  });

  it("is no program at all when the transfer of the script was cut at any place", () => {
    const text = scriptText(PEM);
    for (const length of [1, 40, 3000, text.length - 40, text.length - 3]) {
      fs.writeFileSync(path.join(folder, FILE.remote), text.slice(0, length));
      const run = as("sh", commandLine("plan", [["image", "a.b/c:1"]], { user: "root", file: FILE }));
      assert.notEqual(run.status, 0, `cut at ${length}`);
      assert.equal(run.stdout, "");
    }
  });
});

describe("the file of the node script", () => {
  it("is called after its content, and lies in the program's cache", () => {
    const [plain, trusting] = [nodeFile(), nodeFile(PEM)];
    assert.notEqual(plain.remote, trusting.remote);
    assert.equal(nodeFile(PEM.replaceAll("\n", "\r\n")).remote, trusting.remote);
    assert.equal(fs.readFileSync(trusting.local, "utf8"), scriptText(PEM));
    assert.equal(path.dirname(plain.local), path.resolve("node_modules/.cache/pause-sandbox/node"));
  });

  it("is written again where somebody emptied the cache meanwhile", () => {
    const { local } = nodeFile();
    fs.rmSync(local);
    assert.equal(fs.readFileSync(nodeFile().local, "utf8"), scriptText());
  });
});

describe("a command that is read back", () => {
  const settings = { node: "worker 1", image: "a.b/c:1", ca: PEM, mirrors: ["https://m", "https://[fd::1]"] };

  const read = (verb: Verb, more = {}) =>
    readCommand(
      commandLine(verb, publicSettings({ ...settings, ...more }), { user: "admin", file: FILE }),
      textOf(stdinSettings({ digest: "sha256:d", login: { username: "a", password: "b" } })),
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
