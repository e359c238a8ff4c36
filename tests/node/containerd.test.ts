import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { parse } from "smol-toml";

import { type Case, cases } from "./containerdCases";
import { type Tier, currentTier } from "../support/tier";
import { type Containerd, Sandbox, shells, wanted } from "./script";
import { type Shape, shapes } from "./shapes";
import { containerdOf, describeWith, hasContainerd, ranContainerd } from "./toolchain";
import { CONTAINERD } from "../../lab/toolchain/versions";

const SOME = [CONTAINERD.oldest, CONTAINERD.one, CONTAINERD.newest];
/** The versions of each tier; the narrow ones do with one that is there. */
const VERSIONS: Record<Tier, string[]> = {
  check: [SOME.find((version) => hasContainerd(version)) ?? CONTAINERD.one],
  test: [CONTAINERD.one],
  all: SOME,
  long: [...SOME, ...CONTAINERD.more],
};
/** PAUSE_SANDBOX_CONTAINERD="1.6.38 2.4.2 …" takes others. Each is built once, from its module. */
const versions = process.env.PAUSE_SANDBOX_CONTAINERD?.split(" ") ?? VERSIONS[currentTier()];

const ours = /^plugins\/.*\/(sandbox_image|pinned_images\/sandbox|registry\/config_path)$|^imports|^version$/;

/** The runtime's own parse, key by key. */
function effective(containerd: Containerd, config: string): Map<string, string> {
  // Without a file it runs on defaults that an empty file of the newest version has too.
  const file = fs.existsSync(config) ? config : path.join(path.dirname(config), "../defaults.toml");
  if (file !== config) {
    const imports = /^imports = .*$/m.exec(
      execFileSync(path.join(containerd.dir, "containerd"), ["config", "default"], { encoding: "utf8" }),
    );
    fs.writeFileSync(
      file,
      containerd.version.startsWith("1.") ? "version = 2\n" : `version = 3\n${imports?.[0] ?? ""}\n`,
    );
  }
  // 2.0's dump shows defaults for a version 2 file that the daemon does read.
  const verb = containerd.version.startsWith("2.0.") ? "migrate" : "dump";
  const run = spawnSync(path.join(containerd.dir, "containerd"), ["-c", file, "config", verb], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  const flat = new Map<string, string>();
  const walk = (value: unknown, at: string): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, at === "" ? key : `${at}/${key}`);
    } else flat.set(at, JSON.stringify(value));
  };
  walk(parse(run.stdout), "");
  return flat;
}

/** The values of the keys that hold the sandbox image. */
const imagesOf = (parsed: Map<string, string>): Set<string> =>
  new Set([...parsed].filter(([key]) => /sandbox_image$|pinned_images\/sandbox$/.test(key)).map(([, value]) => value));

function differing(before: Map<string, string>, after: Map<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
}

const reads = (shape: Shape, version: string): boolean => {
  const [major, minor] = version.split(".").map(Number);
  const [, sinceMinor = 0] = (shape.since ?? "").split(".").map(Number);
  return shape.majors.includes(major as 1 | 2) && (minor ?? 0) >= sinceMinor;
};

/** How often a file has to be parsed: containerd 2.3 and 2.4 merge tables in an order that is another one each time. */
const parses = ({ version }: Containerd): number => (/^2\.[34]\./.test(version) ? 20 : 1);

/**
 * Applies, applies again and restores: our keys alone change in the runtime's own parse, and all is back in the end.
 * @param line What the changed file then has; every parse has to read our image, whatever the order of tables.
 */
