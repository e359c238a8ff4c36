import * as pulumi from "@pulumi/pulumi";
import * as path from "path";

import { pauseContext, pauseVersion, prebuiltContext, sourcesHash } from "../../image/compile";
import { checkedInput, TRUE_OR_FALSE, whenKnown } from "../inputs";
import { type PauseImageArgs, SOURCE_URL } from "./pauseImageArgs";

/** What building pause takes, the same for every platform. */
export interface BuildInputs {
  context: pulumi.Input<string>;
  dockerfile: pulumi.Input<string>;
  args: Record<string, pulumi.Input<string>>;
}

type BuildArgs = Pick<PauseImageArgs, "platforms" | "sourceUrl" | "buildFromSource">;

/**
 * The build of pause, from the binaries that come with the project or compiled here. Neither tag nor time is in it, so that
 * the same version of the project gives the same digest everywhere. Paths are relative: state must not depend on where a
 * checkout lies.
 */
export function buildInputs({ platforms = [], sourceUrl = "", buildFromSource = false }: BuildArgs): BuildInputs {
  // Beside other tools' caches, inside the project: a folder in the home directory would have another path elsewhere.
  const cacheDir = path.resolve("node_modules/.cache/pause-sandbox");
  const version = pauseVersion();
  const context = whenKnown(checkedInput("PauseImage", "buildFromSource", buildFromSource, TRUE_OR_FALSE), (compile) =>
    relative(compile ? pauseContext({ platforms, version, cacheDir }) : prebuiltContext({ platforms, cacheDir })),
  );
  return {
    context,
    dockerfile: pulumi.interpolate`${context}/Dockerfile`,
    args: {
      VERSION: version,
      SOURCE: checkedInput("PauseImage", "sourceUrl", sourceUrl, SOURCE_URL),
      REVISION: sourcesHash(),
    },
  };
}

function relative(absolute: string): string {
  const fromHere = path.relative(process.cwd(), absolute);
  return fromHere.startsWith("..") ? fromHere : `./${fromHere}`;
}
