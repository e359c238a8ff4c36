import { strict as assert } from "node:assert";
import * as fs from "node:fs";

import { parse } from "yaml";

import { inSettings } from "../../settings/words";

describe("a message of the components about a stack", () => {
  const said = (path: string): string =>
    inSettings(`PauseSandbox "pause": 1 problem with the arguments\n  - ${path}: no value is not allowed`);

  it("names the settings of the stack's file", () => {
    for (const [path, setting] of [
      ["trust.ca", "registryCa"],
      ["trust.mirrors[1]", "registryMirrors"],
      ["image.reference", "reference"],
      ["image.login.password", "registryPassword"],
      ["proof.nginxImage", "nginxImage"],
      ["nodes[2].connection.bastion.hostKey", "nodes[2].bastion.hostKey"],
      ["maxUnavailable", "maxUnavailable"],
    ] as const) {
      assert.equal(
        said(path),
        `PauseSandbox "pause": 1 problem with the arguments\n  - ${setting}: no value is not allowed`,
      );
    }
  });

  it("has only names that Pulumi.yaml declares", () => {
    const { config } = parse(fs.readFileSync("Pulumi.yaml", "utf8")) as { config: object };
    const text = fs.readFileSync("settings/words.ts", "utf8");
    for (const [, setting = ""] of text.matchAll(/^ {2}\["[^"]+", "([^"]+)"\],$/gm))
      assert.ok(setting in config, setting);
  });
});
