import { type Plugin, versionOf } from "../protocol/plugin";
import { object } from "../protocol/shape";
import { copyToRemote } from "./copyToRemote";
import { remoteCommand } from "./remoteCommand";

export const plugin: Plugin = {
  name: "command",
  version: versionOf("@pulumi/command"),
  config: object({}),
  resources: { "command:remote:Command": remoteCommand, "command:remote:CopyToRemote": copyToRemote },
};
