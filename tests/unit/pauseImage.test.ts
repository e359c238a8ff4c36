import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import { generateKeyPairSync } from "crypto";

import { PauseImage, type PauseImageArgs, PauseImageSource } from "../../components";
import { DIGEST, line, refused, type Registered, run } from "../support/mocks";

const REFERENCE = "registry.example.com:5000/platform/pause:1.0.0";
const REPOSITORY = "registry.example.com:5000/platform/pause";
const { Mirror, Existing } = PauseImageSource;

const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PRIVATE_KEY = p256.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
const PUBLIC_KEY = p256.publicKey.export({ format: "pem", type: "spki" }).toString();
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const RSA_KEY = rsa.privateKey.export({ format: "pem", type: "pkcs8" }).toString();

const find = (all: Registered[], name: string): Registered => {
  const found = all.find((r) => r.name === name);
  assert.ok(found, `${name} is not among ${all.map((r) => r.name).join(", ")}`);
  return found;
};

/** What is registered for a PauseImage, and the digest that it hands on. */
async function make(args: Partial<PauseImageArgs>) {
  let digest: string | undefined;
  const all = await run(() =>
    new PauseImage("image", { reference: REFERENCE, ...args }).digest.apply((d) => (digest = d)),
  );
  return { all, digest };
}

const buildOf = (image: Registered) =>
  image.inputs.build as { context: string; dockerfile: string; platform: string; args: Record<string, string> };

/** A stack's secret is an Output, as is whatever has one inside. */
const signingLater = () => pulumi.secret({ privateKey: PRIVATE_KEY });

