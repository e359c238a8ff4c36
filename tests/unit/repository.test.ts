/** What a registry can do to those who read and write signatures there: over real TLS, with answers of a hostile one. */
import { strict as assert } from "node:assert";
import { createHash, generateKeyPairSync } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";

import { signedBundle, statementOf } from "../../components/registry/signing/bundles";
import type { SignedImage } from "../../components/registry/signing/failures";
import { SIGNATURE, signImage, verifyImage } from "../../components/registry/signing/signedImage";
import { Certificates } from "../doctor/servers";

const LOGIN = { username: "bob", password: "hunter2" };
const BASIC = `Basic ${Buffer.from("bob:hunter2").toString("base64")}`;
const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const DIGEST = `sha256:${"d".repeat(64)}`;

const digestOf = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

type Handler = (path: string, request: IncomingMessage, response: ServerResponse) => void;

describe("a registry that is asked for signatures", function () {
  this.timeout(30_000);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certificates = new Certificates();
  const servers: http.Server[] = [];
  const before_ = process.env.SSL_CERT_FILE;
  let tls: { cert: string; key: string };
  before(() => {
    const pair = certificates.make({ name: "registry of a test", names: undefined });
    const leaf = certificates.make({ name: "127.0.0.1", names: "IP:127.0.0.1", signer: pair });
    process.env.SSL_CERT_FILE = `${pair.file}.pem`;
    tls = leaf;
  });
  after(() => {
    if (before_ === undefined) delete process.env.SSL_CERT_FILE;
    else process.env.SSL_CERT_FILE = before_;
    certificates.remove();
  });
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** @returns `127.0.0.1:<port>` */
  async function serve(handler: Handler, secure = true): Promise<string> {
    const listener: http.RequestListener = (request, response) => {
      request.resume();
      handler(request.url ?? "", request, response);
    };
    const server = secure ? https.createServer(tls, listener) : http.createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Somebody else, who notes what they are sent as a login. */
  async function listener(secure: boolean) {
    const heard: (string | undefined)[] = [];
    const host = await serve((_path, { headers }, response) => {
      heard.push(headers.authorization);
      response.writeHead(200, { "content-type": INDEX }).end('{"manifests":[],"token":"theirs"}');
    }, secure);
    return { heard, url: `${secure ? "https" : "http"}://${host}/stolen` };
  }

  const imageAt = (host: string): SignedImage => ({ reference: `${host}/pause:1`, digest: DIGEST });
  const failure = (run: Promise<unknown>): Promise<string> =>
    run.then(
      () => "nothing was refused",
      (error: unknown) => (error as Error).message,
    );

  describe("and sends on", () => {
    /** Wants Basic, and then does what the test says. */
    const wanting =
      (then: Handler): Handler =>
      (path, request, response) => {
        if (request.headers.authorization === BASIC) then(path, request, response);
        else response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      };

    for (const status of [301, 302, 303, 307, 308]) {
      it(`with ${status} to plain HTTP is not followed there`, async () => {
        const thief = await listener(false);
        const host = await serve(
          wanting((_path, _request, response) => response.writeHead(status, { location: thief.url }).end()),
        );
        const said = await failure(verifyImage(imageAt(host), publicKey, LOGIN));
        assert.match(said, /sends on to http:\/\/\S+, which is not TLS.*What to do: give the registry TLS/);
        assert.deepEqual(thief.heard, []);
      });
    }

    it("to another server with TLS is followed there without the login, as to a store of blobs", async () => {
      const other = await listener(true);
      const host = await serve(
        wanting((_path, _request, response) => response.writeHead(307, { location: other.url }).end()),
      );
      assert.match(await failure(verifyImage(imageAt(host), publicKey, LOGIN)), /none is there/);
      assert.deepEqual(other.heard, [undefined]);
    });

    it("in a circle is not followed for ever", async () => {
      let asked = 0;
      const host = await serve((path, _request, response) => {
        asked++;
        response.writeHead(307, { location: path }).end();
      });
      assert.match(await failure(verifyImage(imageAt(host), publicKey, LOGIN)), /sends on more than 5 times/);
      assert.ok(asked < 10);
    });

    it("an upload to plain HTTP is sent nothing, and to another server no login", async () => {
      for (const secure of [false, true]) {
        const other = await listener(secure);
        const host = await serve(
          wanting((path, { method }, response) => {
            if (method === "POST") response.writeHead(202, { location: other.url }).end();
            else if (path.includes("/referrers/"))
              response.writeHead(200, { "content-type": INDEX }).end('{"manifests":[]}');
            else response.writeHead(200, { "content-type": INDEX }).end("{}");
          }),
        );
        await failure(signImage(imageAt(host), [SIGNATURE], privateKey, LOGIN));
        assert.deepEqual(other.heard, secure ? [undefined] : []);
      }
    });
  });

  it("and gives logins out over plain HTTP is sent none", async () => {
    const thief = await listener(false);
    for (const realm of [thief.url, thief.url.replace("127.0.0.1", "localhost")]) {
      const host = await serve((_path, _request, response) => {
        response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="x"` }).end();
      });
      for (const run of [
        verifyImage(imageAt(host), publicKey, LOGIN),
        signImage(imageAt(host), [SIGNATURE], privateKey, LOGIN),
      ]) {
        assert.match(await failure(run), /gives logins out at http:\/\/\S+, which is not TLS/);
      }
    }
    assert.deepEqual(thief.heard, []);
  });

  it("is given an identity token as OAuth 2 has it: in the body, for an access token", async () => {
    const heard: string[] = [];
    const giver = await serve((_path, request, response) => {
      let body = "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => {
        heard.push(`${request.method ?? ""} ${request.headers.authorization ?? "no login"} ${body}`);
        response.writeHead(200).end('{"access_token":"theirs"}');
      });
    });
    const host = await serve((_path, request, response) => {
      if (request.headers.authorization === "Bearer theirs")
        response.writeHead(200, { "content-type": INDEX }).end("{}");
      else response.writeHead(401, { "www-authenticate": `Bearer realm="https://${giver}/t",service="s"` }).end();
    });
    const login = { username: "", password: "my token", identityToken: true } as const;
    await failure(verifyImage(imageAt(host), publicKey, login));
    assert.deepEqual(heard, [
      "POST no login grant_type=refresh_token&client_id=pause-sandbox&refresh_token=my+token&service=s&scope=repository%3Apause%3Apull",
    ]);
  });

  it("and gives out a token that is none, or names no server for it, is refused in words", async () => {
    for (const realm of ["not a url", "https://"]) {
      const host = await serve((_path, _request, response) => {
        response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
      });
      assert.match(
        await failure(verifyImage(imageAt(host), publicKey, LOGIN)),
        /gives logins out at ".*", which is no URL/,
      );
    }
    for (const token of [5, "two\r\nlines", { a: 1 }]) {
      const giver = await serve((_path, _request, response) => response.writeHead(200).end(JSON.stringify({ token })));
      const host = await serve((_path, _request, response) => {
        response.writeHead(401, { "www-authenticate": `Bearer realm="https://${giver}/t"` }).end();
      });
      assert.match(await failure(verifyImage(imageAt(host), publicKey, LOGIN)), /gave no token/);
    }
  });

  describe("and has a good signature beside", () => {
    /** @param referrers What is listed; `good` stands for the good one. */
    async function having(
      referrers: readonly unknown[],
      manifests: Readonly<Record<string, string>> = {},
      blobs: Readonly<Record<string, string>> = {},
    ): Promise<{ run: Promise<void>; asked: () => number }> {
      const bundle = await signedBundle(statementOf(DIGEST, SIGNATURE), privateKey);
      const manifest = JSON.stringify({ layers: [{ mediaType: BUNDLE, digest: digestOf(bundle) }] });
      const good = { digest: digestOf(manifest), artifactType: BUNDLE };
      const texts: Record<string, string> = {
        ...manifests,
        ...blobs,
        [digestOf(bundle)]: bundle,
        [good.digest]: manifest,
      };
      let asked = 0;
      const host = await serve((path, _request, response) => {
        asked++;
        if (path.includes("/referrers/")) {
          const listed = referrers.map((one) => (one === "good" ? good : one));
          response.writeHead(200, { "content-type": INDEX }).end(JSON.stringify({ manifests: listed }));
          return;
        }
        const text = texts[path.split("/").pop() ?? ""];
        response.writeHead(text === undefined ? 404 : 200, { "content-type": MANIFEST }).end(text);
      });
      return { run: verifyImage(imageAt(host), publicKey), asked: () => asked };
    }

    const layer = (mediaType: unknown, digest: unknown): string => JSON.stringify({ layers: [{ mediaType, digest }] });
    const one = { digest: `sha256:${"1".repeat(64)}`, artifactType: BUNDLE };
    const cases: [string, unknown, Record<string, string>?, Record<string, string>?][] = [
      ["nothing at all", null],
      ["a number", 5],
      ["no digest", { artifactType: BUNDLE }],
      ["a digest that leads elsewhere", { ...one, digest: "../../../v2/other" }],
      ["another artifact type", { ...one, artifactType: 5 }],
      ["annotations that are none", { ...one, annotations: 5 }],
      ["a manifest that is gone", one],
      ["a manifest that is null", one, { [one.digest]: "null" }],
      ["a manifest that is no JSON", one, { [one.digest]: "{" }],
      ["layers that are no list", one, { [one.digest]: '{"layers":5}' }],
      ["a layer that is null", one, { [one.digest]: '{"layers":[null]}' }],
      ["a layer of a type that is no text", one, { [one.digest]: layer(5, "x") }],
      ["a blob that was collected", one, { [one.digest]: layer(BUNDLE, `sha256:${"2".repeat(64)}`) }],
      [
        "a blob of other bytes",
        one,
        { [one.digest]: layer(BUNDLE, `sha256:${"2".repeat(64)}`) },
        { [`sha256:${"2".repeat(64)}`]: "null" },
      ],
    ];
    for (const [what, referrer, manifests, blobs] of cases) {
      it(`one with ${what} has it found`, async () => {
        await (
          await having([referrer, "good"], manifests, blobs)
        ).run;
      });
    }

    it("thousands that count for nothing looks at so many, and says it", async () => {
      const junk = Array.from({ length: 1500 }, (_, i) => ({
        ...one,
        digest: `sha256:${String(i).padStart(64, "0")}`,
      }));
      const { run, asked } = await having([...junk, "good"]);
      assert.match(await failure(run), /1501 are listed, and the first 200 were looked at/);
      assert.ok(asked() < 250);
    });
  });

  it("and answers without an end is not read for ever", async () => {
    const host = await serve((_path, _request, response) => {
      response.writeHead(200, { "content-type": INDEX });
      const chunk = Buffer.alloc(1 << 20, " ");
      const more = () => {
        while (!response.destroyed && response.write(chunk));
        response.once("drain", more);
      };
      more();
    });
    const peak = process.memoryUsage().rss;
    assert.match(await failure(verifyImage(imageAt(host), publicKey)), /more than 4 MiB/);
    assert.ok(process.memoryUsage().rss - peak < 200 << 20);
  });

  it("and has a bundle with a certificate in the place of a key is refused for that", async () => {
    const bundle = JSON.parse(await signedBundle(statementOf(DIGEST, SIGNATURE), privateKey)) as object;
    const certificate = { certificate: { rawBytes: Buffer.from("x").toString("base64") } };
    const text = JSON.stringify({ ...bundle, verificationMaterial: { ...certificate, tlogEntries: [] } });
    const manifest = JSON.stringify({ layers: [{ mediaType: BUNDLE, digest: digestOf(text) }] });
    const host = await serve((path, _request, response) => {
      response.writeHead(200, { "content-type": INDEX });
      if (path.includes("/referrers/")) response.end(JSON.stringify({ manifests: [{ digest: digestOf(manifest) }] }));
      else response.end(path.includes("/manifests/") ? manifest : text);
    });
    assert.match(
      await failure(verifyImage(imageAt(host), publicKey)),
      /1 found, none counts: it is not signed with a key/,
    );
  });
});
