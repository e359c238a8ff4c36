/** An image that goes to the nodes with the script: its bytes, and what the components make of it. */
import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { split } from "shlex";

import { PauseImage, type PauseImageArgs, PauseImageSource, PauseSandbox, SandboxNode } from "../../components";
import { LARGEST_ARCHIVE, packedArchive, readArchive } from "../../components/archive/archive";
import { pauseArchive } from "../../components/archive/pauseArchive";
import { filesOfTar, tarOf } from "../../components/archive/tar";
import { commandLine } from "../../components/node/nodeCommand";
import { DIGEST, line, refused, run } from "../support/mocks";

const { Carried } = PauseImageSource;
const PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm", "linux/ppc64le", "linux/riscv64", "linux/s390x"];
const REFERENCE = "registry.example.com:5000/platform/pause:1.0.0";
const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
const connection = { host: "node-1.example.com", hostKey: HOST_KEY };
const ours = pauseArchive(["linux/amd64", "linux/arm64"]);
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describe("an archive of pause", () => {
  it("has the same bytes everywhere", () => {
    assert.deepStrictEqual(
      [ours.digest, sha256(ours.tar), sha256(Buffer.from(packedArchive(ours)))],
      [
        "sha256:faf91248a6e49fbc126f15ddd1aeec17594a05a53d12482eef59d14c9caa78a8",
        "010aa5b6423fc497807296d95d5f62b7bb98a75020072fbfd2c0982e275376e0",
        "153d55efcb716b836c3d301cd264d6c0a8537bead4182da1afc215fbc95291da",
      ],
    );
  });

  it("makes the script's file at most 8 kB larger, for all platforms", () => {
    assert.ok(packedArchive(pauseArchive(PLATFORMS)).length < 8000);
  });

  it("lists its images for shells: platform, config and layer", () => {
    const files = filesOfTar(pauseArchive(["linux/arm/v6", "linux/amd64"]).tar);
    const lines = String(files.get("images")).trim().split("\n");
    assert.deepStrictEqual(
      lines.map((one) => one.split(" ").length),
      [3, 3],
    );
    assert.deepStrictEqual(
      lines.map((one) => one.split(" ")[0]),
      ["arm/v6", "amd64"],
    );
    for (const digest of lines.flatMap((one) => one.split(" ").slice(1)))
      assert.ok(files.has(`blobs/${digest.replace(":", "/")}`), digest);
  });

  it("holds the binaries as /pause, and nothing else", () => {
    const files = filesOfTar(ours.tar);
    const layers = [...files.values()].filter((bytes) => bytes.subarray(257, 262).toString() === "ustar");
    assert.deepStrictEqual(
      layers.flatMap((layer) => [...filesOfTar(layer)].map(([name, bytes]) => `${name} ${sha256(bytes)}`)).sort(),
      ["amd64", "arm64"]
        .map((arch) => fs.readFileSync(path.join(__dirname, `../../image/binaries/pause-linux-${arch}`)))
        .map((bytes) => `pause ${sha256(bytes)}`)
        .sort(),
    );
  });
});

