/** Pulumi's log, for all of the components. It goes to a terminal, and quotes nodes, files and registries. */
import * as pulumi from "@pulumi/pulumi";

import { visible } from "./visible";
import { worded } from "./wording";

/** @param ephemeral True if the next line replaces this one. */
export const info = (text: string, resource?: pulumi.Resource, ephemeral?: boolean): Promise<void> =>
  pulumi.log.info(visible(worded(text)), resource, undefined, ephemeral);

export const warn = (text: string, resource?: pulumi.Resource): Promise<void> =>
  pulumi.log.warn(visible(worded(text)), resource);

export const error = (text: string, resource?: pulumi.Resource): Promise<void> =>
  pulumi.log.error(visible(worded(text)), resource);
