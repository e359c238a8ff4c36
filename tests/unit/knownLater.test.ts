/** Options that decide security and are known only later: whatever comes, nothing is switched off that nobody switched off. */
import * as assert from "assert";
import { generateKeyPairSync } from "crypto";
import * as pulumi from "@pulumi/pulumi";

import { PauseImage, PauseImageSource, SandboxNode } from "../../components";
import { known } from "../../components/inputs";
import { connectionInputs, type SshConnection } from "../../components/node/connection";
import { run } from "../support/mocks";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
const REFERENCE = "registry.example.com/platform/pause:1";
const PUBLIC_KEY = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .publicKey.export({ format: "pem", type: "spki" })
  .toString();

/** The same value in each way that a program may give it. */
const WAYS: [string, (value: unknown) => unknown][] = [
  ["plain", (value) => value],
  ["an Output", (value) => pulumi.output(value)],
  ["a secret", (value) => pulumi.secret(value)],
  ["a Promise", (value) => Promise.resolve(value)],
];

/** Neither true nor false, though a program without types may mean either. */
const NO_BOOLEANS = ["false", "true", "no", "", 0, 1, null, [], {}, [true]];

const shown = (value: unknown): string => (value === undefined ? "undefined" : JSON.stringify(value));

describe("insecureIgnoreHostKey", () => {
  const keyOf = async (connection: unknown): Promise<unknown> => {
    const inputs = connectionInputs(connection as SshConnection);
    return known(inputs.hostKey);
  };
  const keyOfBastion = async (bastion: unknown): Promise<unknown> => {
    const { proxy } = connectionInputs({ host: "a", hostKey: HOST_KEY, bastion } as SshConnection);
    const inputs = await known(proxy as pulumi.Input<{ hostKey?: string }>);
    return known(inputs.hostKey);
  };

  for (const [way, given] of WAYS) {
    it(`that is not exactly true switches nothing off, as ${way}`, async () => {
      for (const value of [...NO_BOOLEANS, false, undefined]) {
        const host = { host: "a", insecureIgnoreHostKey: given(value) };
        const refused = /connection\.(insecureIgnoreHostKey|hostKey): .* is not allowed/;
        await assert.rejects(keyOf(host), refused, shown(value));
        await assert.rejects(keyOf(pulumi.output(host)), refused, `${shown(value)} in an Output`);
        await assert.rejects(keyOfBastion(host), /bastion\.(insecureIgnoreHostKey|hostKey): /, shown(value));
        await assert.rejects(keyOfBastion(pulumi.output(host)), /bastion\./, `${shown(value)} in an Output`);
      }
    });

    it(`that is neither true nor false is refused beside a host key too, as ${way}`, async () => {
      for (const value of NO_BOOLEANS) {
        const host = { host: "a", hostKey: HOST_KEY, insecureIgnoreHostKey: given(value) };
        await assert.rejects(keyOf(host), /connection\.insecureIgnoreHostKey: .* must be true or false/, shown(value));
      }
    });

    it(`that is true does without a key, and that is false takes the one that is given, as ${way}`, async () => {
      assert.strictEqual(await keyOf({ host: "a", insecureIgnoreHostKey: given(true) }), undefined);
      assert.strictEqual(await keyOf({ host: "a", hostKey: HOST_KEY, insecureIgnoreHostKey: given(false) }), HOST_KEY);
      assert.strictEqual(await keyOf({ host: "a", hostKey: given(HOST_KEY) }), HOST_KEY);
    });

    it(`switches nothing off where the host key turns out to be none, as ${way}`, async () => {
      for (const value of [undefined, null, "", "no key", 1, [HOST_KEY]]) {
        await assert.rejects(keyOf({ host: "a", hostKey: given(value) }), /connection\.hostKey: /, shown(value));
      }
    });

    it(`is asked of a bastion that is no object, as ${way}: no node is reached past it`, async () => {
      for (const value of [null, "", "jump.example.com", 0, false, []]) {
        const { proxy } = ((): { proxy?: unknown } => {
          try {
            return connectionInputs({ host: "a", hostKey: HOST_KEY, bastion: given(value) } as SshConnection);
          } catch (error) {
            return { proxy: Promise.reject(error as Error) };
          }
        })();
        await assert.rejects(
          known(proxy),
          /connection\.bastion: .* must be an object with host and hostKey/,
          shown(value),
        );
      }
    });
  }
});

