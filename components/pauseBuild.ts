import * as pulumi from "@pulumi/pulumi";
import { createHash } from "crypto";
import * as fs from "fs";
import * as path from "path";

import { pauseContext } from "../image/compile";
import { parseReference } from "./reference";

/** What building pause takes, the same for every platform. */
export interface BuildInputs {
  context: pulumi.Input<string>;
  dockerfile: pulumi.Input<string>;
  args: Record<string, pulumi.Input<string>>;
}

/**
 * Compiles pause for the platforms as soon as the reference is known. The tag is the version: what `/pause -v` prints on
 * a node is the tag that the node was given. Paths are relative: state must not depend on where a checkout lies.
 */
export function buildInputs(
  platforms: readonly string[],
  reference: pulumi.Output<string>,
  sourceUrl = "",
): BuildInputs {
  // Beside other tools' caches, inside the project: a folder in the home directory would have another path elsewhere.
  const cacheDir = path.resolve("node_modules/.cache/pause-sandbox");
  const version = reference.apply((r) => parseReference("reference", r).tag);
  const context = version.apply((v) => relative(pauseContext({ platforms, version: v, cacheDir })));
  return {
    context,
    dockerfile: pulumi.interpolate`${context}/Dockerfile`,
    args: { VERSION: version, SOURCE: sourceUrl, REVISION: sourcesRevision() },
  };
}

/**
 * Hash of the sources of pause, `sha256:…`. It tells more than a commit does: it is the same for the same sources,
 * whether they come from a checkout, a fork or a package, and another as soon as one is changed without a commit.
 */
export function sourcesRevision(): string {
  const folder = path.join(__dirname, "..", "image");
  const hash = createHash("sha256");
  for (const entry of fs.readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    // TypeScript is what runs the build; it does not end up in the image.
    if (!entry.isFile() || entry.name.endsWith(".ts")) continue;
    const content = fs.readFileSync(path.join(folder, entry.name));
    hash.update(`${entry.name}\0${content.length}\0`).update(content);
  }
  return `sha256:${hash.digest("hex")}`;
}

function relative(absolute: string): string {
  const fromHere = path.relative(process.cwd(), absolute);
  return fromHere.startsWith("..") ? fromHere : `./${fromHere}`;
}
