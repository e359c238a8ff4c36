/** Pulumi's log, for all of the components. It goes to a terminal, and names what nodes, files and registries say. */
import * as pulumi from "@pulumi/pulumi";

import { visible } from "./visible";

/** @param ephemeral Whether the line goes with the next one. */
export const info = (text: string, resource?: pulumi.Resource, ephemeral?: boolean): Promise<void> =>
  pulumi.log.info(visible(text), resource, undefined, ephemeral);

export const warn = (text: string, resource?: pulumi.Resource): Promise<void> =>
  pulumi.log.warn(visible(text), resource);

export const error = (text: string, resource?: pulumi.Resource): Promise<void> =>
  pulumi.log.error(visible(text), resource);
