/** Signatures of an image in real registries: what signs writes them, and what verifies reads them. */
import { strict as assert } from "node:assert";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

import { pushBlob, pushIndex, send } from "./handmade";
import { digestOf, SmallRegistry } from "./smallRegistry";
import { Repository } from "../../../components/registry/repository";
import { statementOf } from "../../../components/registry/signing/bundles";
import { claimsOf } from "../../../components/registry/signing/claims";
import type { SignedImage } from "../../../components/registry/signing/failures";
import { SIGNATURE, signImage, verifyImage } from "../../../components/registry/signing/signedImage";
import { prebuiltContext } from "../../../image/compile";
import { Registry } from "../../support/registry";

const REPOSITORY = "platform/pause";
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

const keyPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

describe("the signature of an image", function () {
  this.timeout(60_000);
  let registry: Registry;
  let image: SignedImage;
  const { privateKey, publicKey } = keyPair();
  const other = keyPair();
  const login = Registry.user;

  before(async () => {
    registry = await Registry.start();
  });
  after(() => {
    registry.stop();
  });
  let tag = 0;
  beforeEach(async () => {
    const platform = { os: "linux", architecture: `test${++tag}` };
    const digest = await pushIndex(registry, REPOSITORY, `${tag}`, [platform]);
    image = { reference: `${registry.host}/${REPOSITORY}:${tag}`, digest };
  });

  const attached = async ({ digest } = image) => {
    const { content } = await registry.manifest(REPOSITORY, digest.replace(":", "-"));
    return content.manifests as unknown as { artifactType: string; annotations: Record<string, string> }[];
  };

  it("is written as cosign does, and a second run of who signs attaches nothing", async () => {
    assert.deepEqual(await signImage(image, [SIGNATURE], privateKey, login), [SIGNATURE]);
    await verifyImage(image, publicKey, login);
    assert.deepEqual(await signImage(image, [SIGNATURE], privateKey, login), []);
    const [referrer, ...others] = await attached();
    assert.equal(others.length, 0);
    assert.equal(referrer?.artifactType, BUNDLE);
    assert.equal(referrer.annotations["dev.sigstore.bundle.content"], "dsse-envelope");
    assert.equal(referrer.annotations["dev.sigstore.bundle.predicateType"], SIGNATURE.predicateType);

    const repository = await Repository.open(`${registry.host}/${REPOSITORY}`, login);
    const bundles = repository.bundles(await repository.referrers(image.digest), SIGNATURE.predicateType);
    const { value: found } = (await bundles.next()) as { value?: { json?: string } };
    const bundle = found?.json ?? "";
    const { mediaType, verificationMaterial, dsseEnvelope } = JSON.parse(bundle) as {
      mediaType: string;
      verificationMaterial: { publicKey: { hint: string } };
      dsseEnvelope: { payload: string; payloadType: string };
    };
    const der = publicKey.export({ format: "der", type: "spki" });
    assert.equal(mediaType, BUNDLE);
    assert.equal(verificationMaterial.publicKey.hint, createHash("sha256").update(der).digest("base64"));
    assert.equal(dsseEnvelope.payloadType, "application/vnd.in-toto+json");
    assert.deepEqual(JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString()), {
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ digest: { sha256: image.digest.slice("sha256:".length) } }],
      predicateType: "https://sigstore.dev/cosign/sign/v1",
      predicate: {},
    });
  });

  it("goes with provenance and SBOM of what was built here, which name each platform's file by its hash", async () => {
    const platforms = ["linux/amd64", "linux/arm64"];
    const build = { context: prebuiltContext({ platforms }), platforms, sourceUrl: "", buildFromSource: false };
    const claims = [SIGNATURE, ...(await claimsOf(build))];
    assert.equal((await signImage(image, claims, privateKey, login)).length, 3);
    const again = [SIGNATURE, ...(await claimsOf(build))];
    assert.deepEqual(await signImage(image, again, privateKey, login), [], "nothing in them changes from run to run");
    const types = (await attached()).map(({ annotations }) => annotations["dev.sigstore.bundle.predicateType"]);
    assert.deepEqual(types, [
      "https://sigstore.dev/cosign/sign/v1",
      "https://slsa.dev/provenance/v1",
      "https://cyclonedx.org/bom",
    ]);
    const [, provenance, sbom] = claims.map(({ predicate }) => JSON.stringify(predicate));
    for (const sum of await sumsOf(platforms)) {
      assert.ok(provenance?.includes(sum));
      assert.ok(sbom?.includes(sum));
    }
    assert.match(sbom ?? "", /"bomFormat":"CycloneDX".*"id":"Apache-2.0"/);
  });

  it("is verified by whoever has the key of a bundle that node:crypto alone made, from the specifications", async () => {
    await attachByHand(image, bundleByHand(statementOf(image.digest, SIGNATURE), privateKey));
    await verifyImage(image, publicKey, login);
  });

  it("is verified by its key alone, where cosign had a transparency log write it down too", async () => {
    const bundle = JSON.parse(bundleByHand(statementOf(image.digest, SIGNATURE), privateKey)) as {
      verificationMaterial: object;
    };
    const empty = Buffer.from("{}").toString("base64");
    const entry = {
      ...{ logIndex: "1", logId: { keyId: empty }, integratedTime: "1700000000", canonicalizedBody: empty },
      kindVersion: { kind: "dsse", version: "0.0.1" },
      inclusionPromise: { signedEntryTimestamp: empty },
      inclusionProof: {
        ...{ logIndex: "1", rootHash: empty, treeSize: "2", hashes: [] },
        checkpoint: { envelope: "-" },
      },
    };
    bundle.verificationMaterial = { ...bundle.verificationMaterial, tlogEntries: [entry] };
    await attachByHand(image, JSON.stringify(bundle));
    await verifyImage(image, publicKey, login);
    await refused(verifyImage(image, other.publicKey, login), /signature verification failed/);
  });

  const changed: [string, (of: SignedImage) => string, RegExp][] = [
    [
      "a statement about another image",
      () => bundleByHand(statementOf(`sha256:${"0".repeat(64)}`, SIGNATURE), privateKey),
      /1 found, none counts: it is of another image/,
    ],
    [
      "a signature by another key",
      (of) => bundleByHand(statementOf(of.digest, SIGNATURE), other.privateKey),
      /signature verification failed/,
    ],
    [
      "a payload that was altered",
      (of) => altered(bundleByHand(statementOf(`sha256:${"0".repeat(64)}`, SIGNATURE), privateKey), of),
      /signature verification failed/,
    ],
    [
      "a statement that says something else",
      (of) =>
        bundleByHand(statementOf(of.digest, { predicateType: "https://example.com/x", predicate: {} }), privateKey),
      /it says https:\/\/example.com\/x/,
    ],
    ["text that is no bundle", () => "{}", /1 found, none counts: /],
  ];
  for (const [what, bundle, why] of changed) {
    it(`is refused by who verifies, where it is ${what}`, async () => {
      await attachByHand(image, bundle(image));
      await refused(verifyImage(image, publicKey, login), why);
    });
  }

  it("is found by who verifies among those that do not count", async () => {
    await attachByHand(image, "{}");
    await signImage(image, [SIGNATURE], other.privateKey, login);
    await refused(verifyImage(image, publicKey, login), /2 found, none counts/);
    await signImage(image, [SIGNATURE], privateKey, login);
    await verifyImage(image, publicKey, login);
    await verifyImage(image, other.publicKey, login);
  });

  it("is missed by who verifies, with what is to be done", async () => {
    const said = await refused(verifyImage(image, publicKey, login), /none is there/);
    assert.match(said, /cosign sign --key cosign.key \S+\/platform\/pause@sha256:[0-9a-f]{64} /);
  });

  it("is not written or read by who has no login, and no password is printed", async () => {
    const wrong = { username: "pusher", password: "not the password" };
    for (const run of [signImage(image, [SIGNATURE], privateKey, wrong), verifyImage(image, publicKey, wrong)]) {
      const said = await refused(run, /answered 401 to GET https:.*docker login/);
      assert.ok(!said.includes(wrong.password));
    }
  });

  it("is not asked for where the image is not there", async () => {
    const lost = { ...image, digest: `sha256:${"1".repeat(64)}` };
    await refused(signImage(lost, [SIGNATURE], privateKey, login), /answered 404 to .* push it again/);
  });

  describe("in a registry that", () => {
    let small: SmallRegistry;
    afterEach(() => {
      small.stop();
    });
    const start = async (referrers: Parameters<typeof SmallRegistry.start>[0]): Promise<SignedImage> => {
      small = await SmallRegistry.start(referrers);
      return { reference: `${small.host}/pause:1`, digest: small.image() };
    };

    it("has OCI 1.1's referrers is written and read there, page by page, and no tag is", async () => {
      const its = await start("listed");
      await signImage(its, [SIGNATURE], other.privateKey, login);
      await signImage(its, [SIGNATURE], privateKey, login);
      await verifyImage(its, publicKey, login);
      await verifyImage(its, other.publicKey, login);
      assert.ok(![...small.manifests.keys()].some((name) => name.startsWith("sha256-")));
    });

    it("has them costs a run of who signed before reads alone", async () => {
      const its = await start("listed");
      await signImage(its, [SIGNATURE], privateKey, login);
      small.asked.length = 0;
      await signImage(its, [SIGNATURE], privateKey, login);
      // Asked twice: the first answer is that a login is wanted.
      assert.deepEqual(
        small.asked.map((line) => line.replace(/(\w+\/)sha256:.*/, "$1…")),
        [
          "GET /v2/pause/referrers/…",
          "GET /v2/pause/referrers/…",
          "GET /v2/pause/manifests/…",
          "GET /v2/pause/blobs/…",
        ],
      );
    });

    for (const [referrers, why] of [
      [
        "refused",
        /answered 400 to .*\/manifests\/sha256:.* takes nothing that refers to an image, it has no referrers/,
      ],
      ["tag refused", /answered 400 to .*\/manifests\/sha256-.* lets nobody write the tag that stands in for them/],
      ["forgotten", /does not give the signature back: it has no referrers/],
    ] as const) {
      it(`has none (${referrers}) is refused clearly to who signs`, async () => {
        const its = await start(referrers);
        const said = await refused(signImage(its, [SIGNATURE], privateKey, login), why);
        assert.match(said, /What to do: .*use a registry with OCI 1.1 referrers, or leave signing out/);
      });
    }
  });

  /** Requires a message that names the image and its registry. @returns it */
  async function refused(run: Promise<unknown>, why: RegExp): Promise<string> {
    const error = await run.then(
      () => assert.fail("nothing was refused"),
      (failure: unknown) => failure as Error,
    );
    assert.match(error.message, /^\S+:\w+@sha256:[0-9a-f]{64} .* registry [\d.]+:\d+.* What to do: \S/);
    assert.match(error.message, why);
    assert.ok(!error.message.includes("PRIVATE"));
    return error.message;
  }

  /** As the specifications of OCI 1.1 have it for a registry without the API. */
  async function attachByHand({ digest }: SignedImage, bundle: string): Promise<void> {
    const { content } = await registry.manifest(REPOSITORY, digest);
    const subject = { mediaType: content.mediaType, digest, size: 1 };
    const config = await pushBlob(registry, REPOSITORY, "application/vnd.oci.empty.v1+json", "{}");
    const layer = await pushBlob(registry, REPOSITORY, BUNDLE, bundle);
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: BUNDLE,
      config,
      layers: [layer],
      subject,
    };
    const text = JSON.stringify(manifest);
    await send(registry, "PUT", `/v2/${REPOSITORY}/manifests/${digestOf(text)}`, OCI_MANIFEST, text);
    const listed = { mediaType: OCI_MANIFEST, digest: digestOf(text), size: text.length, artifactType: BUNDLE };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [listed] });
    await send(registry, "PUT", `/v2/${REPOSITORY}/manifests/${digest.replace(":", "-")}`, OCI_INDEX, index);
  }
});

