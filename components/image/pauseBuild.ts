import * as pulumi from "@pulumi/pulumi";
import * as path from "path";

import { pauseContext, sourcesHash } from "../../image/compile";
import { checkValue, whenKnown } from "../inputs";
import { SOURCE_URL } from "./pauseImageArgs";
import { Problems } from "../problems";
import { parseReference } from "../reference";

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
  sourceUrl: pulumi.Input<string> = "",
): BuildInputs {
  // Beside other tools' caches, inside the project: a folder in the home directory would have another path elsewhere.
  const cacheDir = path.resolve("node_modules/.cache/pause-sandbox");
  const version = reference.apply((r) => parseReference("reference", r).tag);
  const context = version.apply((v) => relative(pauseContext({ platforms, version: v, cacheDir })));
  return {
    context,
    dockerfile: pulumi.interpolate`${context}/Dockerfile`,
    args: { VERSION: version, SOURCE: checkedUrl(sourceUrl), REVISION: sourcesHash() },
  };
}

function checkedUrl(sourceUrl: pulumi.Input<string>): pulumi.Input<string> {
  return whenKnown(sourceUrl, (url) => {
    const problems = new Problems("PauseImage");
    checkValue(problems, "sourceUrl", url, SOURCE_URL);
    problems.throwIfAny();
    return url;
  });
}

function relative(absolute: string): string {
  const fromHere = path.relative(process.cwd(), absolute);
  return fromHere.startsWith("..") ? fromHere : `./${fromHere}`;
}
