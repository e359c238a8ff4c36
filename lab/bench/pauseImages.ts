import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { clusterDown, clusterUp, readLab } from "../cluster/index";
import type { Log } from "../log";
import { host, imageDir, scratch, sh } from "../../tests/support/pause/fixture";
import { parseFigure } from "../../tests/support/pause/running";
import type { Pair, Programs } from "./pauseFigures";
import { countingRegistry } from "./pauseRegistry";

const sandboxes = 20;

/** Builds an image of a program with this project's Dockerfile, so that the program is all that differs. */
function buildImage(name: keyof Programs, programs: Programs, repository: string): string {
  const context = fs.mkdtempSync(path.join(scratch, "context-"));
  fs.copyFileSync(path.join(imageDir, "Dockerfile"), path.join(context, "Dockerfile"));
  fs.copyFileSync(programs[name], path.join(context, `pause-linux-${host.arch}`));
  const tag = `${repository}:${name}`;
  sh("docker", ["build", "--quiet", "--tag", tag, "--build-arg", `TARGETARCH=${host.arch}`, context]);
  return tag;
}

function engineAnswers(): boolean {
  return spawnSync("docker", ["version"], { stdio: "ignore" }).status === 0;
}

function exitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
}

/** What `docker push` sends: the compressed layer, the configuration and the manifest. */
export async function imageBytes(programs: Programs): Promise<Pair> {
  if (!engineAnswers()) {
    return { skipped: "no docker engine" };
  }
  const registry = await countingRegistry();
  const pushed = async (name: keyof Programs) => {
    // Two repositories: a layer that the engine knows to be in one would not be sent again.
    const tag = buildImage(name, programs, `${registry.host}/pause-${name}`);
    try {
      // Not synchronously: the registry runs in this process.
      const code = await exitCode(
        spawn("docker", ["push", "--quiet", tag], { stdio: ["ignore", "ignore", "inherit"] }),
      );
      if (code !== 0) {
        throw new Error(`docker push ${tag} failed`);
      }
      return registry.take();
    } finally {
      sh("docker", ["image", "rm", "--force", tag]);
    }
  };
  try {
    return { own: await pushed("own"), upstream: await pushed("upstream") };
  } finally {
    registry.close();
  }
}

/**
 * What each of some sandboxes adds on a node of the lab; see pause-sandboxes.sh. Where no lab stands it is brought up for
 * this alone.
 */
export async function sandboxBytes(programs: Programs, log: Log): Promise<{ sandbox: Pair; shim: Pair }> {
  if (!engineAnswers()) {
    const skipped = { skipped: "no docker engine" };
    return { sandbox: skipped, shim: skipped };
  }
  const stood = labStands();
  try {
    const [node] = (await clusterUp(log)).nodes;
    if (node === undefined) throw new Error("the lab has no node");
    const measure = (name: keyof Programs) =>
      log.step(`${sandboxes} sandboxes on ${name} pause`, () =>
        Promise.resolve(runSandboxes(node.container, name, programs)),
      );
    const own = await measure("own");
    const upstream = await measure("upstream");
    return {
      sandbox: { own: own.sandbox, upstream: upstream.sandbox },
      shim: { own: own.shim, upstream: upstream.shim },
    };
  } finally {
    if (!stood) await clusterDown(log);
  }
}

function labStands(): boolean {
  try {
    readLab();
    return true;
  } catch {
    return false;
  }
}

function runSandboxes(node: string, name: keyof Programs, programs: Programs): Record<"sandbox" | "shim", number> {
  const tag = buildImage(name, programs, "pause-bench.invalid/pause");
  const archive = `/run/bench-pause-${name}.tar`;
  try {
    const image = execFileSync("docker", ["save", tag]);
    execFileSync("docker", ["exec", "-i", node, "sh", "-c", 'cat >"$0"', archive], { input: image });
    const script = fs.readFileSync(path.join(__dirname, "pause-sandboxes.sh"));
    const args = ["exec", "-i", node, "sh", "-s", "--", tag, `${sandboxes}`, archive];
    const printed = execFileSync("docker", args, { input: script, encoding: "utf8" });
    const figure = (key: string) => parseFigure(key, new RegExp(`^${key} (\\d+)$`, "m"), printed);
    return { sandbox: figure("sandbox"), shim: figure("shim") };
  } finally {
    sh("docker", ["image", "rm", "--force", tag]);
  }
}
