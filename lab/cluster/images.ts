/** Images of the lab's machines, built by the engine; the tag of each is a fingerprint of all that went into it. */
import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { Log } from "../log";
import { digests } from "./digest";
import { docker, imageExists } from "./docker";
import { draftOf } from "./files";
import { cacheDir, TREE } from "./layout";

export interface ImageSpec {
  /** Directory under lab/images with the Dockerfile; also the image's name. */
  name: string;
  base: string;
  /** Programs added to the build context: directory in the context → files on this host. */
  programs?: Record<string, string[]>;
}

/** Builds the image unless the engine has it, and returns its reference. */
export async function ensureImage(spec: ImageSpec, log: Log): Promise<string> {
  const reference = `pause-sandbox-lab/${spec.name}:${await fingerprint(spec)}`;
  if (await imageExists(reference)) return reference;
  return log.step(`build image ${reference}`, () => buildImage(spec, reference));
}

/** Builds in a copy of the image's directory, so that programs need not lie in the tree. */
async function buildImage(spec: ImageSpec, reference: string): Promise<string> {
  const context = await draftOf(path.join(cacheDir(), "lab", `build-${path.basename(reference).replace(":", "-")}`));
  try {
    await fs.cp(directory(spec), context, { recursive: true });
    for (const [target, files] of Object.entries(spec.programs ?? {})) {
      await fs.mkdir(path.join(context, target));
      for (const file of files) await fs.copyFile(file, path.join(context, target, path.basename(file)));
    }
    await docker(["build", "--quiet", "--build-arg", `BASE=${spec.base}`, "--tag", reference, context]);
    return reference;
  } finally {
    await fs.rm(context, { recursive: true, force: true });
  }
}

export async function fingerprint(spec: ImageSpec): Promise<string> {
  const hash = createHash("sha256").update(spec.base);
  const entries = await fs.readdir(directory(spec), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(file.slice(TREE.length)).update(await fs.readFile(file));
  for (const [target, programs] of Object.entries(spec.programs ?? {})) {
    const names = programs.map((program) => path.basename(program));
    hash.update(JSON.stringify([target, names, await digests(programs)]));
  }
  return hash.digest("hex").slice(0, 12);
}

function directory(spec: ImageSpec): string {
  return path.join(TREE, "lab", "images", spec.name);
}