function roundTrip(
  containerd: Containerd,
  shape: Shape,
  { line, rounds = 1 }: { line?: RegExp; rounds?: number } = {},
): void {
  const sandbox = new Sandbox(shape.files);
  const untouched = sandbox.snapshot();
  const before = effective(containerd, sandbox.config);
  const target = path.join(sandbox.dir, "etc", shape.target ?? "config.toml");

  const first = sandbox.plan(["dash"], containerd, "apply");
  assert.equal(first.status, 0, first.stderr);
  assert.equal(first.stdout, `${target}\n`);
  const after = effective(containerd, sandbox.config);
  assert.deepEqual(
    differing(before, after).filter((key) => !ours.test(key)),
    [],
  );
  if (line !== undefined) assert.match(fs.readFileSync(target, "utf8"), line);
  const reads = imagesOf(after);
  for (let round = 1; round < rounds; round++) {
    for (const value of imagesOf(effective(containerd, sandbox.config))) reads.add(value);
  }
  assert.deepEqual([...reads], [JSON.stringify(wanted)]);

  const second = sandbox.plan(["dash"], containerd, "apply");
  assert.deepEqual([second.status, second.stdout], [0, "\n"], second.stderr);
  const back = sandbox.plan(["dash"], containerd, "restore");
  assert.equal(back.status, 0, back.stderr);
  assert.deepEqual(sandbox.snapshot(), untouched);
  assert.equal(fs.existsSync(path.join(sandbox.dir, "home")), false, "state is left behind");
  sandbox.remove();
}

/** The files of a folder of cases, with this sandbox's directory for /etc/containerd. */
function filesOf(dir: string, under = ""): Record<string, string> {
  return Object.fromEntries(
    fs.readdirSync(path.join(dir, under), { withFileTypes: true }).flatMap((entry): [string, string][] => {
      const name = path.join(under, entry.name);
      if (entry.isDirectory()) return Object.entries(filesOf(dir, name));
      return [[name, fs.readFileSync(path.join(dir, name), "utf8").replaceAll("/etc/containerd/", "@ETC@/")]];
    }),
  );
}

const shapeOf = ({ name, target }: Case): Shape => ({
  name,
  files: filesOf(path.join(__dirname, "cases/containerd", name)),
  majors: [1, 2],
  ...(target === undefined ? {} : { target }),
});

/** A refusal that says why, before anything is changed. */
function refuses(containerd: Containerd, shape: Shape, reason: RegExp): void {
  const sandbox = new Sandbox(shape.files);
  const untouched = sandbox.snapshot();
  const run = sandbox.plan(["dash"], containerd, "apply");
  assert.deepEqual([run.status, run.stdout], [3, ""], run.stderr);
  assert.match(run.stderr, reason);
  assert.deepEqual(sandbox.snapshot(), untouched);
  sandbox.remove();
}

/** The file that a distribution's package makes of it, in a directory of the test's own. */
function defaultOf({ dir }: Containerd): Shape {
  const text = execFileSync(path.join(dir, "containerd"), ["config", "default"], { encoding: "utf8" });
  const importing = /^imports = .*conf\.d\/\*\.toml/m.test(text);
  return {
    name: "default",
    files: { "config.toml": text.replaceAll("/etc/containerd", "@ETC@") },
    majors: [1, 2],
    target: importing ? "conf.d/zz-pause-sandbox.toml" : "config.toml",
  };
}

