import { strict as assert } from "node:assert";
import * as fs from "node:fs";

import { parse } from "yaml";

import { PauseImageSource } from "../../components";
import { checkPauseSandbox } from "../../components/pauseSandboxArgs";
import { Problems } from "../../components/problems";
import { inSettings } from "../../settings/words";

describe("a message of the components about a stack", () => {
  const said = (path: string): string =>
    inSettings(`PauseSandbox "pause": 1 problem with the arguments\n  - ${path}: no value is not allowed`);

  it("names the settings of the stack's file", () => {
    for (const [path, setting] of [
      ["trust.ca", "registryCa"],
      ["trust.mirrors[1]", "registryMirrors[1]"],
      ["image.reference", "reference"],
      ["image.login.password", "registryPassword"],
      ["image.login", "registryUsername"],
      ["image.signing", "imageSigningKey"],
      ["trust.login", "pullUsername"],
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

  it("names them inside of a text too, and leaves other words as they are", () => {
    for (const [text, said] of [
      [
        "trust.plainHttp: the nodes send trust.login unencrypted",
        "registryPlainHttp: the nodes send pullUsername unencrypted",
      ],
      ["trust.ca: 9 bytes are too long", "registryCa: 9 bytes are too long"],
      ["trust.login.keep: false is", "keepPullLogin: false is"],
      ["nodes[3].connection.privateKey: no", "sshPrivateKey: no"],
      ["  - connection.privateKeyPassword: no", "  - sshPrivateKeyPassword: no"],
      ["label org.opencontainers.image.source, image.source.", "label org.opencontainers.image.source, imageSource."],
      ["registry.example.com/image.login:1 and /etc/trust.ca", "registry.example.com/image.login:1 and /etc/trust.ca"],
    ] as const) {
      assert.equal(inSettings(text), said);
    }
  });

  it("has no path of a program left where a carried image refuses all that a registry needs", () => {
    const one = "x" as never;
    const login = { username: "u", password: "p" };
    const problems = new Problems("a stack");
    const image = {
      source: PauseImageSource.Carried,
      login,
      signing: { privateKey: one },
      publicKey: one,
      digest: one,
    };
    const more = { mirrorOf: one, plainHttp: true, alsoTags: [one], sourceUrl: one, buildFromSource: true };
    const trust = { ca: one, mirrors: [one], plainHttp: true, login };
    checkPauseSandbox(problems, { image: { ...image, ...more }, trust, nodes: [] });
    assert.throws(
      () => {
        problems.throwIfAny();
      },
      (error: Error) => {
        const paths = [...inSettings(error.message).matchAll(/^ +- ([\w.]+)/gm)].map(([, path = ""]) => path);
        assert.ok(paths.length > 12, error.message);
        assert.deepEqual(
          paths.filter((path) => path.includes(".")),
          [],
        );
        return true;
      },
    );
  });

  it("has only names that Pulumi.yaml declares", () => {
    const { config } = parse(fs.readFileSync("Pulumi.yaml", "utf8")) as { config: object };
    const text = fs.readFileSync("settings/words.ts", "utf8");
    for (const [, setting = ""] of text.matchAll(/^ {2}\["[^"]+", "([^"]+)"\],$/gm))
      assert.ok(setting in config, setting);
  });
});
