import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import { generateKeyPairSync, randomBytes } from "crypto";

import { HandmadePod, LocalhostPod, PauseImage, PauseSandbox, SandboxNode } from "../../components";
import { checkKnown } from "../../components/node/connection";
import { checkedSettings } from "../../components/node/nodeChecks";
import { Problems } from "../../components/problems";
import { parseReference } from "../../components/registry/reference";
import { run } from "../support/mocks";

/** The error that a constructor throws. */
async function errorOf(construct: () => unknown): Promise<pulumi.InputPropertiesError> {
  let caught: unknown;
  await run(() => {
    try {
      construct();
    } catch (error) {
      caught = error;
    }
  });
  assert.ok(pulumi.InputPropertiesError.isInstance(caught), String(caught));
  return caught;
}

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
const good = (name: string) => ({ name, connection: { host: name, hostKey } });

describe("an error about arguments", () => {
  const broken = () =>
    new PauseSandbox("pause", {
      image: { reference: "pause", digest: "sha256:1" },
      nodes: [good("a"), good("b"), { name: "c", connection: { host: "c" } }],
      maxUnavailable: "0%",
    });

  it("gives a program the path and the reason of each problem", async () => {
    const { errors } = await errorOf(broken);
    assert.deepStrictEqual(errors.map(({ propertyPath }) => propertyPath).sort(), [
      "image.digest",
      "image.digest",
      "image.reference",
      "maxUnavailable",
      "nodes[2].connection.hostKey",
    ]);
    for (const { propertyPath, reason } of errors) {
      assert.match(reason, /is not allowed; it must be|left out with/);
      assert.ok(!reason.startsWith(propertyPath), "the reason does not say the path again");
    }
  });

  it("gives a person the same in its message, a line a problem", async () => {
    const { message, errors } = await errorOf(broken);
    const lines = errors.map(({ propertyPath, reason }) => `  - ${propertyPath}: ${reason}`);
    assert.strictEqual(message, ['PauseSandbox "pause": 5 problems with the arguments', ...lines].join("\n"));
  });

  it("shows a plain program's user the message alone: the SDK prints it where there is no stack", async () => {
    assert.strictEqual((await errorOf(broken)).stack, "");
  });

  it("puts the path before the message of a check", () => {
    const problems = new Problems("x");
    problems.attempt("a.b", () => {
      throw new Error("the disk is full");
    });
    assert.throws(() => {
      problems.throwIfAny();
    }, /- a\.b: the disk is full$/);
  });
});