for (const version of versions) {
  describeWith(version)(`containerd ${version}`, function () {
    this.timeout(60_000);
    const containerd = { dir: "", version };
    before(() => {
      containerd.dir = containerdOf(version);
    });
    ranContainerd("containerd, parse", version);

    for (const shape of shapes.filter((one) => reads(one, version))) {
      it(`${shape.name}: changes our two keys, nothing twice, and gives all back`, () => {
        roundTrip(containerd, shape);
      });
    }

    for (const one of cases.filter(({ versions }) => versions.some((start) => version.startsWith(start)))) {
      const shape = shapeOf(one);
      const { refused } = one;
      if (refused !== undefined) {
        it(`refuses ${one.name}, and says why`, () => {
          refuses(containerd, shape, refused);
        });
      } else {
        it(`${one.name}: changes ${one.target ?? "config.toml"} alone, every parse reads it, and gives all back`, () => {
          roundTrip(containerd, shape, { line: one.line, rounds: parses(containerd) });
        });
      }
    }

    it("what `config default` prints: changes our two keys, nothing twice, and gives all back", () => {
      roundTrip(containerd, defaultOf(containerd));
    });

    it("a file already as wanted is left alone, also when it is given back", () => {
      const done = new Sandbox({ "config.toml": "version = 2\n" });
      assert.equal(done.plan(["dash"], containerd, "apply").status, 0);
      const sandbox = new Sandbox({ "config.toml": fs.readFileSync(done.config, "utf8") });
      done.remove();
      const untouched = sandbox.snapshot();
      for (const verb of ["apply", "restore"] as const) {
        const run = sandbox.plan(["dash"], containerd, verb);
        assert.deepEqual([run.status, run.stdout, run.stderr], [0, "\n", ""]);
        assert.deepEqual(sandbox.snapshot(), untouched);
      }
      assert.equal(fs.existsSync(path.join(sandbox.dir, "home")), false, "state is left behind");
      sandbox.remove();
    });

    it("a file edited since loses our keys only", () => {
      const sandbox = new Sandbox({
        "config.toml": 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "a.b/c:1"\n',
      });
      assert.equal(sandbox.plan(["dash"], containerd, "apply").status, 0);
      fs.appendFileSync(sandbox.config, "# mine\n");
      const back = sandbox.plan(["dash"], containerd, "restore");
      assert.equal(back.status, 0, back.stderr);
      assert.match(back.stderr, /was edited since/);
      const text = fs.readFileSync(sandbox.config, "utf8");
      assert.match(text, /sandbox_image = "a\.b\/c:1"/);
      assert.match(text, /# mine\n$/);
      assert.doesNotMatch(text, /config_path/);
      sandbox.remove();
    });

    it("an inline table is refused with its code, and stays as it is", () => {
      const sandbox = new Sandbox({
        "config.toml": 'version = 2\nplugins = { "io.containerd.grpc.v1.cri" = { sandbox_image = "a" } }\n',
      });
      const untouched = sandbox.snapshot();
      const run = sandbox.plan(["dash"], containerd, "apply");
      assert.deepEqual([run.status, run.stdout], [3, ""], run.stderr);
      assert.match(run.stderr, /^\[node\] PS-N008 .*config\.toml: .*inline table/);
      assert.deepEqual(sandbox.snapshot(), untouched);
      sandbox.remove();
    });

    it("deprecated mirrors beside config_path are refused with their code", () => {
      const sandbox = new Sandbox({
        "config.toml":
          'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\n  endpoint = ["https://m.example.org"]\n',
      });
      const run = sandbox.plan(["dash"], containerd, "apply");
      assert.equal(run.status, 3, run.stderr);
      assert.match(run.stderr, /PS-N009 .*mirrors/);
      sandbox.remove();
    });

    it("a link to the configuration stays one (35), and relative imports count from its directory (34)", () => {
      const table =
        'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "registry.k8s.io/pause:3.8"\n';
      for (const imports of [false, true]) {
        const sandbox = new Sandbox({ "conf.d/10-base.toml": table });
        const real = path.join(sandbox.dir, "opt/containerd.toml");
        fs.mkdirSync(path.dirname(real));
        const text = `${imports ? 'imports = ["conf.d/*.toml"]\n' : ""}${table}`;
        fs.writeFileSync(real, text);
        fs.symlinkSync(real, sandbox.config);
        const untouched = sandbox.snapshot();
        const run = sandbox.plan(["dash"], containerd, "apply");
        assert.equal(run.status, 0, run.stderr);
        const dropin = version.startsWith("1.") ? "10-base" : "zz-pause-sandbox";
        const target = imports ? path.join(sandbox.dir, `etc/conf.d/${dropin}.toml`) : real;
        assert.equal(run.stdout, `${target}\n`);
        assert.equal(fs.readlinkSync(sandbox.config), real);
        const read = [...effective(containerd, sandbox.config)].filter(([, value]) => value === JSON.stringify(wanted));
        assert.equal(read.length, 1);
        assert.equal(sandbox.plan(["dash"], containerd, "apply").stdout, "\n");
        assert.equal(sandbox.plan(["dash"], containerd, "restore").status, 0);
        assert.deepEqual(sandbox.snapshot(), untouched);
        assert.equal(fs.readlinkSync(sandbox.config), real);
        assert.equal(fs.readFileSync(real, "utf8"), text);
        sandbox.remove();
      }
    });

    it("every shell does the same", () => {
      const results = shells.map((shell) => {
        const sandbox = new Sandbox(shapes.find(({ name }) => name === "CRLF")?.files ?? {});
        const run = sandbox.plan(shell, containerd, "apply");
        assert.equal(run.status, 0, `${shell.join(" ")}: ${run.stderr}`);
        const text = fs.readFileSync(sandbox.config, "utf8");
        sandbox.remove();
        return text;
      });
      assert.equal(new Set(results).size, 1);
    });
  });
}
