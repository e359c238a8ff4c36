import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";

import { HandmadePod, LocalhostPod, PauseImage, PauseImageSource, PauseSandbox, SandboxNode } from "../../components";
import { DIGEST, run } from "../support/mocks";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const REFERENCE = "registry.example.com:5000/platform/pause:1.0.0";

const bastion = { host: "jump.example.com", user: "jumper", hostKey: HOST_KEY, privateKey: "the bastion's key" };
const connection = { host: "a.example.com", port: 2222, user: "me", hostKey: HOST_KEY, privateKey: "a key", bastion };
const login = { username: "puller", password: "hunter2" };
const trust = { ca: PEM, mirrors: ["https://m.example.com"], plainHttp: true, login };
const node = {
  connection,
  reference: REFERENCE,
  digest: DIGEST,
  nodeName: "worker",
  trust,
  kubeletFlag: false,
  recheck: 3,
};
const pods = { nginxImage: "r.example/nginx:1", appImage: "r.example/app:1", appPort: 9000 };
const image = { reference: REFERENCE, platforms: ["linux/amd64"], sourceUrl: "https://src.example.com", login };

type Make = (args: never) => unknown;
const make = {
  node: (args) => new SandboxNode("x", args),
  image: (args) => new PauseImage("x", args),
  pod: (args) => new LocalhostPod("x", args),
  handmade: (args) => new HandmadePod("x", args),
  sandbox: (args) => new PauseSandbox("x", args),
} satisfies Record<string, Make>;

/** What a program registers, as the engine gets it. */
const registered = async (construct: Make, args: unknown) =>
  (await run(() => construct(args as never))).map(({ type, name, inputs }) => ({ type, name, inputs }));

/** The same arguments with the value at a path made an Output. */
function later(args: unknown, [key, ...rest]: (string | number)[]): unknown {
  if (key === undefined) return pulumi.output(args);
  const copy = (Array.isArray(args) ? [...(args as unknown[])] : { ...(args as object) }) as Record<string, unknown>;
  copy[key] = later(copy[key], rest);
  return copy;
}

/** Every path into the arguments, but for those that lead to or through a plain one. */
function pathsOf(value: unknown, plain: RegExp, path: (string | number)[] = []): (string | number)[][] {
  const own = path.length > 0 && !plain.test(path.join(".")) ? [path] : [];
  if (typeof value !== "object" || value === null) return own;
  const entries = Array.isArray(value) ? value.map((element, i) => [i, element] as const) : Object.entries(value);
  return [...own, ...entries.flatMap(([key, element]) => pathsOf(element, plain, [...path, key]))];
}

describe("an argument that is an Output", () => {
  const nodes = [{ name: "worker", connection }];
  const cases: [string, Make, object, RegExp][] = [
    ["SandboxNode", make.node, node, /^$/],
    ["PauseImage, built", make.image, image, /^platforms/],
    [
      "PauseImage, mirrored",
      make.image,
      { reference: REFERENCE, source: "mirror", mirrorOf: "r.example/p:1" },
      /^source$/,
    ],
    ["PauseImage, existing", make.image, { reference: REFERENCE, source: "existing", digest: DIGEST }, /^source$/],
    ["LocalhostPod", make.pod, { ...pods, namespace: "n", nodeName: "worker", proofOf: "it" }, /^$/],
    [
      "HandmadePod",
      make.handmade,
      { ...pods, pauseImage: "r.example/p:1", publishedPort: 80, serverName: "s", labels: { a: "b" } },
      /^$/,
    ],
    [
      "PauseSandbox",
      make.sandbox,
      { image: { ...image, source: PauseImageSource.Build }, nodes, trust, kubeletFlag: true, recheck: 1, proof: pods },
      /^(image|nodes|proof|nodes\.\d+|nodes\.\d+\.name|image\.(source|platforms(\.\d+)?))$/,
    ],
  ];
  for (const [what, construct, args, plain] of cases) {
    it(`asks the engine for the same as a plain one does, wherever it stands: ${what}`, async () => {
      const expected = await registered(construct, args);
      const paths = pathsOf(args, plain);
      assert.ok(paths.length > 0);
      for (const path of paths) {
        assert.deepStrictEqual(await registered(construct, later(args, path)), expected, path.join("."));
      }
    });
  }

  const wrong: [string, Make, object, (string | number)[], RegExp][] = [
    [
      "a port of a node",
      make.node,
      { ...node, connection: { ...connection, port: 0 } },
      ["connection"],
      /connection\.port: 0/,
    ],
    [
      "a user",
      make.node,
      { ...node, connection: { ...connection, user: "a b" } },
      ["connection", "user"],
      /user: "a b"/,
    ],
    ["no host key", make.node, { ...node, connection: { host: "h" } }, ["connection"], /connection\.hostKey: no value/],
    [
      "a bastion's host",
      make.node,
      { ...node, connection: { ...connection, bastion: { ...bastion, host: "" } } },
      ["connection", "bastion"],
      /connection\.bastion\.host: ""/,
    ],
    ["a CA", make.node, { ...node, trust: { ca: "none" } }, ["trust"], /trust\.ca: a text of 4 characters/],
    [
      "a mirror",
      make.node,
      { ...node, trust: { mirrors: ["m"] } },
      ["trust", "mirrors", 0],
      /trust\.mirrors\[0\]: a text of 1 character is not allowed/,
    ],
    [
      "a login",
      make.node,
      { ...node, trust: { login: { username: "a:b", password: "p" } } },
      ["trust", "login"],
      /username: "a:b"/,
    ],
    ["recheck", make.node, { ...node, recheck: -1 }, ["recheck"], /recheck: -1/],
    ["dryRun", make.node, { ...node, dryRun: "yes" }, ["dryRun"], /dryRun: "yes"/],
    ["kubeletFlag", make.node, { ...node, kubeletFlag: "no" }, ["kubeletFlag"], /kubeletFlag: "no"/],
    ["a name", make.node, { ...node, nodeName: "a\nb" }, ["nodeName"], /nodeName: "a\\nb"/],
    ["a URL", make.image, { ...image, sourceUrl: "ftp://x" }, ["sourceUrl"], /sourceUrl: "ftp:\/\/x"/],
    ["an app's port", make.pod, { ...pods, appPort: 80 }, ["appPort"], /appPort: 80/],
    [
      "a published port",
      make.handmade,
      { ...pods, pauseImage: "p", publishedPort: 0 },
      ["publishedPort"],
      /publishedPort: 0/,
    ],
  ];
  describe("is refused as soon as it is known", () => {
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

    for (const [what, construct, args, path, message] of wrong) {
      it(what, async () => {
        const refused = new Promise((_, reject) => (refuse = reject));
        await assert.rejects(Promise.race([refused, run(() => construct(later(args, path) as never))]), message);
      });
    }
  });
});