describe("an archive of somebody else", () => {
  const blobs = [...filesOfTar(ours.tar)].map(([name, bytes]) => ({ name, bytes }));
  const config = Buffer.from('{"architecture":"amd64","os":"linux"}');
  const layer = tarOf([{ name: "pause", bytes: Buffer.from("pause") }]);
  const manifest = (...images: object[]) => ({ name: "manifest.json", bytes: Buffer.from(JSON.stringify(images)) });
  const image = { Config: "c.json", RepoTags: null, Layers: ["l/layer.tar"] };
  const saved = [
    { name: "c.json", bytes: config },
    { name: "l/layer.tar", bytes: layer },
  ];

  it("keeps the digest of its image, whatever else is in it", () => {
    const read = readArchive(tarOf([...blobs, { name: "README", bytes: Buffer.from("x") }]));
    assert.deepStrictEqual([read.digest, read.tar.equals(ours.tar)], [ours.digest, true]);
  });

  it("may be a docker save: the config, and so the image's ID, stays", () => {
    const files = filesOfTar(readArchive(tarOf([...saved, manifest(image)])).tar);
    assert.ok(files.get(`blobs/sha256/${sha256(config)}`)?.equals(config));
    assert.ok(files.get(`blobs/sha256/${sha256(layer)}`)?.equals(layer));
    assert.strictEqual(String(files.get("images")), `amd64 sha256:${sha256(config)} sha256:${sha256(layer)}\n`);
  });

  it("may have several names: docker save and ctr export then name its image twice", () => {
    const twice = blobs.map(({ name, bytes }) => {
      if (name !== "index.json") return { name, bytes };
      const index = JSON.parse(String(bytes)) as { manifests: object[] };
      const manifests = ["a", "b"].map((tag) => ({
        ...index.manifests[0],
        annotations: { "io.containerd.image.name": tag },
      }));
      return { name, bytes: Buffer.from(JSON.stringify({ ...index, manifests })) };
    });
    assert.strictEqual(readArchive(tarOf(twice)).digest, ours.digest);
  });

  it("is read the same gzipped, and refused by the figures where it unpacks to more than is carried", () => {
    assert.strictEqual(readArchive(gzipSync(ours.tar)).digest, ours.digest);
    assert.throws(
      () => readArchive(gzipSync(Buffer.alloc(LARGEST_ARCHIVE + 1))),
      /it cannot be unpacked .*; at most 2097152 bytes/,
    );
  });

  for (const [what, file, why] of [
    ["no tar", Buffer.alloc(2048, "x"), /no tar archive/],
    ["cut off", ours.tar.subarray(0, 1600), /cut off/],
    ["no image", tarOf([{ name: "x", bytes: Buffer.from("x") }]), /no index\.json and no manifest\.json/],
    ["two images", tarOf([...saved, manifest(image, image)]), /names 2 images; it must be exactly one/],
    ["too large", Buffer.alloc(LARGEST_ARCHIVE + 1), /it has 2097153 bytes, and at most 2097152/],
    ["without a blob", tarOf(blobs.slice(0, -1)), /lacks the blob sha256:/],
    [
      "with a blob that is another",
      tarOf(blobs.map(({ name, bytes }, i) => ({ name, bytes: i === 3 ? Buffer.from("other") : bytes }))),
      /has other bytes than its name says/,
    ],
  ] as const) {
    it(`is refused: ${what}`, () => {
      assert.throws(() => readArchive(file), why);
    });
  }
});

describe("PauseImage with source carried", () => {
  const make = async (args: PauseImageArgs) => {
    const seen: Record<string, unknown> = {};
    const all = await run(() => {
      const image = new PauseImage("image", { source: Carried, ...args });
      const { reference, digest, archive } = image;
      pulumi.all({ reference, digest, archive }).apply((known) => Object.assign(seen, known));
    });
    return { all: all.map(line), seen };
  };

  it("registers no image, has a name of its own, and knows the digest at once", async () => {
    const { all, seen } = await make({});
    assert.deepStrictEqual(all, ["pause-sandbox:index:PauseImage image < stack"]);
    assert.strictEqual(seen.reference, "localhost/pause-sandbox/pause:1.0.0");
    assert.strictEqual(seen.digest, ours.digest);
    assert.match(String(seen.archive), /^\.\/node_modules\/\.cache\/pause-sandbox\/archive\/[0-9a-f]{64}\.tar$/);
    assert.ok(fs.readFileSync(String(seen.archive)).equals(ours.tar));
  });

  it("takes an archive of somebody else, under the name that is given", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-archive-"));
    const archive = path.join(folder, "pause.tar");
    fs.writeFileSync(archive, pauseArchive(["linux/s390x"]).tar);
    const { seen } = await make({ archive, reference: REFERENCE });
    assert.deepStrictEqual([seen.reference, seen.digest], [REFERENCE, pauseArchive(["linux/s390x"]).digest]);
    // State must not depend on where a checkout lies.
    assert.match(String(seen.archive), /^\.\/node_modules\//);
    const relative = path.relative(process.cwd(), archive);
    assert.strictEqual((await make({ archive: relative, reference: REFERENCE })).seen.digest, seen.digest);
    fs.rmSync(folder, { recursive: true });
  });

  for (const [args, words] of [
    [{ publicKey: "-----BEGIN PUBLIC KEY-----" }, ["publicKey", "a signature is read from a registry"]],
    [{ signing: { privateKey: "x" } }, ["signing", "nothing is pushed"]],
    [{ login: { username: "u", password: "p" } }, ["login", "nothing is pushed"]],
    [{ digest: DIGEST }, ["digest", "left out with source carried"]],
    [{ platforms: ["linux/mips"] }, ["platforms[0]"]],
    [{ archive: "/does/not/exist.tar" }, ["archive", "ENOENT", "reference"]],
    [{ archive: "package.json", reference: REFERENCE }, ["archive", "it is no tar archive"]],
    [
      { archive: "package.json", reference: REFERENCE, platforms: ["linux/amd64"] },
      ["platforms", "left out with archive"],
    ],
  ] as const) {
    it(`refuses ${Object.keys(args).join(" with ")}: ${words[words.length - 1] ?? ""}`, async () => {
      await refused(() => new PauseImage("image", { source: Carried, ...(args as PauseImageArgs) }), [...words]);
    });
  }

  it("is the only source that has an archive", async () => {
    await refused(
      () => new PauseImage("image", { reference: REFERENCE, archive: "pause.tar" }),
      ["archive", "left out with source build"],
    );
  });
});