describe("arguments that are missing or have another shape", () => {
  const image = { reference: "registry.example.com/pause:1" };
  const nodes = [good("a")];
  const later = <T>(value: T) => pulumi.secret(value);
  type Make = (args: never) => unknown;
  const sandbox: Make = (args) => new PauseSandbox("x", args);
  const node: Make = (args) => new SandboxNode("x", args);
  const pause: Make = (args) => new PauseImage("x", args);
  const localhost: Make = (args) => new LocalhostPod("x", args);
  const handmade: Make = (args) => new HandmadePod("x", args);
  const plain = /an Output is not allowed.*pulumi#13802.*give only the secret fields, such as privateKey, as Outputs/;

  const cases: [string, Make, unknown, Record<string, RegExp>][] = [
    ["PauseSandbox without arguments", sandbox, undefined, { "": /no value .* an object with image and nodes/ }],
    ["PauseSandbox with null", sandbox, null, { "": /null is not allowed/ }],
    [
      "PauseSandbox with {}",
      sandbox,
      {},
      { image: /no value .* an object with reference/, nodes: /no value .* a list of at least one node/ },
    ],
    ["PauseSandbox without image", sandbox, { nodes }, { image: /an object with reference/ }],
    ["an image without reference", sandbox, { nodes, image: {} }, { "image.reference": /no value .* host\[:port\]\// }],
    ["an image that is text", sandbox, { nodes, image: "r.example/p:1" }, { image: /an object with reference/ }],
    ["PauseSandbox without nodes", sandbox, { image }, { nodes: /no value .* a list of at least one node/ }],
    ["nodes that are an object", sandbox, { image, nodes: { a: 1 } }, { nodes: /an object is not allowed/ }],
    ["no node in the list", sandbox, { image, nodes: [] }, { nodes: /\[\] .* at least one node/ }],
    ["a node that is null", sandbox, { image, nodes: [null] }, { "nodes[0]": /null .* with name and connection/ }],
    ["a node that is text", sandbox, { image, nodes: ["a"] }, { "nodes[0]": /with name and connection/ }],
    [
      "a node with {}",
      sandbox,
      { image, nodes: [{}] },
      { "nodes[0].name": /no value .*kubectl get nodes/, "nodes[0].connection": /no value .* host and hostKey/ },
    ],
    ["nodes as one Output", sandbox, { image, nodes: later(nodes) }, { nodes: plain }],
    ["a node as an Output", sandbox, { image, nodes: [later(nodes[0])] }, { "nodes[0]": plain }],
    [
      "marks of a node as Outputs",
      sandbox,
      { image, nodes: [{ ...nodes[0], canary: later(true), gone: later(false) }] },
      { "nodes[0].canary": plain, "nodes[0].gone": plain },
    ],
    ["dryRun as an Output", sandbox, { image, nodes, dryRun: later(true) }, { dryRun: plain }],
    [
      "plainHttp of a push as an Output",
      pause,
      { ...image, platforms: ["linux/arm64"], plainHttp: later(true) },
      { plainHttp: plain },
    ],
    ["nodes as a Promise", sandbox, { image, nodes: Promise.resolve(nodes) }, { nodes: /^a Promise is not allowed/ }],
    ["an image as an Output", sandbox, { image: later(image), nodes }, { image: plain }],
    ["a proof as an Output", sandbox, { image, nodes, proof: later({}) }, { proof: plain }],
    ["a proof with {}", sandbox, { image, nodes, proof: {} }, { "proof.nginxImage": /./, "proof.appImage": /./ }],
    [
      "maxUnavailable as an Output",
      sandbox,
      { image, nodes, maxUnavailable: later("1") },
      { maxUnavailable: /^an Output is not allowed; it must be a text: a whole number/ },
    ],
    [
      "a login without password",
      sandbox,
      { image: { ...image, login: { username: "u" } }, nodes, trust: { login: { username: "u" } } },
      { "image.login.password": /no value/, "trust.login.password": /no value/ },
    ],
    ["SandboxNode without arguments", node, undefined, { "": /no value .* an object with connection and reference/ }],
    ["SandboxNode with {}", node, {}, { connection: /no value/, reference: /no value .* host\[:port\]\// }],
    ["PauseImage without arguments", pause, undefined, { "": /no value .* an object with reference/ }],
    ["PauseImage with {}", pause, {}, { reference: /no value .* host\[:port\]\// }],
    ["platforms as an Output", pause, { ...image, platforms: later(["linux/arm64"]) }, { platforms: plain }],
    ["LocalhostPod without arguments", localhost, undefined, { "": /no value .* with nginxImage and appImage/ }],
    ["HandmadePod without arguments", handmade, undefined, { "": /no value .* with pauseImage, nginxImage/ }],
  ];
  for (const [what, make, args, expected] of cases) {
    it(`say which one it is and what it must be: ${what}`, async () => {
      const { errors, message } = await errorOf(() => make(args as never));
      assert.deepStrictEqual(errors.map((error) => error.propertyPath).sort(), Object.keys(expected).sort(), message);
      for (const { propertyPath, reason } of errors) assert.match(reason, expected[propertyPath] ?? /^$/);
      assert.doesNotMatch(message, /Cannot read|is not a function|not iterable|toJSON/);
    });
  }

  it("show nothing of what stands in them", async () => {
    const key = "b3BlbnNzaC1rZXktdjEAAAAA";
    for (const wrong of [{ privateKey: key }, [key], [[key]]]) {
      const { message } = await errorOf(() => sandbox({ image: wrong, nodes: wrong, trust: [key] } as never));
      assert.ok(!message.includes(key), message);
    }
  });

  it("say so too where an Output turns out to hold nothing", () => {
    assert.throws(() => parseReference(undefined as unknown as string), /^Error: no value .* host\[/);
  });
});

describe("a private key that was pasted where another text belongs", () => {
  const { privateKey: pem } = generateKeyPairSync("ed25519", {
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  // What the body of OpenSSH's own form looks like: several lines of base64.
  const body = randomBytes(280).toString("base64");
  const openssh = [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    ...(body.match(/.{1,70}/g) ?? []),
    "-----END OPENSSH PRIVATE KEY-----",
    "",
  ].join("\n");

  /** Each run of eight characters of the key's body that a text shows. */
  const shown = (text: string, key: string): string[] => {
    const lines = key.split("\n").filter((line) => !line.startsWith("-----"));
    const runs = lines.flatMap((line) => Array.from({ length: line.length - 7 }, (_, i) => line.slice(i, i + 8)));
    return runs.filter((run) => text.includes(run));
  };

  const image = { reference: "registry.example.com/pause:1" };
  const places: [string, (key: string) => unknown][] = [
    ["trust.ca", (ca) => new SandboxNode("x", { ...image, connection: good("a").connection, trust: { ca } })],
    ["connection.hostKey", (key) => new SandboxNode("x", { ...image, connection: { host: "a", hostKey: key } })],
    [
      "connection.bastion.hostKey",
      (key) =>
        new SandboxNode("x", {
          ...image,
          connection: { ...good("a").connection, bastion: { host: "b", hostKey: key } },
        }),
    ],
    [
      "nodes[0].connection.hostKey",
      (key) => new PauseSandbox("x", { image, nodes: [{ name: "a", connection: { host: "a", hostKey: key } }] }),
    ],
    ["trust.ca of the cluster", (ca) => new PauseSandbox("x", { image, nodes: [good("a")], trust: { ca } })],
  ];
  const forms: [string, string, (key: string) => string][] = [
    ["PEM", pem, (key) => `a private key, ${key.length} characters is not allowed`],
    // As a tool writes an authority into one file.
    [
      "behind a certificate",
      `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${pem}`,
      (key) => `a private key, ${key.length} characters is not allowed`,
    ],
    ["OpenSSH", openssh, (key) => `a private key, ${key.length} characters is not allowed`],
    ["its body alone", body, (key) => `a text of ${key.length} characters is not allowed`],
  ];
  for (const [place, make] of places) {
    for (const [form, key, kind] of forms) {
      it(`is named by kind and length, never printed: ${form} as ${place}`, async () => {
        const error = await errorOf(() => make(key));
        const { message, errors, stack } = error;
        assert.ok(message.includes(kind(key)), message);
        assert.deepStrictEqual(shown(`${message}${stack ?? ""}${JSON.stringify(errors)}`, key), []);
      });
    }
  }

  it("is not printed either when it is known later, as an Output", () => {
    for (const check of [
      () => {
        checkKnown("connection", "hostKey", pem);
      },
      () => checkedSettings({ node: "n", image: image.reference, ca: pem }),
    ]) {
      assert.throws(check, (error: Error) => {
        assert.match(error.message, /a private key, \d+ characters/);
        assert.deepStrictEqual(shown(error.message, pem), []);
        return true;
      });
    }
  });
});
