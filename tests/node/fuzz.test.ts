import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as fc from "fast-check";
import { parse } from "smol-toml";

import { containerdOf, describeWith } from "./toolchain";
import { joinedScript } from "../../components/node/program";
import { type Tier, currentTier } from "../support/tier";
import { CONTAINERD } from "../../lab/toolchain/versions";

/** How many cases each tier has. PAUSE_SANDBOX_FUZZ has the last word. */
const CASES: Record<Tier, number> = { check: 40, test: 40, all: 200, long: 10_000 };
const cases = Number(process.env.PAUSE_SANDBOX_FUZZ ?? CASES[currentTier()]);

const [version = ""] = (process.env.PAUSE_SANDBOX_CONTAINERD ?? CONTAINERD.one).split(" ");

const cri = "io.containerd.grpc.v1.cri";
const ours = ["plugins", cri, "sandbox_image"];
const image = "registry.example.org:5000/platform/pause:1.0.0";

/** Ways to write one key. */
const key = (name: string): fc.Arbitrary<string> =>
  fc.constantFrom(...(/^[\w-]+$/.test(name) ? [name, `"${name}"`, `'${name}'`] : [`"${name}"`, `'${name}'`]));

const dotted = (names: string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(".", " . ", "\t.", ". "), ...names.map(key)).map(([dot, ...keys]) => keys.join(dot));

const comment = fc.constantFrom("", "", " # why", "\t#[plugins]", ' # sandbox_image = "no"', " # it's \"quoted");
const gap = fc.constantFrom("", " ", "\t", "   ");

/** Values with all that could be taken for the end of one. */
const text = fc.constantFrom(
  '"a"',
  '""',
  "''",
  '"a # b"',
  '"a \\" ] }"',
  "'a \\'",
  '"""one\n[plugins]\nsandbox_image = 1\n"""',
  "'''\n\"\"\" # x ['''",
  '"""a""b"""',
  '"""a \\""" b"""',
  '"""""" ',
  "'''it''s'''",
);

const line = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(gap, key(name), gap, gap, value, comment).map(([a, k, b, c, v, d]) => `${a}${k}${b}=${c}${v}${d}`);

const header = (names: string[]): fc.Arbitrary<string> =>
  fc.tuple(gap, gap, dotted(names), gap, comment).map(([a, b, k, c, d]) => `${a}[${b}${k}${c}]${d}`);

const noise = fc.array(fc.constantFrom("", "  ", "# a comment", '\t# [plugins."io.containerd.grpc.v1.cri"]', "# '''"), {
  maxLength: 2,
});

/** The lines of the CRI's own table, with our key or without. */
const criLines = fc.tuple(
  fc.option(line("sandbox_image", fc.constantFrom('"a/b:1"', "'a/b:1'", '"""a/b:1"""')), { nil: undefined }),
  fc.option(line("max_concurrent_downloads", fc.constantFrom("3", "1_0", "0x10")), { nil: undefined }),
  fc.option(line("stats_socket", text), { nil: undefined }),
  fc.option(line("extra_list", fc.constantFrom("[]", "[ 1, # ]\n 2\n]", '["]", "#", \'}\',]')), { nil: undefined }),
);

const lines = (given: (string | undefined)[]): string[] => given.filter((one) => one !== undefined);

