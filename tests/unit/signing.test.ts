/** What a machine and a stack have to sign and verify with: keys, logins, authorities. */
import * as assert from "assert";
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, scryptSync } from "crypto";
import * as fs from "fs";
import * as os from "os";
import * as path from "path";
import { setTimeout } from "timers/promises";
import { secretbox } from "tweetnacl";

import { PauseImageSource, PauseSandbox } from "../../components";
import { authorities, dockerLogin } from "../../components/registry/access";
import { privateKeyOf } from "../../components/registry/signing/keys";
import { DIGEST, type Registered, run } from "../support/mocks";

const PASSWORD = "of the test";
const SUBJECT = 'PauseImage "pause"';

const keyPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const text = (key: string | Buffer): string => key.toString();

/** As `cosign generate-key-pair` writes one; its own N is 65536. */
function cosignKey(key: KeyObject, armour = "ENCRYPTED SIGSTORE PRIVATE KEY"): string {
  const [salt, nonce] = [randomBytes(32), randomBytes(24)];
  const params = { N: 1024, r: 8, p: 1 };
  const derived = scryptSync(PASSWORD, salt, 32, params);
  const der = new Uint8Array(key.export({ format: "der", type: "pkcs8" }));
  const ciphertext = Buffer.from(secretbox(der, new Uint8Array(nonce), new Uint8Array(derived))).toString("base64");
  const kdf = { name: "scrypt", params, salt: salt.toString("base64") };
  const json = JSON.stringify({ kdf, cipher: { name: "nacl/secretbox", nonce: nonce.toString("base64") }, ciphertext });
  const lines =
    Buffer.from(json)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${armour}-----`, ...lines, `-----END ${armour}-----`, ""].join("\n");
}

describe("a private key to sign with", () => {
  const { privateKey, publicKey } = keyPair();
  const encrypted = { cipher: "aes-256-cbc", passphrase: PASSWORD } as const;
  const forms: [string, string, string][] = [
    ["openssl genpkey", text(privateKey.export({ format: "pem", type: "pkcs8" })), ""],
    ["openssl ecparam -genkey", text(privateKey.export({ format: "pem", type: "sec1" })), ""],
    ["openssl pkcs8 -topk8", text(privateKey.export({ format: "pem", type: "pkcs8", ...encrypted })), PASSWORD],
    ["cosign generate-key-pair", cosignKey(privateKey), PASSWORD],
    ["cosign before it was sigstore's", cosignKey(privateKey, "ENCRYPTED COSIGN PRIVATE KEY"), PASSWORD],
  ];
  for (const [maker, pem, password] of forms) {
    it(`is read as ${maker} writes it`, async () => {
      assert.ok(createPublicKey(await privateKeyOf(SUBJECT, pem, password)).equals(publicKey));
    });
    if (password === "") continue;
    it(`of ${maker} is refused with another password, and neither is printed`, () =>
      assert.rejects(privateKeyOf(SUBJECT, pem, "another one"), (error: Error) => {
        assert.match(error.message, /^PauseImage "pause": signing\.privateKey: .* What to do: give signing\.password/);
        return !error.message.includes("another one") && !error.message.includes("BEGIN");
      }));
  }

  it("is refused where it is of another curve, or damaged", async () => {
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    const damaged =
      "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\ne30=\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";
    for (const pem of [text(p384.export({ format: "pem", type: "pkcs8" })), damaged]) {
      await assert.rejects(privateKeyOf(SUBJECT, pem), /it must be an EC P-256 private key in PEM/);
    }
  });
});

describe("a login for a registry", () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "signing-"));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });
  const auth = (login: string) => Buffer.from(login).toString("base64");
  const given = (config: object) => {
    fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  };

  it("is the one that docker login has left for this very host, and for no other", async () => {
    given({
      auths: { "r.example:5000": { auth: auth("pusher:with:colons") }, "https://q.example": { auth: auth("a:b") } },
    });
    assert.deepStrictEqual(await dockerLogin("r.example:5000", folder), {
      username: "pusher",
      password: "with:colons",
    });
    assert.deepStrictEqual(await dockerLogin("q.example", folder), { username: "a", password: "b" });
    for (const other of ["r.example", "example:5000", "r.example:500"]) {
      assert.strictEqual(await dockerLogin(other, folder), undefined);
    }
  });

  it("may be an identity token, and says so", async () => {
    given({ auths: { "r.example": { auth: auth("00000000-0000-0000-0000-000000000000:"), identitytoken: "abc" } } });
    assert.deepStrictEqual(await dockerLogin("r.example", folder), {
      ...{ username: "00000000-0000-0000-0000-000000000000", password: "abc", identityToken: true },
    });
  });

  it("of Docker Hub lies under the name that docker login gives it", async () => {
    given({ auths: { "https://index.docker.io/v1/": { auth: auth("hub:word") } } });
    assert.deepStrictEqual(await dockerLogin("docker.io", folder), { username: "hub", password: "word" });
  });

  it("is asked of docker's helper, where one keeps it", async () => {
    const helper = path.join(folder, "docker-credential-of-the-test");
    fs.writeFileSync(
      helper,
      '#!/bin/sh\nread -r host\necho "{\\"Username\\":\\"of $host\\",\\"Secret\\":\\"word\\"}"\n',
    );
    fs.chmodSync(helper, 0o755);
    const { PATH } = process.env;
    process.env.PATH = `${folder}${path.delimiter}${PATH ?? ""}`;
    try {
      given({ auths: { "r.example": {} }, credHelpers: { "r.example": "of-the-test" } });
      assert.deepStrictEqual(await dockerLogin("r.example", folder), { username: "of r.example", password: "word" });
    } finally {
      process.env.PATH = PATH;
    }
  });

  it("is nobody's where there is none, no helper and no file", async () => {
    assert.strictEqual(await dockerLogin("r.example", folder), undefined);
    given({ credsStore: "that-is-not-installed" });
    assert.strictEqual(await dockerLogin("r.example", folder), undefined);
  });

  it("is checked against the authorities that the docker engine knows for this host, beside all others", () => {
    fs.mkdirSync(path.join(folder, "r.example:5000"));
    fs.writeFileSync(path.join(folder, "r.example:5000", "ca.crt"), "the authority");
    fs.writeFileSync(path.join(folder, "r.example:5000", "client.key"), "no authority");
    const others = authorities("q.example", folder);
    assert.ok(others.length > 100, "Node.js's own");
    assert.deepStrictEqual(
      authorities("r.example:5000", folder).filter((pem) => !others.includes(pem)),
      ["the authority"],
    );
  });
});

describe("a node of an image that is not verified yet", () => {
  it("is not begun, and gets no script: both wait for the digest", async () => {
    const connection = { host: "10.0.0.1", hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExample" };
    const nodes = [{ name: "worker-1", connection }];
    const registered: Registered[] = [];
    const names = () => registered.map(({ name }) => name).filter((name) => name !== "project-stack");
    let before: string[] = [];
    await run(async () => {
      let verified: (digest: string) => void = () => undefined;
      const digest = new Promise<string>((resolve) => (verified = resolve));
      const image = { reference: "r.example/pause:1", source: PauseImageSource.Existing, digest };
      new PauseSandbox("pause", { image, nodes });
      while (!names().includes("pause-image")) await setTimeout(10);
      // What does not wait comes now.
      await setTimeout(500);
      before = names();
      verified(DIGEST);
    }, registered);
    assert.deepStrictEqual(before, ["pause", "pause-image"]);
    assert.deepStrictEqual(names().sort(), ["pause", "pause-image", "pause-worker-1", "pause-worker-1-script"]);
  });
});
