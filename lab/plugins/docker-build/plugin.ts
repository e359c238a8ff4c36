import { type Plugin, versionOf } from "../protocol/plugin";
import { object } from "../protocol/shape";
import { index } from "./imageIndex";

export const plugin: Plugin = {
  name: "docker-build",
  version: versionOf("@pulumi/docker-build"),
  config: object({}),
  resources: { "docker-build:index:Index": index },
};
