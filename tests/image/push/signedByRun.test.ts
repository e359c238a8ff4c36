/** Runs of the real engine that sign what they push, or ask for a signature. */
import * as pulumi from "@pulumi/pulumi";
import { strict as assert } from "node:assert";
import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { type PauseImageArgs, PauseImageSource } from "../../../components";
import { Registry, removeImages } from "../../support/registry";
import { pushIndex } from "./handmade";
import { Program, toolFolders } from "./program";
import { Proxy } from "./proxy";

const REPOSITORY = "platform/pause";
const VERSION = "1.0.0";
const SIGNATURE = "https://sigstore.dev/cosign/sign/v1";

const keyPair = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const password = "s3cret of the key";
  const encrypted = { format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: password } as const;
  return {
    signing: { privateKey: privateKey.export(encrypted).toString(), password },
    publicKey: publicKey.export({ format: "pem", type: "spki" }).toString(),
  };
};

describe("a run with a signed PauseImage", function () {
  // A bound, not a pace, as for those that push alone.
  this.timeout(600_000);
  let registry: Registry;
  let proxy: Proxy;
  let program: Program;
  const { signing, publicKey } = keyPair();
  const other = keyPair();

  // On a bare machine the engine and a plugin are built first, while another lane builds the lab's tools.
  before("the engine and its plugins", function () {
    this.timeout("40m");
    toolFolders();
  });
  beforeEach(async () => {
    registry = await Registry.start();
    proxy = await Proxy.start(registry);
    program = Program.make([registry]);
  });
  afterEach(async () => {
    const hosts = [proxy.host, registry.host];
    proxy.stop();
    registry.stop();
    program.remove();
    for (const host of hosts) await removeImages(host);
  });

  const image = (changed: Partial<PauseImageArgs> = {}): PauseImageArgs => ({
    reference: `${proxy.host}/${REPOSITORY}:${VERSION}`,
    login: Registry.user,
    platforms: ["linux/amd64"],
    ...changed,
  });
  const attachedTo = async (digest: string) => {
    const { content } = await registry.manifest(REPOSITORY, digest.replace(":", "-"));
    return (content.manifests as unknown as { annotations: Record<string, string> }[]).map(
      ({ annotations }) => annotations["dev.sigstore.bundle.predicateType"],
    );
  };
  const failed = async (run: Promise<unknown>, why: RegExp): Promise<void> => {
    const before = program.digestsSeen.length;
    await assert.rejects(run, (error: Error) => {
      assert.match(error.message, why);
      assert.ok(!/^\s+at /m.test(error.message), "it has no stack trace");
      return true;
    });
    assert.equal(program.digestsSeen.length, before, "nothing that waits for the digest has begun");
  };

  it("signs what it pushes with provenance and SBOM, keeps the key secret, and attaches nothing again", async () => {
    await program.preview(image({ signing, publicKey }));
    assert.deepEqual(proxy.asked, [], "a preview asks nothing");

    const { digest, raw } = await program.up(image({ signing, publicKey }));
    const expected = [SIGNATURE, "https://slsa.dev/provenance/v1", "https://cyclonedx.org/bom"];
    assert.deepEqual(await attachedTo(digest), expected);
    assert.match(raw.stdout, new RegExp(`${VERSION}@${digest} is signed in registry ${proxy.host}: ${SIGNATURE}, `));

    proxy.reset();
    const again = await program.up(image({ signing, publicKey }), { expectNoChanges: true });
    assert.deepEqual(proxy.written, [], "only looked up");
    assert.ok(proxy.asked.length < 20, `${proxy.asked.length} requests`);
    assert.equal(again.digest, digest);
    assert.doesNotMatch(again.raw.stdout, /is signed in registry/);

    const texts = [raw.stdout, raw.stderr, JSON.stringify(raw.outputs)];
    for (const entry of fs.readdirSync(program.state, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) texts.push(fs.readFileSync(path.join(entry.parentPath, entry.name), "utf8"));
    }
    for (const text of texts) assert.ok(!/PRIVATE KEY|s3cret of the key/.test(text));
  });

  it("signs a mirror without provenance and SBOM: it was built by somebody else", async () => {
    const upstream = await Registry.start();
    const trusting = Program.make([registry, upstream]);
    try {
      await pushIndex(upstream, "pause", "3.10", [{ os: "linux", architecture: "amd64" }]);
      trusting.dockerLogin(upstream);
      const mirror = { source: PauseImageSource.Mirror, mirrorOf: `${upstream.host}/pause:3.10`, platforms: undefined };
      // As a stack's configuration gives them.
      const secret = pulumi.secret({ ...signing, password: pulumi.secret(signing.password) });
      const { digest, raw } = await trusting.up(
        image({ ...mirror, signing: secret, publicKey: pulumi.secret(publicKey) }),
      );
      assert.equal(raw.outputs.digest?.secret, false, "the digest is no secret");
      assert.deepEqual(await attachedTo(digest), [SIGNATURE]);
    } finally {
      trusting.remove();
      upstream.stop();
    }
  });

  it("ends before a node where an existing image has no signature by the key, or one by another key", async () => {
    program.dockerLogin(registry);
    const digest = await pushIndex(registry, REPOSITORY, VERSION, [{ os: "linux", architecture: "amd64" }]);
    const existing = (key: string): PauseImageArgs => ({
      reference: `${registry.host}/${REPOSITORY}:${VERSION}`,
      source: PauseImageSource.Existing,
      digest,
      publicKey: key,
    });
    const before = process.env.DOCKER_CONFIG;
    process.env.DOCKER_CONFIG = program.dockerConfig;
    try {
      await failed(
        program.up(existing(publicKey)),
        /error: .* has no signature by publicKey .*none is there.* No node/,
      );
      const { reference } = existing("");
      const signer = Program.make([registry]);
      const signed = await signer.up(image({ reference, login: Registry.user, platforms: ["linux/arm64"], signing }));
      signer.remove();
      const its = { ...existing(publicKey), digest: signed.digest };
      await failed(
        program.up({ ...its, publicKey: other.publicKey }),
        /has no signature by publicKey .*1 found, none counts: signature verification failed/,
      );
      assert.equal((await program.up(its)).digest, signed.digest);
    } finally {
      if (before === undefined) delete process.env.DOCKER_CONFIG;
      else process.env.DOCKER_CONFIG = before;
    }
  });

  it("pushes nothing where the key cannot be read with its password, and prints neither", async () => {
    const wrong = { ...signing, password: "another password" };
    await failed(program.up(image({ signing: wrong })), /signing\.privateKey: the private key cannot be read/);
    assert.deepEqual(proxy.written, []);
  });
});
