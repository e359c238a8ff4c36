import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** What `pauseContext` needs to know. */
export interface PauseContextOptions {
  /** Platforms as Docker names them, `linux/amd64`; see {@link buildablePlatforms}. Order and repetition don't matter. */
  readonly platforms: readonly string[];

  /** What `pause -v` prints: letters, digits, `.`, `_`, `+` and `-`, at most 128, as a tag has. */
  readonly version: string;

  /**
   * Folder that keeps what was compiled.
   *
   * @default `$PAUSE_SANDBOX_CACHE`, else `$XDG_CACHE_HOME/pause-sandbox`, else `~/.cache/pause-sandbox`
   */
  readonly cacheDir?: string;
}

/** Docker's platform names, and the architecture (as Docker's TARGETARCH and build.sh name it) of each. */
const architectures: ReadonlyMap<string, string> = new Map([
  ["linux/amd64", "amd64"],
  // One binary, made for v6, serves every 32-bit ARM.
  ["linux/arm", "arm"],
  ["linux/arm/v6", "arm"],
  ["linux/arm/v7", "arm"],
  ["linux/arm64", "arm64"],
  ["linux/arm64/v8", "arm64"],
  ["linux/ppc64le", "ppc64le"],
  ["linux/riscv64", "riscv64"],
  ["linux/s390x", "s390x"],
]);

/** The platforms that pause can be built for. */
export const buildablePlatforms: readonly string[] = [...architectures.keys()];

/** The files of this folder that decide what an image holds; whatever else lies here does not. */
const sources = ["pause.c", "syscall.h", "pause.ld", "build.sh", "Dockerfile"];

/**
 * Hash of the sources of pause, `sha256:…`. It tells more than a commit does: it is the same for the same sources,
 * whether they come from a checkout, a fork or a package, and another as soon as one is changed without a commit.
 */
export function sourcesHash(): string {
  return `sha256:${sha256(sourceEntries())}`;
}

const sourceEntries = (): Entry[] => sources.map((name): Entry => [name, fs.readFileSync(path.join(__dirname, name))]);

/** pause's own version, as pause.c has it: what `pause -v` prints unless it is compiled with another one. */
export function pauseVersion(): string {
  const [, version] = /^#define VERSION "(.+)"$/m.exec(fs.readFileSync(path.join(__dirname, "pause.c"), "utf8")) ?? [];
  if (version === undefined) throw new Error("pause.c has no VERSION");
  return version;
}

/**
 * Returns the path of a build context as `pauseContext` does, with the binaries that lie in `binaries/`: no compiler is
 * needed, and the bytes are the same everywhere.
 *
 * @throws Error when a platform is not built, or when a binary is not what `binaries/SHA256SUMS` says.
 */
export function prebuiltContext({ platforms, cacheDir }: Omit<PauseContextOptions, "version">): string {
  const version = pauseVersion();
  const problems = validate({ platforms, version });
  if (problems.length > 0) throw new Error(problems.join("\n"));
  const root = path.join(cacheDir ?? defaultCacheDir(), "pause-image");
  return assemble(root, architecturesOf(platforms), (arch, out) => {
    fs.writeFileSync(out, prebuiltBinary(arch));
  });
}

/**
 * The binary of pause that comes with the project.
 *
 * @param arch As Docker's TARGETARCH, `arm64`.
 * @throws Error when it is not what `binaries/SHA256SUMS` says.
 */
export function prebuiltBinary(arch: string): Buffer {
  const name = `pause-linux-${arch}`;
  const binary = fs.readFileSync(path.join(BINARIES, name));
  const sum = createHash("sha256").update(binary).digest("hex");
  const sums = fs.readFileSync(path.join(BINARIES, "SHA256SUMS"), "utf8");
  if (!sums.includes(`${sum}  ${name}\n`)) throw new Error(`image/binaries/${name} is not what SHA256SUMS says`);
  return binary;
}

/** The binaries of pause for every architecture, in a checkout and in the package alike. */
const BINARIES = path.join(__dirname, "binaries");

const architecturesOf = (platforms: readonly string[]): string[] => [...new Set(platforms.map(architectureOf))].sort();

/**
 * Compiles pause for each platform and returns the path of a build context: a folder with `Dockerfile` and one
 * `pause-linux-<TARGETARCH>` per architecture.
 *
 * The folder's content depends on the sources, the version, the platforms, the compiler and the linker, never on time
 * or place; its name is the hash of its content and its files carry no date, so equal inputs give an equal layer.
 * What was compiled once is reused, after its bytes have been checked against that name.
 *
 * @throws Error when the options are wrong (all problems in one message), or when clang or lld are missing, cannot
 * build for a platform, or fail.
 */
export function pauseContext(options: PauseContextOptions): string {
  const problems = validate(options);
  if (problems.length > 0) {
    throw new Error(problems.join("\n"));
  }
  const archs = architecturesOf(options.platforms);
  const root = path.join(options.cacheDir ?? defaultCacheDir(), "pause-image");
  const index = path.join(root, `inputs-${inputsHash(archs, options.version)}`);

  const reused = reuse(root, index);
  if (reused !== undefined) return reused;
  const dir = assemble(root, archs, (arch, out) => {
    buildScript([arch, out], { VERSION: options.version });
  });
  writeIndex(index, path.basename(dir));
  return dir;
}

/**
 * The architecture that a platform's image is built with, as Docker's TARGETARCH: `arm64` for `linux/arm64/v8`.
 *
 * @throws Error for a platform that is not in {@link buildablePlatforms}.
 */
