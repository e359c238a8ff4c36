import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";

import * as fc from "fast-check";

import { commandLine } from "../../components/node/nodeCommand";
import { parseReport, renderStdin } from "../../components/node/nodeScript";
import { type NodeSettings, settingsText } from "../../components/node/nodeSettings";
import {
  changingParts,
  doctorParts,
  joinedScript,
  nodeProgram,
  packedHalves,
  parts,
  strippedScript,
} from "../../components/node/program";
import { INVISIBLE } from "../../components/visible";

const settings: NodeSettings = { node: "node-1", image: "registry.example.org:5000/platform/pause:1.0.0" };

const report = {
  changed: ["/etc/containerd/config.toml"],
  digest: `sha256:${"0".repeat(64)}`,
  image: settings.image,
  kubelet: "1.34.2",
  node: "node-1",
  pinned: true,
  previousImage: "k8s.gcr.io/pause:3.5",
  restarted: ["containerd"],
  runtime: "containerd",
  runtimeVersion: "1.7.24",
  status: "changed",
};

/** The mark of what is more than data on the wire between a program and the engine, and the kinds of it. */
const MARK = "4dabf18193072939515e22adb298388d";
const MARKS = [
  "c44067f5952c0a294b673a41bacd8c17",
  "0def7320c3a5731c473e5ecbe6d01bc7",
  "1b47061264138c4ac30d75fd1eb44270",
  "5cf8f73096256a8f31e491e813e4eb8e",
  "d0e6a833031e9bbcd3f4e8bde6ca49a4",
];
/** What the engine takes for a value that is not known yet, as its stand-in in lab/plugins and the engine's own source have it. */
const UNKNOWN = [
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
];