describe("a node with a carried image", () => {
  it("gets it in the script's file, and the command has its fingerprint", async () => {
    const nodes = [{ name: "node-1", connection }];
    const all = await run(() => new PauseSandbox("pause", { image: { source: Carried }, nodes }));
    const { create, stdin } = all.find(({ name }) => name === "pause-node-1")?.inputs as Record<string, string>;
    assert.ok(split(String(create)).includes(`archive-sha256=${sha256(ours.tar)}`));
    assert.strictEqual(stdin, `digest ${ours.digest}\n`);
    const { source } = all.find(({ name }) => name === "pause-node-1-script")?.inputs as { source: { path: string } };
    assert.ok(fs.readFileSync(source.path, "utf8").includes(`\nfile_archive='${packedArchive(ours)}'\n`));
  });

  it("is asked to trust no registry", async () => {
    const nodes = [{ name: "node-1", connection }];
    const trust = { mirrors: ["https://m.example.com"], login: { username: "u", password: "p" } };
    await refused(
      () => new PauseSandbox("pause", { image: { source: Carried }, nodes, trust }),
      ["trust.mirrors", "trust.login", "left out with a carried image"],
    );
  });

  it("is refused another digest than the archive's", async () => {
    const archive = path.join(os.tmpdir(), `pause-sandbox-${process.pid}.tar`);
    fs.writeFileSync(archive, ours.tar);
    const args = { connection, reference: REFERENCE, archive, digest: DIGEST };
    await refused(() => new SandboxNode("node-1", args), ["digest", "the digest of the image in archive"]);
    fs.rmSync(archive);
  });

  it("takes all platforms without sftp, and is refused more by the figure", () => {
    const archive = packedArchive(pauseArchive(PLATFORMS));
    assert.ok(commandLine("apply", [], { user: "root", archive }).length > 0);
    const refusal =
      /the command with script and image has 1[3-5]\d{4} bytes, packed, and a node without sftp takes 131071/;
    assert.throws(() => commandLine("apply", [], { user: "root", archive: unpackable(64_000) }), refusal);
    // The settings are in the same command: sshd gives all of it to the log-in shell as one argument.
    const command = (image: string) => commandLine("apply", [["image", image]], { user: "root", archive: half });
    const half = unpackable(24_000);
    const room = 131_071 - command("").length;
    assert.strictEqual(command("x".repeat(room)).length, 131_071);
    assert.throws(() => command("x".repeat(room + 1)), /has 131072 bytes, packed/);
  });

  /** Bytes that no packing makes shorter, in base64. */
  function unpackable(length: number): string {
    const bytes = Array.from({ length: length / 32 }, (_, i) => createHash("sha256").update(String(i)).digest());
    return Buffer.concat(bytes).toString("base64");
  }
});
