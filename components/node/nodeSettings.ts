/** What one node is asked to be, as the node script reads it. */
import { createHash } from "node:crypto";

import { userError } from "../errors";

/** What one node is asked to be. Plain values: Outputs are resolved before they get here. */
export interface NodeSettings {
  /**
   * The node's name: the prefix of every line for people and the `node` of the report.
   * @default the name that the host has
   */
  node?: string;
  /**
   * Who manages the node: restoring it for anyone else leaves it as it is.
   * @default whoever manages it already, else nobody in particular; a node that is on another image by then is left to them
   */
  owner?: string;
  /** The sandbox image, fully qualified: `host[:port]/repository:tag`. The runtime pins exactly this string. */
  image: string;
  /**
   * `sha256:…` of what was pushed; the node refuses anything else that the registry may give it.
   * @default the digest is not checked
   */
  digest?: string;
  /**
   * The PEM certificates that the registry (and its mirrors) are trusted by, beside nothing else for that registry.
   * @default the node's own trust store
   */
  ca?: string;
  /**
   * URLs tried in this order before the registry itself.
   * @default none
   */
  mirrors?: string[];
  /**
   * Speak HTTP to the registry. Only by explicit choice: anyone on the way can replace the image, unless `digest` is set.
   * @default false
   */
  plainHttp?: boolean;
  /**
   * Have the kubelet's `--pod-infra-container-image` too, below 1.35.
   * @default true
   */
  kubeletFlag?: boolean;
  /**
   * The login for the registry. Only this registry is given it, never a mirror.
   * @default none
   */
  login?: { username: string; password: string };
}

/** A key of the node script and its value. */
export type Setting = readonly [key: string, value: string];

/**
 * What may stand on a command line, but for the certificates themselves: by their fingerprints people compare them.
 * @throws Error naming field and value when a value holds NUL, CR or LF.
 */
export function publicSettings(settings: Omit<NodeSettings, "digest" | "login">): Setting[] {
  const { node, owner, image, ca = "", mirrors = [], plainHttp, kubeletFlag } = settings;
  return [
    ...optional("node", node),
    ...optional("owner", owner),
    ["image", scalar("image", image)],
    ...fingerprintsOf(ca).map((one): Setting => ["ca-sha256", one]),
    ...mirrors.map((mirror, i): Setting => ["mirror", scalar(`mirrors[${i}]`, mirror)]),
    // Only `true`: false sends nothing.
    ...(plainHttp === true ? [["plain-http", "1"] as const] : []),
    ...(kubeletFlag === false ? [["kubelet-flag", "0"] as const] : []),
  ];
}

/**
 * What goes to stdin: the login, and what is known last.
 * @throws Error naming the field when a value holds NUL, CR or LF.
 */
export function stdinSettings({ digest, login }: Pick<NodeSettings, "digest" | "login">): Setting[] {
  return [...optional("digest", digest), ...(login === undefined ? [] : [["login", basic(login)] as const])];
}

/**
 * All settings as the node reads them: `key value` lines, the value verbatim to the end of the line.
 * @throws Error naming field and value when a value holds NUL, CR or LF.
 */
export function settingsText(settings: NodeSettings): string {
  const { ca = "", digest, login, ...others } = settings;
  const shown = publicSettings(others);
  const at = shown.findIndex(([key]) => key === "image") + 1;
  const certificates = pemLines(ca).map((line): Setting => ["ca", line]);
  const rest = [...certificates, ...shown.slice(at), ...stdinSettings({ login })];
  return textOf([...shown.slice(0, at), ...stdinSettings({ digest }), ...rest]);
}

/** The lines of stdin. */
export const textOf = (settings: readonly Setting[]): string =>
  settings.map(([key, value]) => `${key} ${value}\n`).join("");

/** The lines of certificates that are not empty, whatever ends them. */
export function pemLines(pem: string): string[] {
  if (pem.includes("\0")) {
    throw userError(
      'ca: must not contain NUL; allowed are the lines of PEM certificates ("-----BEGIN CERTIFICATE-----")',
    );
  }
  return pem.split(/\r\n|\r|\n/).filter((line) => line.trim() !== "");
}

/** SHA-256 of each certificate, as `openssl x509 -fingerprint -sha256` prints it. */
export function fingerprintsOf(pem: string): string[] {
  const certificates = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g);
  return [...certificates].map(([, body = ""]) => {
    const hash = createHash("sha256").update(Buffer.from(body, "base64")).digest("hex").toUpperCase();
    return (hash.match(/../g) ?? []).join(":");
  });
}

const optional = (key: string, value: string | undefined): Setting[] =>
  value === undefined ? [] : [[key, scalar(key, value)]];

const scalar = (field: string, value: string): string => {
  if (/[\0\r\n]/.test(value)) {
    throw userError(`${field}: ${JSON.stringify(value)} must not contain NUL, CR or LF`);
  }
  return value;
};

/** As HTTP and every runtime's own files have a login. */
const basic = ({ username, password }: { username: string; password: string }): string => {
  if (username === "" || /[:\0\r\n]/.test(username)) {
    throw userError(`login.username: ${JSON.stringify(username)} must not be empty nor contain ":", NUL, CR or LF`);
  }
  if (/[\0\r\n]/.test(password)) throw userError("login.password: must not contain NUL, CR or LF");
  return Buffer.from(`${username}:${password}`).toString("base64");
};