/** An object with these keys of its own, `__proto__` among them: as JSON.parse makes it. */
function ownEntries(entries: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

/** The script's functions without the part that does anything, so that no test can touch the machine it runs on. */
const reader = `set -eu\nscript_id=x\n${joinedScript({ run: false })}\nsettings_read "$@"\n`;

/** Runs the script's own reader, and some shell behind it. Linux takes at most 128 KiB in one argument: it goes through a file. */
function read(input: string, args: string[] = [], more = "") {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-reader-"));
  const script = path.join(folder, "script.sh");
  fs.writeFileSync(script, reader + more);
  const run = spawnSync("sh", [script, ...args], { input, encoding: "utf8" });
  fs.rmSync(folder, { recursive: true });
  return run;
}

const NAMES = ["node", "owner", "image", "digest", "ca", "mirrors", "plain_http", "no_flag", "login"];

/** The variables that the reader ends with. */
function received(input: string, args: string[] = []): Record<string, string> {
  const run = read(input, args, NAMES.map((name) => `printf '%s\\0' "$${name}"`).join("\n"));
  assert.equal(run.status, 0, run.stderr);
  const values = run.stdout.split("\0");
  return Object.fromEntries(NAMES.map((name, i) => [name, values[i] ?? ""]));
}

/** Text of one line, with all that a shell might take for its own. */
const line = fc
  .array(
    fc.oneof(
      fc.string(),
      fc.constantFrom("$(id)", "`id`", "'", '"', "\\", ";", "${x}", "%s", "*", "E\n", " ", "\t", "é"),
    ),
  )
  .map((parts) => parts.join("").replace(/[\0\r\n]/g, ""));

describe("renderStdin", () => {
  it("carries the program as any gzip unpacks it, without what differs between machines", () => {
    for (const of of [parts, changingParts, doctorParts]) {
      const packed = packedHalves(of).map((half) => Buffer.from(half, "base64"));
      const halves = packed.map((half) => gunzipSync(half).toString());
      assert.equal(halves.join("\n"), nodeProgram(of));
      for (const half of halves) assert.ok(Buffer.byteLength(half) < 131_072 * 0.75, "room for one argument");
      // No time and no name, as made on Unix.
      for (const half of packed) assert.deepEqual([...half.subarray(3, 8), half[9]], [0, 0, 0, 0, 0, 3]);
    }
  });

  it("is the same text for the same settings", () => {
    assert.equal(renderStdin(settings), renderStdin({ ...settings }));
  });

  it("is no program at all when the transfer is cut at any place", () => {
    const whole = renderStdin(settings);
    for (const length of [1, 2, 40, whole.length - 30, whole.length - 12, whole.length - 3]) {
      const run = spawnSync("sh", ["-s", "--", "apply"], { input: whole.slice(0, length), encoding: "utf8" });
      assert.notEqual(run.status, 0, `cut at ${length}`);
      assert.equal(run.stdout, "");
    }
  });

  it("delivers every value verbatim, whatever it holds", () => {
    fc.assert(
      fc.property(line, line, line, line, (node, owner, digest, password) => {
        const login = { username: "puller", password };
        const got = received(settingsText({ ...settings, node, owner, digest, login }));
        assert.deepEqual([got.node, got.owner, got.digest], [node, owner, digest]);
        assert.equal(Buffer.from(got.login ?? "", "base64").toString(), `puller:${password}`);
      }),
      { numRuns: 100 },
    );
  });

  it("delivers mirrors verbatim, or the node refuses them: they end up in TOML and YAML", () => {
    const url = fc.oneof(
      line,
      fc.constantFrom("https://mirror.example.com:5000", "http://10.0.0.1/v2/path", "https://[fd00::1]:5000"),
    );
    let delivered = 0;
    fc.assert(
      fc.property(fc.array(url, { minLength: 1, maxLength: 3 }), (mirrors) => {
        const sent = settingsText({ ...settings, mirrors });
        const run = read(sent, [], `printf %s "$mirrors"`);
        if (mirrors.every((one) => /^[\]a-zA-Z0-9./:_[-]*$/.test(one))) {
          delivered++;
          assert.deepEqual([run.status, run.stdout], [0, mirrors.map((one) => `${one}\n`).join("")], run.stderr);
        } else {
          assert.equal(run.status, 2);
          assert.match(run.stderr, /PS-N002 mirror: use URLs/);
        }
      }),
      { numRuns: 100 },
    );
    assert.ok(delivered > 0, "none was delivered");
  });

  it("delivers 10 kB in one value", () => {
    assert.equal(received(settingsText({ ...settings, node: "x".repeat(10_000) })).node?.length, 10_000);
  });

  it("delivers a PEM chain with CRLF as lines", () => {
    const pem = "-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----\r\n";
    assert.equal(received(settingsText({ ...settings, ca: pem })).ca, pem.replaceAll("\r\n", "\n"));
  });

  const bad: [string, NodeSettings, RegExp][] = [
    ["LF in node", { ...settings, node: "a\nimage b" }, /^node: "a\\nimage b" must not contain NUL, CR or LF$/],
    ["CR in image", { ...settings, image: "a\r" }, /^image: "a\\r" must not/],
    ["NUL in digest", { ...settings, digest: "a\0" }, /^digest: "a\\u0000" must not/],
    ["LF in a mirror", { ...settings, mirrors: ["https://ok", "a\n"] }, /^mirrors\[1\]: "a\\n" must not/],
    ["LF in owner", { ...settings, owner: "a\n" }, /^owner: "a\\n" must not/],
    [
      "a colon in a user name",
      { ...settings, login: { username: "a:b", password: "secret" } },
      /^login\.username: "a:b" must not be empty nor contain ":"/,
    ],
    [
      "LF in a password, which it does not print",
      { ...settings, login: { username: "a", password: "secret\n" } },
      /^login\.password: must not contain NUL, CR or LF$/,
    ],
    ["NUL in ca", { ...settings, ca: "a\0" }, /^ca: must not contain NUL/],
  ];
  for (const [what, value, message] of bad) {
    it(`refuses ${what}, naming field and value`, () => {
      assert.throws(
        () => renderStdin(value),
        (error: Error) => message.test(error.message),
      );
    });
  }

  for (const image of [
    "pause",
    "pause:3.5",
    "a.b/c",
    "a.b/c:1@sha256:00",
    "a.b//c:1",
    "a.b/c:1/d",
    "a.b/c:1:2",
    "a.b/c:",
    "/c:1",
    'a.b/c:1"',
    "a.b/$(id):1",
    ...["../a/b:1", "./a/b:1", "-rf/b:1", "a.b/-x:1", "a.b/../c:1", "a.b/.x:1", ".:5000/x:1"],
  ]) {
    it(`the node refuses the image ${image} with PS-N002`, () => {
      const run = read(settingsText({ ...settings, image }));
      assert.deepEqual([run.status, run.stdout], [2, ""]);
      assert.match(run.stderr, /^\[node-1\] PS-N002 image .*: use host\[:port\]\/repository:tag/);
    });
  }
});

describe("parseReport", () => {
  it("reads the one line that a node prints", () => {
    assert.deepEqual(parseReport(`${JSON.stringify(report)}\n`), report);
  });

  it("finds the report among the words of a login shell", () => {
    const noise = `Welcome\r\n{"a": 1}\n${JSON.stringify(report)}\nBye\n`;
    assert.deepEqual(parseReport(noise), report);
  });

  it("still reads a report of 0.1.0, which names no script and no handlers", () => {
    const read = parseReport(JSON.stringify(report));
    assert.deepEqual(Object.keys(read), Object.keys(report));
    const now = { ...report, handlers: { runc: "every", kata: "image" }, scriptVersion: "0123456789ab" };
    assert.deepEqual(parseReport(JSON.stringify(now)), now);
  });

  it("takes the known fields from any JSON, or refuses it with a bounded message", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom(
        "",
        "worker-1",
        "\u001b[2J",
        "\u009b",
        "\u202e",
        "\ud800",
        "x".repeat(4096),
        "x".repeat(4097),
        ...UNKNOWN,
      ),
    );
    const key = fc.oneof(
      fc.constantFrom(...Object.keys(report), "handlers", "__proto__", "constructor", "toString", MARK, "x"),
      text,
    );
    const hostile = fc.letrec<Record<"value", unknown>>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(text, fc.double(), fc.boolean(), fc.constantFrom(null, "changed", "containerd", "every", ...MARKS)),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.array(fc.tuple(fc.oneof(key, fc.constant(MARK)), tie("value")), { maxLength: 4 }).map(ownEntries),
      ),
    })).value;
    // Most reports are right but for a few fields, so that many are taken.
    const line = fc.array(fc.tuple(key, hostile), { maxLength: 3 }).map((more) => {
      return JSON.stringify(ownEntries([...Object.entries(report), ...more]));
    });
    let taken = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          line,
          hostile.map((value) => JSON.stringify(value)),
        ),
        (stdout) => {
          let read;
          try {
            read = parseReport(stdout);
          } catch (error) {
            const { message } = error as Error;
            assert.match(message, /^the node's report /);
            assert.doesNotMatch(message, INVISIBLE);
            assert.ok(message.length < 3000, message);
            return;
          }
          taken++;
          assert.equal(Object.getPrototypeOf(read), Object.prototype);
          const { handlers, scriptVersion, ...required } = read;
          const names = Object.keys(report);
          assert.deepEqual(Object.keys(required).sort(), names);
          assert.ok(handlers === undefined || !Object.hasOwn(handlers, MARK));
          for (const value of [
            ...Object.values({ ...required, scriptVersion }),
            ...Object.entries(handlers ?? {}),
          ].flat()) {
            if (value === undefined) continue;
            if (typeof value === "boolean") continue;
            assert.ok(
              typeof value === "string" && value.length <= 4096 && !INVISIBLE.test(value),
              JSON.stringify(value),
            );
            assert.ok(!UNKNOWN.includes(value), value);
          }
          assert.ok(Array.isArray(read.changed) && Array.isArray(read.restarted) && typeof read.pinned === "boolean");
          assert.ok(scriptVersion === undefined || typeof scriptVersion === "string");
          const added = ["handlers", "scriptVersion"];
          const given = JSON.parse(stdout) as Record<string, unknown>;
          const known = Object.keys(given).filter((name) => names.includes(name) || added.includes(name));
          assert.deepEqual(read, Object.fromEntries(known.map((name) => [name, given[name]])));
        },
      ),
      { numRuns: 3000 },
    );
    assert.ok(taken > 100, `${taken} were taken`);
    assert.equal(({} as Record<string, unknown>)[MARK], undefined);
  });

  for (const [what, stdout] of [
    ["a long text", "x".repeat(5_000_000)],
    ["brackets without end", "[".repeat(65_000)],
    ["objects without end", '{"a":'.repeat(13_000)],
    ["one object per line", "{}\n".repeat(21_000)],
    ["more files than a run changes", JSON.stringify({ ...report, changed: Array(300).fill("/a") })],
    ["a longer path than Linux has", JSON.stringify({ ...report, changed: ["/".repeat(4097)] })],
  ] as const) {
    it(`refuses ${what} with a short message`, () => {
      assert.throws(
        () => parseReport(stdout),
        (error: Error) => error.message.startsWith("the node's report ") && error.message.length < 2000,
      );
    });
  }

  it("shows characters that a terminal obeys instead of printing them", () => {
    assert.throws(
      () => parseReport("\u001b[2J\u009b2J\u202eevil"),
      (error: Error) => error.message.includes('prints "\\u001b[2J\\u009b2J\\u202eevil"'),
    );
  });

  for (const [what, value] of [
    ["an escape", "\u001b]0;PWNED\u0007"],
    ["a C1 control", "\u009b2J"],
    ["a line break", "a\nb"],
    ["a text that runs backwards", "\u202eevil"],
    ["half a character", "\ud800"],
    ...UNKNOWN.map((mark) => ["what the engine takes for 'not known yet'", mark] as const),
  ] as const) {
    it(`refuses ${what} in a text: ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => parseReport(JSON.stringify({ ...report, node: value, changed: [value] })),
        /misstates changed, node:/,
      );
    });
  }

  const bad: [string, string, RegExp][] = [
    ["nothing", "", /is missing: expected one line of JSON on stdout, got ""/],
    ["two reports", `${JSON.stringify(report)}\n${JSON.stringify(report)}\n`, /comes 2 times/],
    [
      "text",
      "Last login: today",
      /the login shell of the node prints "Last login: today": in the shell.s start-up file/,
    ],
    ["a number", "1", /report is missing: .* prints "1"/],
    ["a missing field", JSON.stringify({ ...report, pinned: undefined }), /lacks or misstates pinned:/],
    ["wrong types", JSON.stringify({ ...report, changed: [1], status: "ok" }), /misstates changed, status:/],
  ];
  for (const [what, text, message] of bad) {
    it(`refuses ${what}, quoting what came`, () => {
      assert.throws(
        () => parseReport(text),
        (error: Error) => message.test(error.message),
      );
    });
  }
});

describe("the program of a node that is changed", () => {
  it("has grown by at most 8 kB since nodes can carry an image", () => {
    // In bytes, at the last commit without it.
    const before = 114_598;
    const now = Buffer.byteLength(strippedScript(joinedScript({ of: changingParts })));
    assert.ok(now - before <= 8000, `${now - before} bytes`);
  });

  it("has the version of the whole script, and no `plan`", () => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-program-")), "script.sh");
    const version = (text: string) => /^script_id=(.*)$/m.exec(text)?.[1];
    assert.equal(version(nodeProgram(changingParts)), version(nodeProgram()));
    fs.writeFileSync(
      file,
      nodeProgram(changingParts).replace("\nneed_tools\n", "\nneed_tools() { :; }\nid() { echo 0; }\n"),
    );
    const { status, stderr } = spawnSync("sh", [file, "plan", "node=n", "image=r.example/p:1"], {
      encoding: "utf8",
      input: "",
    });
    fs.rmSync(path.dirname(file), { recursive: true });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^\[n\] PS-N002 this file of the script has no 'plan': a dry run's file has it/);
  });
});

describe("a run of the node script", () => {
  /** The whole program, on no node: `plan` does what is given here. */
  const runOf = (verb: string, does: string, { cwd = ".", more = [] as string[] } = {}) => {
    const entry = fs.readFileSync(path.join(__dirname, "../../node/entry.sh"), "utf8");
    const node = `need_tools() { :; }\nid() { echo 0; }\nlock() { :; }\nrecover() { :; }\n${verb}() { ${does}; }\n`;
    const program = `set -eu\nscript_id=x\n${joinedScript({ run: false })}\n${node}${entry}`;
    // A file, as on a node: what a shell has not read yet of a program on stdin would be taken for settings.
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-script-")), "script.sh");
    fs.writeFileSync(file, program);
    const run = spawnSync("sh", [file, verb, "node=n", "image=r.example/p:1", ...more], {
      cwd,
      input: "",
      encoding: "utf8",
    });
    fs.rmSync(path.dirname(file), { recursive: true });
    return run;
  };
  const planned = (does: string) => runOf("plan", does);

  it("has failed where it ends without its report, whatever the status of its last command", () => {
    const { status, stderr } = planned(":");
    assert.equal(status, 3);
    assert.match(stderr, /^\[n\] PS-N019 the run ended without its report/);
  });

  it("removes the copies of its own resource where it succeeds, but for a plan, and none where it fails", () => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-home-"));
    const [mine, older, moved] = ["aaaaaaaa-11111111-0", "aaaaaaaa-11111111-1", "aaaaaaaa-22222222-0"];
    const [other, before] = ["bbbbbbbb-11111111-0", "0123456789abcdef"];
    const names = [mine, older, moved, other, before].map((name) => `.pause-sandbox-${name}.sh`);
    for (const name of names) fs.writeFileSync(path.join(home, name), "");
    const left = (verb: string, does: string): string[] => {
      runOf(verb, does, { cwd: home, more: [`copy=${names[0] ?? ""}`] });
      return fs.readdirSync(home).sort();
    };
    assert.deepEqual(left("plan", "report"), [...names].sort());
    assert.deepEqual(left("apply", "die 010 no"), [...names].sort());
    assert.deepEqual(left("apply", "report"), names.slice(3, 4));
    fs.rmSync(home, { recursive: true });
  });

  it("takes no path for the copy that it removes", () => {
    for (const copy of ["../x", "/etc/passwd", "x.sh", "./.x"]) {
      assert.match(runOf("plan", "report", { more: [`copy=${copy}`] }).stderr, /PS-N002 copy '/, copy);
    }
  });

  it("has succeeded where it ends with its report", () => {
    const { status, stdout, stderr } = planned("report");
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^{"changed":\[\],.*"status":"unchanged"}\n$/);
  });
});

describe("docs/errors", () => {
  const docs = path.join(__dirname, "../../docs/errors");
  const before = commandLine("apply", [], { user: "root", file: ".pause-sandbox-0-0-0.sh" });
  const used = new Set(
    [...`${joinedScript()}${before}`.matchAll(/\bdie (\d{3})\b|PS-N(\d{3}) /g)].map((m) => `PS-N${m[1] ?? m[2] ?? ""}`),
  );

  it("has a page for every code that the script can print, and none for others", () => {
    const pages = fs.readdirSync(docs).filter((name) => name.startsWith("PS-N"));
    assert.deepEqual(pages.sort(), [...used].map((code) => `${code}.md`).sort());
  });

  it("lists every page", () => {
    const list = fs.readFileSync(path.join(docs, "README.md"), "utf8");
    assert.deepEqual(
      [...used].filter((code) => !list.includes(`(${code}.md)`)),
      [],
    );
  });
});
