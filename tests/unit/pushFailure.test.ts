/** What people read when a push fails: reasons as engines, plugins and registries word them. */
import { strict as assert } from "node:assert";

import { type Pusher, pushFailure } from "../../components/pushFailure";

const HOST = "registry.example.com:5443";
const REFERENCE = `${HOST}/platform/pause:1.0.0-linux-arm64`;
const SHA = `sha256:${"a".repeat(64)}`;

describe("A push that fails", () => {
  const rows: [by: Pusher, reason: string, wayOut: RegExp][] = [
    ["engine", "no basic auth credentials", /give a login, or run: docker login registry\.example\.com:5443$/],
    ["engine", "unauthorized: authentication required", /give another login/],
    ["plugin", `GET https://${HOST}/v2/: UNAUTHORIZED: authentication required`, /give another login/],
    ["engine", "denied: requested access to the resource is denied", /the right to push/],
    ["plugin", `PUT https://${HOST}/v2/platform/pause/manifests/1.0.0: 403 Forbidden`, /the right to push/],
    ["engine", "x509: certificate signed by unknown authority", new RegExp(`/etc/docker/certs.d/${HOST}/ca.crt`)],
    ["plugin", "tls: failed to verify certificate: x509: certificate signed by unknown authority", /SSL_CERT_FILE/],
    ["engine", "http: server gave HTTP response to HTTPS client", /TLS, or set insecureRegistry/],
    ["engine", `dial tcp 10.0.0.1:5443: connect: connection refused`, /host and port of the reference/],
    ["plugin", `dial tcp: lookup registry.example.com: no such host`, /host and port of the reference/],
    ["engine", "received unexpected HTTP status: 503 Service Unavailable", /the registry's own log/],
    ["plugin", `${HOST}/platform/pause@${SHA}: not found`, /pulumi up --replace '\*\*PauseImage\$\*\*'$/],
    ["plugin", "registry.k8s.io/pause:3.99: not found", /name and tag of mirrorOf/],
    ["engine", "something that nobody has seen before", /docs\/image\.md/],
  ];
  for (const [by, reason, wayOut] of rows) {
    it(`names registry, reference and the way out of "${reason.slice(0, 60)}", said by the ${by}`, () => {
      const said = pushFailure(by, REFERENCE, `error: ${reason}\n`);
      assert.ok(
        said.startsWith(`${REFERENCE} was not pushed to registry ${HOST} (error: ${reason}). What to do: `),
        said,
      );
      assert.match(said, wayOut);
      assert.ok(!said.includes("\n"), "one line");
    });
  }
});
