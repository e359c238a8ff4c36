/** Why an image does not come from its registry: connection, certificates, answers. */
import { strict as assert } from "node:assert";
import { X509Certificate } from "node:crypto";

import { diagnose } from "../../doctor/diagnose";
import type { Facts } from "../../doctor/facts";
import { healingConfig } from "../../doctor/heal";
import type { Walk } from "../../doctor/judge/wire";
import { type Cause, examined, itNames, NAME, pairs, withRegistry, withStatus, YEAR } from "./examined";
import { CLOCK, factsOf } from "./nodeFacts";
import { type Answers, having } from "./servers";

const untrusted = (image: string): Facts => factsOf(image);
const bearer: Answers = (path, { authorization }) => {
  if (path.startsWith("/token")) return { status: 200, body: { token: "anybody" } };
  if (authorization === "Bearer anybody") return having("amd64")(path, {});
  return { status: 401, headers: { "www-authenticate": `Bearer realm="https://${NAME}:@PORT@/token",service="lab"` } };
};

const CAUSES: Cause[] = [
  { what: "nothing", code: undefined, verdict: /^worker-7: all is well/ },
  {
    what: "an unknown root that is sent along",
    tls: ({ root, leaf }) => ({ cert: leaf.cert + root.cert, key: leaf.key }),
    node: untrusted,
    code: "PS-D001",
    verdict:
      /no Pod can start\. The registry's chain ends at "Bank Root CA G2", which containerd does not trust for registry\.bank\.example:\d+\.$/,
  },
  {
    what: "an unknown root that is not sent",
    node: untrusted,
    code: "PS-D001",
    verdict: /"Bank Root CA G2".*sent 1 certificate, but not this one\.$/,
  },
  {
    what: "a proxy that signs again",
    tls: ({ other }) => other,
    code: "PS-D001",
    verdict: /chain ends at "Inspection Proxy"/,
  },
  {
    what: "a missing intermediate certificate",
    tls: ({ under }) => under,
    code: "PS-D002",
    verdict: /does not send its intermediate certificate: "Bank Issuing CA 3"/,
  },
  {
    what: "nothing, where the intermediate is sent",
    tls: ({ under, middle }) => ({ cert: under.cert + middle.cert, key: under.key }),
    code: undefined,
    verdict: /all is well/,
  },
  {
    what: "a certificate that has expired",
    ourSeconds: CLOCK + YEAR,
    node: (_, facts) => ({
      ...facts,
      host: { name: "worker-7", architecture: "amd64", epochSeconds: CLOCK + YEAR },
    }),
    code: "PS-D003",
    verdict: /not valid now: "registry\.bank\.example" was valid until/,
  },
  {
    what: "a clock that is behind",
    node: (_, facts) => ({
      ...facts,
      host: { name: "worker-7", architecture: "amd64", epochSeconds: CLOCK - 9 * YEAR },
    }),
    code: "PS-D004",
    verdict: /clock is 9 years behind .*valid from/,
  },
  {
    what: "a certificate for another name",
    tls: ({ root, certificates }) => certificates.make({ name: "x", signer: root, names: "DNS:other.bank.example" }),
    code: "PS-D005",
    verdict: /certificate for another name: .*other\.bank\.example/,
  },
  { what: "a registry without TLS", tls: () => undefined, code: "PS-D006", verdict: /answers without TLS/ },
  { what: "a registry that does not listen", gone: true, code: "PS-D007", verdict: /cannot be reached.*ECONNREFUSED/ },
  {
    what: "an unknown host name",
    gone: true,
    node: (_, facts) => ({ ...facts, name: { addresses: [], host: NAME } }),
    code: "PS-D008",
    verdict: /the name registry\.bank\.example is unknown|The name registry\.bank\.example is unknown/,
  },
  {
    what: "a login",
    answers: withStatus(401),
    code: "PS-D009",
    verdict: /wants a login for platform\/pause:1\.0\.0 \(401/,
  },
  { what: "nothing, where anybody gets a token", answers: bearer, code: undefined, verdict: /all is well/ },
  { what: "a pull that is forbidden", answers: withStatus(403), code: "PS-D010", verdict: /forbids .*403/ },
  { what: "too many requests", answers: withStatus(429), code: "PS-D011", verdict: /429/ },
  {
    what: "a tag that is not there",
    answers: withStatus(404),
    code: "PS-D012",
    verdict: /does not have platform\/pause:1\.0\.0/,
  },
  {
    what: "another architecture",
    answers: having("arm64", "s390x"),
    code: "PS-D013",
    verdict: /for arm64, s390x, but the node is amd64/,
  },
];

withRegistry("the doctor of a registry", () => {
  itNames(CAUSES);

  it("gives the certificate that was seen as a setting", async () => {
    const cause = CAUSES.find(({ what }) => what === "an unknown root that is sent along");
    assert.ok(cause);
    const text = healingConfig([await examined(cause)]);
    assert.ok(text.includes("pause-sandbox:registryCa: |"), text);
    const indented = pairs().root.cert.trim().replaceAll("\n", "\n    ");
    assert.ok(text.includes(indented), text);
    assert.match(text, /- name: worker-7\n\s+host: 10\.0\.0\.11/);
  });

  it("says that the stack has a CA where it has one", () => {
    const image = "registry.example/pause:1";
    const facts = factsOf(image);
    const served = pairs().certificates.make({
      name: "registry.example",
      names: "DNS:registry.example",
      signer: pairs().other,
    });
    const route = { host: "registry.example", port: 443, plainHttp: false, takesCa: false, hasLogin: false, url: "x" };
    const walks: Walk[] = [{ route, fact: { served: [new X509Certificate(served.cert)] } }];
    const look = { node: "n", host: "n", facts, walks, ourSeconds: CLOCK };
    const [unknown] = diagnose({ ...look, wanted: { image, ca: true } }).findings;
    assert.match(unknown?.remedy ?? "", /^The stack has a registryCa\./);
    assert.match(diagnose({ ...look, wanted: { image } }).findings[0]?.remedy ?? "", /^Set registryCa/);
  });

  it("says that the stack carries the image, whatever the registry answers that the node has now", () => {
    const [before, image] = ["registry.example/pause:1", "localhost/pause-sandbox/pause:1.0.0"];
    const route = { host: "registry.example", port: 443, plainHttp: true, takesCa: false, hasLogin: false, url: "x" };
    const served = [new X509Certificate(pairs().root.cert)];
    const facts: Walk["fact"][] = [
      ...[{ unreached: "no route to host" }, { unreached: "getaddrinfo ENOTFOUND" }, { noTls: "HTTP" }, { served }],
      ...[401, 403, 404, 429, 500].map((status) => ({ status })),
      { status: 200, architectures: ["s390x"] },
    ];
    for (const fact of facts) {
      const walks: Walk[] = [{ route: { ...route, plainHttp: !("served" in fact) }, fact }];
      const look = { node: "n", host: "n", facts: factsOf(before), walks, ourSeconds: CLOCK };
      const [found] = diagnose({ ...look, wanted: { image, carried: true, heals: true } }).findings;
      assert.equal(
        found?.remedy,
        "The stack carries the image to the node: run pulumi up with another recheck",
        found?.code,
      );
    }
  });

  it("sends no login to a registry, and no name of a user", async () => {
    const seen: string[] = [];
    await examined({
      what: "",
      code: "",
      verdict: /./,
      answers: (path, headers) => {
        seen.push(...Object.keys(headers));
        return having("amd64")(path, headers);
      },
    });
    assert.deepEqual([...new Set(seen)].sort(), ["accept", "connection", "host"]);
  });
});
