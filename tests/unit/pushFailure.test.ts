/** What people read when a push fails: reasons as engines, plugins and registries word them. */
import { strict as assert } from "node:assert";

import { type Push, pushFailure } from "../../components/image/pushFailure";

const HOST = "registry.example.com:5443";
const REFERENCE = `${HOST}/platform/pause:1.0.0`;
const SOURCE = "registry.k8s.io/pause:3.10";
const SHA = `sha256:${"a".repeat(64)}`;
const V2 = `https://${HOST}/v2/platform/pause`;

describe("A push that fails", () => {
  const rows: [push: Push, reason: string, wayOut: RegExp][] = [
    [
      "image",
      "no basic auth credentials",
      /^give a login \(registryUsername in a stack\), or run: docker login registry\.example\.com:5443$/,
    ],
    ["image", "authentication is required", /^give a login .*, or run/],
    ["image", "unauthorized: authentication required", /^give another login \(registryUsername in a stack\)$/],
    ["image", "unauthorized: incorrect username or password", /^give another login \(registryUsername in a stack\)$/],
    [
      "index",
      `GET https://${HOST}/v2/: UNAUTHORIZED: authentication required`,
      /^give another login \(registryUsername in a stack\)$/,
    ],
    [
      "index",
      "creating: failed to fetch oauth token: unexpected status: 401 Unauthorized",
      /^give another login \(registryUsername in a stack\)$/,
    ],
    ["image", "denied: requested access to the resource is denied", /^give a login .* that may push/],
    ["image", "push access denied: insufficient_scope: authorization failed", /^give a login .* that may push/],
    [
      "index",
      `creating: publish ${SHA} to ${REFERENCE}: unexpected status from PUT request to ${V2}/manifests/1.0.0: 403 Forbidden`,
      /^give a login .* that may push/,
    ],
    ["image", "unauthorized: project platform not found: project platform not found", /^create the repository/],
    ["image", "name unknown: The repository with name 'platform/pause' does not exist", /^create the repository/],
    ["image", "tag invalid: The image tag '1.0.0' already exists and cannot be overwritten", /^use another tag/],
    ["index", "creating: 412 Precondition Failed: configured as immutable", /^use another tag/],
    ["image", "x509: certificate signed by unknown authority", new RegExp(`^put .*/etc/docker/certs.d/${HOST}/ca.crt`)],
    ["index", `Head "${V2}/": tls: failed to verify certificate: x509: unknown authority`, /SSL_CERT_FILE/],
    ["image", "http: server gave HTTP response to HTTPS client", /^give the registry TLS/],
    ["index", 'creating: failed to do request: Head "http://127.0.0.1:5000/v2/pause": EOF', /loopback/],
    ["image", "dial tcp 10.0.0.1:5443: connect: connection refused", /^check host and port of reference/],
    ["image", "dial tcp 10.0.0.1:5443: connect: no route to host", /^check host and port of reference/],
    ["index", "dial tcp: lookup registry.example.com: no such host", /^check host and port of reference/],
    ["image", `Put "${V2}/manifests/1.0.0-linux-amd64": EOF`, /^check host and port of reference/],
    ["image", "toomanyrequests: Rate exceeded", /^the registry limits requests/],
    [
      "image",
      "received unexpected HTTP status: 503 Service Unavailable",
      /^look into the log of registry\.example\.com/,
    ],
    ["index", `creating: ${REFERENCE}@${SHA}: not found`, /pulumi up --replace '\*\*PauseImage\$\*\*'$/],
    ["image", "something that nobody has seen before", /^docs\/image\.md/],
    ["mirror", `creating: ${SOURCE}: not found`, /^check name, tag and digest of mirrorOf/],
    ["mirror", `creating: registry.k8s.io/pause@${SHA}: not found`, /^check name, tag and digest of mirrorOf/],
    [
      "mirror",
      "creating: pull access denied: insufficient_scope: authorization failed",
      /docker login registry\.k8s\.io/,
    ],
    [
      "mirror",
      "creating: unexpected status from HEAD request to https://registry.k8s.io/v2/pause/manifests/3.10: 403 Forbidden",
      /docker login registry\.k8s\.io/,
    ],
    ["mirror", "creating: dial tcp: lookup registry.k8s.io: no such host", /^check host and port of mirrorOf/],
    [
      "mirror",
      `creating: copy ${SHA} from ${SOURCE} to ${REFERENCE}: unexpected status from POST request to ${V2}/blobs/uploads/: 403 Forbidden`,
      /^give a login .* that may push/,
    ],
    ["mirror", `creating: failed to do request: Head "${V2}/x": x509: unknown authority`, /trust .* registry\.example/],
  ];
  for (const [push, reason, wayOut] of rows) {
    it(`of ${push} for "${reason.slice(0, 60)}" names registry, reference and the way out`, () => {
      const said = pushFailure(push, REFERENCE, `${reason}\n`, push === "mirror" ? SOURCE : undefined);
      const start = `${REFERENCE} was not pushed to registry ${HOST} (${reason}). What to do: `;
      assert.ok(said.startsWith(start), said);
      assert.match(said.slice(start.length), wayOut);
    });
  }

  it("tells a reference that was written, but not read back", () => {
    const said = (reason: string) => pushFailure("index", REFERENCE, `reading: fetching:\n  ${reason}`);
    const start = `${REFERENCE} was pushed to registry ${HOST}, but not read back (reading: fetching: `;
    assert.equal(
      said("EOF of a kind"),
      `${start}EOF of a kind). What to do: check host and port of reference, and the way there from this machine and its docker engine`,
    );
    assert.equal(said("something else"), `${start}something else). What to do: run pulumi up again`);
    assert.match(said("http: server gave HTTP response to HTTPS client"), /give the registry TLS/);
  });
});
