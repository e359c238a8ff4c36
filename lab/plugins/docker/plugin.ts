import { type Plugin, versionOf } from "../protocol/plugin";
import { object } from "../protocol/shape";
import { container } from "./container";
import { image } from "./image";

export const plugin: Plugin = {
  name: "docker",
  version: versionOf("@pulumi/docker"),
  config: object({}),
  resources: { "docker:index/image:Image": image, "docker:index/container:Container": container },
};