/** A file of version 2, in one of the ways that people and tools write it. */
const file = fc
  .record({
    top: fc.tuple(line("root", fc.constant('"/var/lib/containerd"')), line("x_note", text)),
    style: fc.constantFrom("header", "nested", "dotted", "child", "none"),
    plugins: header(["plugins"]),
    table: header(["plugins", cri]),
    child: header(["plugins", cri, "containerd"]),
    childLine: line("default_runtime_name", fc.constantFrom('"runc"', "'runc'")),
    inside: criLines,
    prefix: dotted(["plugins", cri]),
    other: header(["plugins", "io.containerd.gc.v1.scheduler"]),
    otherLine: line("pause_threshold", fc.constantFrom("0.02", "2e-2")),
    noise: fc.tuple(noise, noise, noise),
    otherFirst: fc.boolean(),
    crlf: fc.boolean(),
    end: fc.constantFrom("\n", "", "\n\n"),
  })
  .map((f) => {
    const inside = lines(f.inside);
    const body = {
      header: [f.table, ...f.noise[1], ...inside],
      nested: [f.plugins, f.table, ...inside, f.child, f.childLine],
      dotted: inside.map((one) => `${f.prefix}.${one.trimStart()}`),
      child: [f.child, f.childLine],
      none: [],
    }[f.style];
    const other = [f.other, f.otherLine, ...f.noise[2]];
    // Dotted keys count from the table they stand in: they come before any header.
    const blocks = f.otherFirst && f.style !== "dotted" ? [...other, ...body] : [...body, ...other];
    const all = ["version = 2", ...f.top, ...f.noise[0], ...blocks].join("\n") + f.end;
    return f.crlf ? all.replaceAll("\n", "\r\n") : all;
  });

/** What the runtime reads, or, as a string, why it refuses. */
function effective(containerd: string, dir: string, content: string): unknown {
  const config = path.join(dir, "config.toml");
  fs.writeFileSync(config, content);
  const run = spawnSync(containerd, ["-c", config, "config", "dump"], { encoding: "utf8" });
  return run.status === 0 ? parse(run.stdout) : run.stderr;
}

/** The same object with one value set, made where it is missing. */
function withValue(object: unknown, [name = "", ...rest]: string[], value: unknown): Record<string, unknown> {
  const copy = { ...(object as Record<string, unknown> | undefined) };
  copy[name] = rest.length === 0 ? value : withValue(copy[name], rest, value);
  return copy;
}

describeWith(version)("TOML written at random", function () {
  this.timeout(cases * 2000);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-fuzz-"));
  const script = path.join(dir, "script.sh");
  let containerd = "";

  before(function () {
    this.timeout(1_200_000);
    containerd = path.join(containerdOf(version), "containerd");
    fs.writeFileSync(script, joinedScript({ run: false }));
  });
  after(() => {
    fs.rmSync(dir, { recursive: true });
  });

  const edit = (command: string, content: string): string => {
    const program = `set -eu; script_id=x; . '${script}'; ${command}`;
    const run = spawnSync("dash", ["-c", program, "x", ours.join("|"), `"${image}"`], {
      input: content,
      encoding: "utf8",
    });
    assert.equal(run.status, 0, run.stderr);
    return run.stdout;
  };

  it(`${cases} files: our key is set, no other changes, and the runtime reads the result`, () => {
    fc.assert(
      fc.property(file, (content) => {
        const before = effective(containerd, dir, content);
        // containerd 1.x reads an older TOML: no spaces around a key's dots, for one.
        fc.pre(typeof before !== "string");
        const edited = edit('toml_set "$1" "$2"', content);
        assert.deepEqual(parse(edited), withValue(parse(content), ours, image), content);
        const after = effective(containerd, dir, edited);
        delete (before as Record<string, unknown>).imports;
        delete (after as Record<string, unknown>).imports;
        const path = JSON.stringify(after).includes("io.containerd.cri.v1.images")
          ? ["plugins", "io.containerd.cri.v1.images", "pinned_images", "sandbox"]
          : ours;
        assert.deepEqual(after, withValue(before, path, image), content);
        assert.equal(edit('toml_set "$1" "$2"', edited), edited, "a second edit changes something");
      }),
      { numRuns: cases },
    );
  });

  it(`${cases} files: our key can be taken away again, alone`, () => {
    fc.assert(
      fc.property(file, (content) => {
        const edited = edit('toml_set "$1" "$2" | toml_unset "$1"', content);
        const before = withValue(parse(content), ours, undefined);
        const after = withValue(parse(edited), ours, undefined);
        // Through JSON, which has no undefined; the order of tables is no difference.
        assert.deepEqual(JSON.parse(JSON.stringify(after)), JSON.parse(JSON.stringify(before)), content);
        assert.doesNotMatch(edited, /platform\/pause/);
      }),
      { numRuns: cases },
    );
  });
});
