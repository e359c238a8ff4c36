import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { KUBERNETES } from "../../../lab/toolchain/versions";

/** The upstream release that pause is compared with. */
export const upstreamModule = `k8s.io/kubernetes@v${KUBERNETES}`;

/** What both pauses are told to print for `-v`. */
export const version = "v0.0.0-test";

export const imageDir = path.join(__dirname, "../../../image");

/** Docker's name of this machine's architecture, and the numbers that its kernel gives to some system calls. */
export const host = (() => {
  switch (process.arch) {
    case "x64":
      return { arch: "amd64", rt_sigaction: 13, rt_sigprocmask: 14, rt_sigtimedwait: 128, waits: [34, 128] };
    case "arm64":
      return { arch: "arm64", rt_sigaction: 134, rt_sigprocmask: 135, rt_sigtimedwait: 137, waits: [73, 137] };
    default:
      throw new Error(`the tests of pause run on x64 and arm64, this is ${process.arch}`);
  }
})();

/** A folder of this run's own, gone when it ends. Open to other users: some tests run pause as its image does. */
export const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "pause-test-"));
fs.chmodSync(scratch, 0o755);
process.on("exit", () => {
  fs.rmSync(scratch, { recursive: true, force: true });
});

/** Runs a program to its end; throws with what it said when it fails. */
export function sh(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const run = spawnSync(command, args, { encoding: "utf8", ...options, env: { ...process.env, ...options.env } });
  if (run.error) {
    throw new Error(`${command} does not start: ${run.error.message}`);
  }
  if (run.status !== 0) {
    throw new Error(`${command} ${args.join(" ")} failed (${run.status ?? run.signal ?? ""}): ${run.stderr}`);
  }
  return run.stdout;
}

function once(make: () => string): () => string {
  let made: string | undefined;
  return () => (made ??= make());
}

/** This project's pause for an architecture (default: this machine's), compiled on the spot. */
export function ownPause(arch = host.arch): string {
  const out = path.join(scratch, `own-${arch}`);
  if (!fs.existsSync(out)) {
    sh(path.join(imageDir, "build.sh"), [arch, out], { env: { VERSION: version } });
  }
  return out;
}

/** Upstream's source, from the Kubernetes module. */
export const upstreamSource = once(() => {
  const module = JSON.parse(sh("go", ["mod", "download", "-json", upstreamModule], { cwd: os.tmpdir() })) as {
    Dir: string;
  };
  return path.join(module.Dir, "build", "pause", "linux", "pause.c");
});

/** Upstream's flags. `target` is clang's; a foreign one needs that architecture's C library installed. */
export function compileUpstream(out: string, target?: string, lld?: string): string {
  const cross = target === undefined ? [] : [`--target=${target}`, `-fuse-ld=${lld ?? "lld"}`];
  const flags = ["-Os", "-Wall", "-Werror", "-static", "-s", `-DVERSION=${version}`];
  sh("clang", [...cross, ...flags, "-o", out, upstreamSource()]);
  return out;
}

/** Upstream's pause for this machine, compiled on the spot. */
export const upstreamPause = once(() => compileUpstream(path.join(scratch, "upstream")));

/** helper.c, compiled. */
export const helper = once(() => {
  const out = path.join(scratch, "helper");
  sh("clang", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", out, path.join(__dirname, "helper.c")]);
  return out;
});
