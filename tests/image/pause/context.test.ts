import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { architectureOf, buildablePlatforms, pauseContext } from "../../../image/compile";
import { scratch, sh } from "../../support/pause/fixture";

const version = "1.2.3";
const cache = () => fs.mkdtempSync(path.join(scratch, "cache-"));

describe("pauseContext", function () {
  this.timeout(60_000);

  it("makes a folder with the Dockerfile and a binary per architecture, without dates", () => {
    const dir = pauseContext({ platforms: ["linux/arm64", "linux/amd64", "linux/amd64"], version, cacheDir: cache() });
    assert.deepEqual(fs.readdirSync(dir).sort(), ["Dockerfile", "pause-linux-amd64", "pause-linux-arm64"]);
    for (const name of fs.readdirSync(dir)) {
      const { mtimeMs, mode } = fs.statSync(path.join(dir, name));
      assert.deepEqual({ mtimeMs, mode: mode & 0o777 }, { mtimeMs: 0, mode: name === "Dockerfile" ? 0o644 : 0o755 });
    }
  });

  it("builds what it says into the image", () => {
    const dir = pauseContext({ platforms: buildablePlatforms, version, cacheDir: cache() });
    const archs = new Set(buildablePlatforms.map(architectureOf));
    assert.deepEqual(
      new Set(fs.readdirSync(dir)),
      new Set(["Dockerfile", ...[...archs].map((arch) => `pause-linux-${arch}`)]),
    );
    for (const arch of archs) {
      assert.ok(fs.readFileSync(path.join(dir, `pause-linux-${arch}`)).includes(`pause.c ${version}\n`), arch);
    }
  });

  it("names the folder after its content: the same anywhere, another for another version or platform", () => {
    const make = (platforms: string[], of = version) =>
      path.basename(pauseContext({ platforms, version: of, cacheDir: cache() }));
    const name = make(["linux/amd64", "linux/arm64"]);
    assert.equal(make(["linux/arm64/v8", "linux/amd64"]), name);
    assert.notEqual(make(["linux/amd64"]), name);
    assert.notEqual(make(["linux/amd64", "linux/arm64"], "1.2.4"), name);
  });

  it("reuses what it made, and makes it again when it has been changed, or is gone", () => {
    const options = { platforms: ["linux/amd64"], version, cacheDir: cache() };
    const dir = pauseContext(options);
    const binary = path.join(dir, "pause-linux-amd64");
    const made = fs.readFileSync(binary);
    const { ino } = fs.statSync(binary);
    assert.equal(pauseContext(options), dir);
    assert.equal(fs.statSync(binary).ino, ino, "not made again");

    fs.appendFileSync(binary, "x");
    assert.equal(pauseContext(options), dir);
    assert.deepEqual(fs.readFileSync(binary), made);

    fs.rmSync(dir, { recursive: true });
    assert.equal(pauseContext(options), dir);
    assert.deepEqual(fs.readFileSync(binary), made);
    const left = fs.readdirSync(path.join(options.cacheDir, "pause-image"));
    assert.equal(left.length, 2, `one folder and one index, no draft: ${left.join(", ")}`);
  });

  it("serves nothing from a folder that is not what its name says, whatever else is left of the cache", () => {
    const options = { platforms: ["linux/amd64"], version, cacheDir: cache() };
    const dir = pauseContext(options);
    const binary = path.join(dir, "pause-linux-amd64");
    const made = fs.readFileSync(binary);
    fs.appendFileSync(binary, "x");
    for (const name of fs.readdirSync(path.dirname(dir)).filter((entry) => entry.startsWith("inputs-")))
      fs.rmSync(path.join(path.dirname(dir), name));
    assert.equal(pauseContext(options), dir);
    assert.deepEqual(fs.readFileSync(binary), made);

    fs.chmodSync(binary, 0o700);
    assert.equal(pauseContext(options), dir);
    assert.equal(fs.statSync(binary).mode & 0o777, 0o755, "the image's user could not run it");
  });

  it("takes the longest version that a tag can be", () => {
    const longest = "v".repeat(128);
    const dir = pauseContext({ platforms: ["linux/amd64"], version: longest, cacheDir: cache() });
    assert.equal(sh(path.join(dir, "pause-linux-amd64"), ["-v"]), `pause.c ${longest}\n`);
    assert.throws(() => pauseContext({ platforms: ["linux/amd64"], version: `${longest}v`, cacheDir: cache() }));
  });

  it("keeps its cache where it is told by the environment", () => {
    const { PAUSE_SANDBOX_CACHE } = process.env;
    try {
      process.env.PAUSE_SANDBOX_CACHE = cache();
      const dir = pauseContext({ platforms: ["linux/amd64"], version });
      assert.ok(dir.startsWith(process.env.PAUSE_SANDBOX_CACHE));
    } finally {
      if (PAUSE_SANDBOX_CACHE === undefined) {
        delete process.env.PAUSE_SANDBOX_CACHE;
      } else {
        process.env.PAUSE_SANDBOX_CACHE = PAUSE_SANDBOX_CACHE;
      }
    }
  });

  it("reports all problems at once, each with its field, its value and what is allowed, and makes nothing", () => {
    const cacheDir = path.join(scratch, "never-made");
    assert.throws(
      () =>
        pauseContext({
          platforms: ["windows/amd64", "linux/amd64", "linux/mips", "toString"],
          version: "a b",
          cacheDir,
        }),
      (error: Error) => {
        const lines = error.message.split("\n");
        assert.equal(lines.length, 4);
        assert.match(lines[0] ?? "", /^platforms\[0\] "windows\/amd64": .*mirror upstream's.*linux\/amd64, /);
        assert.match(lines[1] ?? "", /^platforms\[2\] "linux\/mips": .*allowed are linux\/amd64, /);
        assert.match(lines[2] ?? "", /^platforms\[3\] "toString": /);
        assert.match(lines[3] ?? "", /^version "a b": 1 to 128 letters/);
        return true;
      },
    );
    assert.throws(
      () => pauseContext({ platforms: [], version, cacheDir }),
      /^Error: platforms is empty: name at least/,
    );
    assert.ok(!fs.existsSync(cacheDir));
  });

  it("says what to install when the compiler is missing, and leaves nothing behind", () => {
    const cacheDir = path.join(scratch, "no-compiler");
    process.env.CLANG = "no-such-clang";
    try {
      assert.throws(
        () => pauseContext({ platforms: ["linux/amd64"], version, cacheDir }),
        /cannot be compiled: .*no no-such-clang found: install clang and lld/,
      );
    } finally {
      delete process.env.CLANG;
    }
    assert.ok(!fs.existsSync(cacheDir));
  });
});

describe("the image", function () {
  this.timeout(60_000);
  const tag = `pause-test:${process.pid}`;
  after(() => {
    sh("docker", ["image", "rm", "--force", tag]);
  });

  it("is one layer with /pause alone, run as 65535:65535, labelled", () => {
    const dir = pauseContext({ platforms: ["linux/amd64"], version, cacheDir: cache() });
    const args = { TARGETARCH: "amd64", VERSION: version, REVISION: "abc", SOURCE: "https://example.com/source" };
    const buildArgs = Object.entries(args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
    sh("docker", ["build", "--quiet", "--platform", "linux/amd64", "--tag", tag, ...buildArgs, dir], {
      env: { DOCKER_BUILDKIT: "0" },
    });
    const [image] = JSON.parse(sh("docker", ["image", "inspect", tag])) as [
      { Config: Record<string, unknown>; RootFS: { Layers: string[] }; Size: number },
    ];
    assert.equal(image.RootFS.Layers.length, 1);
    assert.equal(image.Size, fs.statSync(path.join(dir, "pause-linux-amd64")).size, "nothing in it but the program");
    assert.equal(image.Config.User, "65535:65535");
    assert.deepEqual(image.Config.Entrypoint, ["/pause"]);
    assert.deepEqual(image.Config.Labels, {
      "org.opencontainers.image.title": "pause",
      "org.opencontainers.image.licenses": "Apache-2.0",
      "org.opencontainers.image.revision": "abc",
      "org.opencontainers.image.source": "https://example.com/source",
      "org.opencontainers.image.version": version,
    });
  });

  it("prints its version", () => {
    assert.equal(sh("docker", ["run", "--rm", "--network=none", tag, "-v"]), `pause.c ${version}\n`);
  });

  it("runs /pause as user and group 65535 without any capability, and ends with 0 when it is stopped", () => {
    const container = sh("docker", ["run", "--detach", "--network=none", tag]).trim();
    try {
      const inspect = (format: string) => sh("docker", ["inspect", "--format", format, container]).trim();
      const status = fs.readFileSync(`/proc/${inspect("{{.State.Pid}}")}/status`, "utf8");
      const line = (key: string) => new RegExp(`^${key}:\\s*(.*?)\\s*$`, "m").exec(status)?.[1];
      const ids = ["65535", "65535", "65535", "65535"].join("\t");
      assert.deepEqual([line("Name"), line("Uid"), line("Gid")], ["pause", ids, ids]);
      assert.deepEqual([line("CapPrm"), line("CapEff")], ["0000000000000000", "0000000000000000"]);
      sh("docker", ["stop", container]);
      assert.equal(inspect("{{.State.ExitCode}}"), "0");
    } finally {
      sh("docker", ["rm", "--force", container]);
    }
  });
});