describe("what is known only later", () => {
  // The SDK leaves such an error to Node.js, and the language host ends the program with it.
  let others: NodeJS.UnhandledRejectionListener[];
  let refuse: (error: unknown) => void = () => undefined;
  const listen = (error: unknown) => {
    refuse(error);
  };
  before(() => {
    others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", listen);
  });
  after(() => {
    process.removeListener("unhandledRejection", listen);
    for (const other of others) process.on("unhandledRejection", other);
  });

  /** The first error of a program, or what it asked the engine for. */
  const ended = async (program: () => unknown) => {
    const refused = new Promise<never>((_, reject) => (refuse = reject));
    return Promise.race([refused, run(program)]);
  };
  const node = (args: object) => () =>
    new SandboxNode("x", { connection: { host: "a", hostKey: HOST_KEY }, reference: REFERENCE, ...args });
  const image = (args: object) => () =>
    new PauseImage("x", { reference: REFERENCE, source: PauseImageSource.Existing, ...args }).digest;

  for (const [way, given] of WAYS) {
    for (const value of [undefined, null, "", "sha256:1", "latest", 1, [`sha256:${"d".repeat(64)}`]]) {
      it(`a digest that is ${shown(value)}, as ${way}, is an error where publicKey asks for a signature`, () =>
        assert.rejects(ended(image({ digest: given(value), publicKey: PUBLIC_KEY })), /\bdigest: .* must be /));
    }
    for (const value of [null, "", "sha256:1", [`sha256:${"d".repeat(64)}`]]) {
      it(`a digest of a node that is ${shown(value)}, as ${way}, is an error`, () =>
        assert.rejects(ended(node({ digest: given(value) })), /\bdigest: .* must be /));
    }
    it(`trust.plainHttp that is neither true nor false, as ${way}, is an error`, async () => {
      for (const value of NO_BOOLEANS) {
        const trust = { plainHttp: given(value) };
        await assert.rejects(ended(node({ trust })), /trust\.plainHttp: .* must be true or false/, shown(value));
      }
    });
    it(`dryRun that is neither true nor false, as ${way}, is an error`, async () => {
      for (const value of NO_BOOLEANS) {
        await assert.rejects(ended(node({ dryRun: given(value) })), /dryRun: .* must be true or false/, shown(value));
      }
    });
    for (const value of ["", "none", null, 1, {}]) {
      it(`a publicKey that is ${shown(value)}, as ${way}, is an error`, () =>
        assert.rejects(ended(image({ publicKey: given(value), digest: `sha256:${"d".repeat(64)}` })), /publicKey: /));
    }
    if (way === "plain") continue;
    it(`a publicKey that turns out to be none, as ${way}, is an error: somebody asked for a signature`, () =>
      assert.rejects(
        ended(image({ publicKey: given(undefined), digest: `sha256:${"d".repeat(64)}` })),
        /publicKey: no value/,
      ));
    it(`a digest that turns out to be none, as ${way}, is an error: somebody asked for a check`, () =>
      assert.rejects(ended(image({ digest: given(undefined) })), /digest: no value/));
    it(`dryRun that turns out to be nothing, as ${way}, is an error: somebody may have meant that nothing changes`, () =>
      assert.rejects(ended(node({ dryRun: given(undefined) })), /dryRun: no value/));
    it(`trust, its login and a connection that turn out to be nothing, as ${way}, are errors`, async () => {
      await assert.rejects(ended(node({ trust: given(undefined) })), /trust: no value .* an object/);
      await assert.rejects(ended(node({ trust: { login: given(undefined) } })), /trust\.login: no value/);
      await assert.rejects(ended(node({ connection: given(null) })), /connection: null .* an object/);
    });
  }
});