/** DSSE: what is signed are type and payload, each behind its length. */
function bundleByHand(statement: string, key: KeyObject): string {
  const payloadType = "application/vnd.in-toto+json";
  const signed = `DSSEv1 ${payloadType.length} ${payloadType} ${Buffer.byteLength(statement)} ${statement}`;
  const sig = sign("sha256", Buffer.from(signed), key).toString("base64");
  const payload = Buffer.from(statement).toString("base64");
  return JSON.stringify({
    mediaType: BUNDLE,
    verificationMaterial: { publicKey: { hint: "made by hand" } },
    dsseEnvelope: { payload, payloadType, signatures: [{ sig, keyid: "" }] },
  });
}

/** The bundle with a statement about this image instead, under the old signature. */
function altered(bundle: string, { digest }: SignedImage): string {
  const made = JSON.parse(bundle) as { dsseEnvelope: { payload: string } };
  made.dsseEnvelope.payload = Buffer.from(statementOf(digest, SIGNATURE)).toString("base64");
  return JSON.stringify(made);
}

async function sumsOf(platforms: readonly string[]): Promise<string[]> {
  const fs = await import("node:fs");
  const sums = fs.readFileSync("image/binaries/SHA256SUMS", "utf8");
  return platforms.map(
    (platform) => new RegExp(`^(\\w+)  pause-${platform.replace("/", "-")}$`, "m").exec(sums)?.[1] ?? "?",
  );
}
