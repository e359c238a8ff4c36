/** Other ways into the lab's registry: the same images behind a login or a token, and over plain HTTP. */
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";

import { copyInto, docker } from "../../../lab/cluster/docker";
import { address, REGISTRY_CONTAINER, registryIp } from "../../../lab/cluster/layout";
import type { KeyPair } from "../../../lab/cluster/pki";
import { waitFor } from "../../../lab/cluster/wait";
import { tokenServer } from "../../support/tokenServer";

/** The base64 of this login has letters only, so that a search for it finds it in any text. */
export const LOGIN = { username: "puller", password: "not-for-everyone-to-see" };

const TLS = { certificate: "/etc/pause-sandbox-lab/registry.crt", key: "/etc/pause-sandbox-lab/registry.key" };
const HTPASSWD = "/etc/pause-sandbox-lab/htpasswd";

let login: Promise<string> | undefined;
let plain: Promise<string> | undefined;
let tokens: Promise<string> | undefined;

/** @returns host and port of a registry that wants {@link LOGIN} */
export const withLogin = (): Promise<string> => (login ??= serveWithLogin());

/** @returns host and port of a registry that speaks HTTP only */
export const plainHttp = (): Promise<string> => (plain ??= serve(5002, {}, []));

/** @returns host and port of a registry that takes tokens only; whoever has {@link LOGIN} gets one, from this machine */
export const withTokens = (): Promise<string> => (tokens ??= serveWithTokens());

async function serveWithTokens(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pause-sandbox-tokens-"));
  const { auth, certificate } = await tokenServer(address(1), folder, () => [LOGIN]);
  const path = "/etc/pause-sandbox-lab/tokens.pem";
  const token = { ...auth, rootcertbundle: path };
  return serve(5003, { http: { tls: TLS }, auth: { token } }, [{ path, content: certificate }]);
}

function serveWithLogin(): Promise<string> {
  const { username, password } = LOGIN;
  const content = execFileSync("htpasswd", ["-Bbn", username, password], { encoding: "utf8" });
  const auth = { htpasswd: { realm: "lab", path: HTPASSWD } };
  return serve(5001, { http: { tls: TLS }, auth }, [{ path: HTPASSWD, content }]);
}

/** Serves the lab's images on another port with this certificate, instead of what listens there. @returns host and port */
export async function serveAt(port: number, { cert, key }: KeyPair): Promise<string> {
  const tls = { certificate: `/etc/pause-sandbox-lab/${port}.crt`, key: `/etc/pause-sandbox-lab/${port}.key` };
  const ends = `pkill -f "[s]erve .*registry-$1.yml"; while pgrep -f "[s]erve .*registry-$1.yml" >/dev/null; do :; done`;
  await docker(["exec", REGISTRY_CONTAINER, "sh", "-c", ends, "sh", String(port)]);
  return serve(port, { http: { tls } }, [
    { path: tls.certificate, content: cert },
    { path: tls.key, content: key },
  ]);
}

async function serve(port: number, more: { http?: object; auth?: object }, files: { path: string; content: string }[]) {
  const config = {
    version: "0.1",
    log: { accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: "/var/lib/registry" } },
    ...more,
    http: { addr: `:${port}`, ...more.http },
  };
  const path = `/etc/pause-sandbox-lab/registry-${port}.yml`;
  await copyInto(REGISTRY_CONTAINER, [...files, { path, content: stringify(config) }]);
  await docker(["exec", "--detach", REGISTRY_CONTAINER, "docker-registry", "serve", path]);
  const listens = ["exec", REGISTRY_CONTAINER, "grep", "-q", `:${port.toString(16).toUpperCase()} `, "/proc/net/tcp6"];
  await waitFor({
    what: `a registry listens on port ${port}`,
    timeoutSeconds: 30,
    missing: () =>
      docker(listens).then(
        () => undefined,
        () => "it does not yet",
      ),
  });
  return `${registryIp()}:${port}`;
}