export function architectureOf(platform: string): string {
  const arch = architectures.get(platform);
  if (arch === undefined) {
    throw new Error(platformProblem("platform", platform));
  }
  return arch;
}

function validate(options: PauseContextOptions): string[] {
  const problems = options.platforms
    .map((platform, i) => (architectures.has(platform) ? "" : platformProblem(`platforms[${i}]`, platform)))
    .filter((problem) => problem !== "");
  if (options.platforms.length === 0) {
    problems.push(`platforms is empty: name at least one of ${buildablePlatforms.join(", ")}`);
  }
  if (!/^[A-Za-z0-9._+-]{1,128}$/.test(options.version)) {
    problems.push(
      `version ${JSON.stringify(options.version)}: 1 to 128 letters, digits, dots, underscores, plus signs and hyphens`,
    );
  }
  return problems;
}

function platformProblem(field: string, platform: string): string {
  const way = platform.startsWith("windows/")
    ? "pause for Windows is not built here; mirror upstream's image instead. Built are"
    : "not a platform that pause is built for; allowed are";
  return `${field} ${JSON.stringify(platform)}: ${way} ${buildablePlatforms.join(", ")}`;
}

function defaultCacheDir(): string {
  const { PAUSE_SANDBOX_CACHE, XDG_CACHE_HOME } = process.env;
  // Empty counts as unset, as the XDG specification has it.
  return PAUSE_SANDBOX_CACHE || path.join(XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "pause-sandbox");
}

function inputsHash(archs: readonly string[], version: string): string {
  return hash([...sourceEntries(), ["toolchain", Buffer.from(toolchain(archs))], ["version", Buffer.from(version)]]);
}

type Entry = readonly [name: string, content: Buffer];

/** Lengths go in too, so that no two lists of entries read the same. */
function sha256(entries: readonly Entry[]): string {
  const sha = createHash("sha256");
  for (const [name, content] of entries) {
    sha.update(`${name}\0${content.length}\0`).update(content);
  }
  return sha.digest("hex");
}

const hash = (entries: readonly Entry[]): string => sha256(entries).slice(0, 32);

function contentHash(dir: string): string {
  return hash(
    fs
      .readdirSync(dir)
      .sort()
      .map((name): Entry => [name, fs.readFileSync(path.join(dir, name))]),
  );
}

/** The context that these inputs gave before, if it is still there and still what its name says. */
function reuse(root: string, index: string): string | undefined {
  if (!fs.existsSync(index)) {
    return undefined;
  }
  const name = fs.readFileSync(index, "utf8");
  const dir = path.join(root, name);
  if (!/^[0-9a-f]{32}$/.test(name) || !fs.existsSync(dir)) {
    return undefined;
  }
  if (contentHash(dir) === name) {
    // The hash is of bytes alone, and a cache that was copied may have other modes.
    normalise(dir);
    return dir;
  }
  fs.rmSync(dir, { recursive: true });
  return undefined;
}

/** Puts a context together from one binary per architecture, and names it after its content. */
function assemble(root: string, archs: readonly string[], put: (arch: string, out: string) => void): string {
  fs.mkdirSync(root, { recursive: true });
  const draft = fs.mkdtempSync(path.join(root, "draft-"));
  try {
    for (const arch of archs) put(arch, path.join(draft, `pause-linux-${arch}`));
    fs.copyFileSync(path.join(__dirname, "Dockerfile"), path.join(draft, "Dockerfile"));
    normalise(draft);
    const name = contentHash(draft);
    const dir = path.join(root, name);
    publish(draft, dir);
    return dir;
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

/** Modes and dates go into the image's layer: they must not come from the umask and the clock. */
function normalise(dir: string): void {
  for (const name of fs.readdirSync(dir)) {
    const file = path.join(dir, name);
    fs.chmodSync(file, name === "Dockerfile" ? 0o644 : 0o755);
    fs.utimesSync(file, 0, 0);
  }
  fs.chmodSync(dir, 0o755);
}

/** Another run may have published the same content meanwhile; then that one serves, if it is what its name says. */
function publish(draft: string, dir: string): void {
  if (fs.existsSync(dir) && contentHash(dir) !== path.basename(dir)) {
    fs.rmSync(dir, { recursive: true });
  }
  try {
    fs.renameSync(draft, dir);
  } catch (error) {
    if (!fs.existsSync(dir)) {
      throw error;
    }
    normalise(dir);
  }
}

function writeIndex(index: string, name: string): void {
  const draft = `${index}.${process.pid}`;
  fs.writeFileSync(draft, name);
  fs.renameSync(draft, index);
}

const toolchains = new Map<string, string>();

/** Which compiler and linkers would build; asked once per process, since it costs a few forks. */
function toolchain(archs: readonly string[]): string {
  const key = [...archs, process.env.CLANG, process.env.LLD, process.env.PATH].join("\0");
  let found = toolchains.get(key);
  if (found === undefined) {
    found = buildScript(["--toolchain", ...archs], {});
    toolchains.set(key, found);
  }
  return found;
}

function buildScript(args: readonly string[], env: NodeJS.ProcessEnv): string {
  const script = path.join(__dirname, "build.sh");
  const run = spawnSync("sh", [script, ...args], { encoding: "utf8", env: { ...process.env, LC_ALL: "C", ...env } });
  if (run.error) {
    throw new Error(`pause cannot be compiled: sh does not start: ${run.error.message}`);
  }
  if (run.status !== 0) {
    throw new Error(`pause cannot be compiled: ${run.stderr.trim()}`);
  }
  return run.stdout;
}
