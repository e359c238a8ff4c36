/** What source `carried` takes to nodes. */
import type * as pulumi from "@pulumi/pulumi";

import { CARRIED_REFERENCE, DEFAULT_PLATFORMS, type PauseImageArgs, PauseImageSource } from "./pauseImageArgs";
import type { ImageArchive } from "../archive/archive";
import { checkedArchive } from "../archive/archiveFile";
import { pauseArchive } from "../archive/pauseArchive";
import { whenKnown } from "../inputs";

/** What nodes are configured with. A carried pause has a name of its own. */
export const referenceOf = ({ reference, source, archive }: PauseImageArgs): pulumi.Input<string> =>
  reference ?? (source === PauseImageSource.Carried && archive === undefined ? CARRIED_REFERENCE() : "");

/**
 * The image that goes with the script; undefined for the other sources.
 * @param subject Owner of the arguments; the first words of the message.
 * @throws InputPropertiesError naming what is wrong with `archive`, later where that is an Output.
 */
export function carriedImage(
  subject: string,
  { source, archive, platforms }: PauseImageArgs,
): pulumi.Input<ImageArchive> | undefined {
  if (source !== PauseImageSource.Carried) return undefined;
  if (archive === undefined) return pauseArchive(platforms ?? DEFAULT_PLATFORMS);
  return whenKnown(archive, (file) => checkedArchive(subject, file));
}