describe("PauseImage", () => {
  it("builds one image per platform and an index over them", async () => {
    const { all, digest } = await make({});
    assert.deepStrictEqual(all.map(line).sort(), [
      "docker-build:index:Index image-index < image",
      "docker:index/image:Image image-linux-amd64 < image",
      "docker:index/image:Image image-linux-arm64 < image",
      "pause-sandbox:index:PauseImage image < stack",
    ]);
    assert.strictEqual(find(all, "image-linux-arm64").inputs.imageName, `${REFERENCE}-linux-arm64`);
    const index = find(all, "image-index").inputs;
    assert.strictEqual(index.tag, REFERENCE);
    assert.deepStrictEqual(index.sources, Array(2).fill(`${REPOSITORY}@${DIGEST}`));
    assert.strictEqual(digest, DIGEST);
  });

  it("builds for the platforms that the user chooses, and writes the reference after all of them", async () => {
    const platforms = ["linux/riscv64", "linux/arm/v7"];
    const { all } = await make({ platforms });
    const images = ["image-linux-riscv64", "image-linux-arm-v7"];
    assert.deepStrictEqual(
      images.map((name) => buildOf(find(all, name)).platform),
      platforms,
    );
    for (const image of images) assert.ok(find(all, "image-index").dependsOn.includes(image), image);
  });

  it("has an index for a single platform too, so that the reference is written over verified TLS", async () => {
    const { all } = await make({ platforms: ["linux/amd64"] });
    assert.strictEqual(find(all, "image-linux-amd64").inputs.imageName, `${REFERENCE}-linux-amd64`);
    assert.deepStrictEqual(find(all, "image-index").inputs.sources, [`${REPOSITORY}@${DIGEST}`]);
  });

  it("pushes the one image as the reference itself with plainHttp", async () => {
    const { all, digest } = await make({ platforms: ["linux/amd64"], plainHttp: true });
    assert.strictEqual(find(all, "image-linux-amd64").inputs.imageName, REFERENCE);
    assert.ok(!all.some(({ type }) => type === "docker-build:index:Index"));
    assert.strictEqual(digest, DIGEST);
  });

  it("labels with version, revision and source", async () => {
    const sourceUrl = "https://git.example.com/platform/pause";
    const { all } = await make({ sourceUrl });
    const { args } = buildOf(find(all, "image-linux-arm64"));
    assert.strictEqual(args.VERSION, "1.0.0");
    assert.strictEqual(args.SOURCE, sourceUrl);
    assert.match(args.REVISION ?? "", /^sha256:[0-9a-f]{64}$/);
    assert.strictEqual(args.TARGETARCH, "arm64");
    const plain = buildOf(find((await make({})).all, "image-linux-arm64")).args;
    assert.deepStrictEqual([plain.SOURCE, plain.REVISION], ["", args.REVISION]);
  });

  it("needs no compiler, unless it is told to build from source", async () => {
    process.env.CLANG = "no-such-clang";
    try {
      const { context } = buildOf(find((await make({})).all, "image-linux-amd64"));
      assert.match(context, /pause-image/);
      assert.throws(
        () => new PauseImage("own", { reference: REFERENCE, buildFromSource: true }),
        /no no-such-clang found/,
      );
    } finally {
      delete process.env.CLANG;
    }
  });

  it("keeps paths relative, so that state is the same wherever a checkout lies", async () => {
    const { context, dockerfile } = buildOf(find((await make({})).all, "image-linux-amd64"));
    assert.match(context, /^\.\/node_modules\/\.cache\//);
    assert.strictEqual(dockerfile, `${context}/Dockerfile`);
  });

  const sources = [
    "registry.k8s.io/pause:3.10",
    `registry.k8s.io/pause@${DIGEST}`,
    `r.example:5000/pause:3.5@${DIGEST}`,
  ];
  for (const mirrorOf of sources) {
    it(`copies ${mirrorOf.slice(0, 40)} with source mirror, without an engine and whatever its platforms`, async () => {
      const { all, digest } = await make({ source: Mirror, mirrorOf });
      assert.deepStrictEqual(all.map(line), [
        "pause-sandbox:index:PauseImage image < stack",
        "docker-build:index:Index image-index < image",
      ]);
      const { tag, sources: copied } = find(all, "image-index").inputs;
      assert.deepStrictEqual([tag, copied], [REFERENCE, [mirrorOf]]);
      assert.strictEqual(digest, DIGEST);
    });
  }

  it("gives the pushed image further tags in its repository, by its digest", async () => {
    const { all } = await make({ alsoTags: ["3.10.2", "next"] });
    const repository = REFERENCE.slice(0, REFERENCE.lastIndexOf(":"));
    for (const tag of ["3.10.2", "next"]) {
      const { parent, inputs } = find(all, `image-tag-${tag}`);
      assert.deepStrictEqual(
        [parent, inputs.tag, inputs.sources],
        ["image", `${repository}:${tag}`, [`${repository}@${DIGEST}`]],
      );
    }
  });

  it("creates nothing with source existing, and hands on the digest that nodes are to check", async () => {
    const { all, digest } = await make({ source: Existing, digest: DIGEST });
    assert.deepStrictEqual(all.map(line), ["pause-sandbox:index:PauseImage image < stack"]);
    assert.strictEqual(digest, DIGEST);
    assert.strictEqual((await make({ source: Existing })).digest, undefined);
  });

  it("logs in to the registry of the reference and keeps the password secret", async () => {
    const login = { username: "pusher", password: "hunter2" };
    const built = (await make({ login })).all;
    const mirrored = (await make({ login, source: Mirror, mirrorOf: "r.example/pause:1" })).all;
    assert.deepStrictEqual(find(built, "image-linux-amd64").inputs.registry, {
      server: "registry.example.com:5000",
      ...login,
    });
    for (const all of [built, mirrored]) {
      const index = find(all, "image-index");
      assert.deepStrictEqual(index.inputs.registry, { address: "registry.example.com:5000", ...login });
      assert.ok(!all.some((resource) => JSON.stringify(resource.public).includes("hunter2")));
    }
  });

  it("leaves the registry to what the machine has logged in to where no login is given", async () => {
    const { all } = await make({});
    assert.deepStrictEqual(find(all, "image-linux-amd64").inputs.registry, { server: "registry.example.com:5000" });
    assert.ok(!("registry" in find(all, "image-index").inputs));
  });

  const url = "https://git.example.com";
  const build = { source: PauseImageSource.Build };
  const mirror = { source: Mirror, mirrorOf: "r.example/pause:1" };
  const existing = { source: Existing };
  const login = { username: "pusher", password: "hunter2" };
  const bad: [string, Partial<PauseImageArgs>, string[]][] = [
    ["a reference without tag", { reference: "registry.example.com/pause" }, ["reference:", "tag is missing"]],
    ["the tag latest", { reference: "r.example/pause:latest" }, ["reference:", "another image every day"]],
    ["a digest-only reference", { reference: `r.example/pause@${DIGEST}` }, ["reference:", "checked on the node"]],
    ["an unknown source", { source: "magic" as PauseImageSource }, ['source: "magic"', "build, mirror, existing"]],
    ["mirror without the image to copy", { source: Mirror }, ["mirrorOf: no value", "image to copy"]],
    [
      "mirror of a short name",
      { ...mirror, mirrorOf: "pause:3.10" },
      ['mirrorOf: "pause:3.10"', "registry is missing"],
    ],
    ["mirror of latest", { ...mirror, mirrorOf: "r.example/pause:latest" }, ["mirrorOf:", "another image every day"]],
    ["mirror of no tag", { ...mirror, mirrorOf: "r.example/pause" }, ["mirrorOf:", "neither tag nor digest"]],
    ["mirror of a short digest", { ...mirror, mirrorOf: "r.example/p@sha256:1" }, ["mirrorOf:", "64 hexadecimal"]],
    ["a mirror of itself", { ...mirror, mirrorOf: REFERENCE }, ["mirrorOf:", "another image than the reference"]],
    ["mirrorOf for what is built", { mirrorOf: "x.example/pause:1" }, ['mirrorOf: "x.example/pause:1"', "left out"]],
    ["a digest for what is built", { digest: DIGEST }, ["digest:", "checked against what was pushed"]],
    ["a digest that is none", { ...existing, digest: "sha256:1" }, ['digest: "sha256:1"', "64 hexadecimal digits"]],
    ["platforms for a mirror", { ...mirror, platforms: ["linux/amd64"] }, ["platforms:", "has the platforms it has"]],
    ["platforms for what exists", { ...existing, platforms: ["linux/amd64"] }, ["platforms:", "source existing"]],
    ["a login for what exists", { ...existing, login }, ['login: "a login"', "nothing is pushed"]],
    ["a source URL for a mirror", { ...mirror, sourceUrl: url }, ["sourceUrl:", "has the labels it has"]],
    [
      "a source that is no URL",
      { sourceUrl: "git@example.com:pause" },
      ['sourceUrl: "git@example.com:pause"', "https"],
    ],
    ["no platform", { platforms: [] }, ["platforms: []", "linux/amd64"]],
    ["no tag", { alsoTags: ["3.10.2", "a/b"] }, ['alsoTags[1]: "a/b"', "a tag: at most 128"]],
    ["the tag latest beside it", { alsoTags: ["latest"] }, ['alsoTags[0]: "latest"', "a tag"]],
    ["a further tag twice", { alsoTags: ["a", "a"] }, ["alsoTags[1]:", "not pushed already"]],
    [
      "the tags that it has itself",
      { reference: "r.example/pause:1", alsoTags: ["1", "1-linux-arm64"] },
      ["alsoTags[0]:", "alsoTags[1]:"],
    ],
    ["further tags for what exists", { ...existing, alsoTags: ["a"] }, ["alsoTags:", "nothing is pushed"]],
    [
      "further tags without TLS",
      { alsoTags: ["a"], plainHttp: true, platforms: ["linux/amd64"] },
      ["alsoTags:", "verified TLS"],
    ],
    ["a platform twice", { platforms: ["linux/amd64", "linux/amd64"] }, ["platforms[1]:", "named only once"]],
    [
      "a platform under two names",
      { platforms: ["linux/arm64", "linux/arm/v7", "linux/arm64/v8", "linux/arm", "linux/arm/v6"] },
      [
        "2 problems",
        'platforms[2]: "linux/arm64/v8"',
        "than platforms[0]",
        'platforms[3]: "linux/arm"',
        "platforms[1]",
      ],
    ],
    ["an unknown platform", { platforms: ["linux/m68k"] }, ['platforms[0]: "linux/m68k"', "linux/riscv64"]],
    ["Windows", { platforms: ["windows/amd64"] }, ['platforms[0]: "windows/amd64"', "mirror upstream's image"]],
    ["HTTP for several platforms", { ...build, plainHttp: true }, ["platforms:", "exactly one platform"]],
    ["HTTP for a mirror", { ...mirror, plainHttp: true }, ["plainHttp: true", "left out"]],
    [
      "a signing key for what exists, without printing it,",
      { ...existing, signing: { privateKey: PRIVATE_KEY } },
      ['signing: "a key"', "sign it where that is done"],
    ],
    [
      "a signing key that is none",
      { signing: { privateKey: "hunter2", password: 1 as unknown as string } },
      ["signing.privateKey: a text of 7 characters", "EC P-256 private key in PEM", "signing.password: a number"],
    ],
    ["a signing key of another kind", { signing: { privateKey: RSA_KEY } }, ["signing.privateKey: a private key, 1"]],
    [
      "signing without a key",
      { signing: {} as { privateKey: string } },
      ["signing.privateKey: no value", "EC P-256 private key"],
    ],
    ["a public key that is none", { publicKey: "hunter2" }, ["publicKey: a text of 7 characters", "cosign.pub"]],
    [
      "a private key in the place of the public one",
      { publicKey: PRIVATE_KEY },
      [`publicKey: a private key, ${PRIVATE_KEY.length} characters`],
    ],
    [
      "a public key for what exists without a digest",
      { ...existing, publicKey: PUBLIC_KEY },
      ["digest: no value", "the digest that is signed"],
    ],
    [
      "signatures over plain HTTP",
      { platforms: ["linux/amd64"], plainHttp: true, signing: { privateKey: PRIVATE_KEY }, publicKey: PUBLIC_KEY },
      ["2 problems", 'signing: "a key"', 'publicKey: "a key"', "verified TLS"],
    ],
    ["a tag without room", { reference: `r.example/p:${"1".repeat(117)}` }, ["reference:", "at most 116 characters"]],
  ];
  for (const [name, args, words] of bad) {
    it(`refuses ${name}, and creates nothing`, () =>
      refused(() => new PauseImage("image", { reference: REFERENCE, ...args }), words));
  }

  for (const args of [{}, { source: Existing, digest: DIGEST, signing: undefined }, { signing: signingLater() }]) {
    it(`hands on the digest under mocks, where ${Object.keys(args).join(" and ") || "plain"} keys are given: no registry is there`, async () => {
      const { digest } = await make({ signing: { privateKey: PRIVATE_KEY }, publicKey: PUBLIC_KEY, ...args });
      assert.strictEqual(digest, DIGEST);
    });
  }

  it("refuses a public key that is an Output, once it is known", () =>
    assert.rejects(make({ publicKey: pulumi.output("hunter2") }), /publicKey: a text of 7 characters/));

  it("prints no private key, wherever one was pasted", () => {
    const args = {
      reference: "pause",
      publicKey: PRIVATE_KEY,
      signing: PRIVATE_KEY as unknown as { privateKey: string },
    };
    assert.throws(
      () => new PauseImage("image", args),
      (error: Error) => /3 problems/.test(error.message) && !error.message.includes(PRIVATE_KEY.slice(60, 90)),
    );
  });

  it("reports all problems at once, and never prints a login", async () => {
    const args = { reference: "pause", source: Existing, mirrorOf: "x", platforms: [], digest: "x", login };
    const words = ["5 problems", "reference:", "mirrorOf:", "platforms:", "digest:", "login:"];
    await refused(() => new PauseImage("image", args), words);
    assert.throws(
      () => new PauseImage("image", args),
      (error: Error) => !error.message.includes("hunter2"),
    );
  });

  it("refuses a digest that is an Output, once it is known", () =>
    assert.rejects(make({ source: Existing, digest: pulumi.output("sha256:1") }), /digest: .*64 hexadecimal/));
});
