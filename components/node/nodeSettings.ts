/** The settings of one node, in the form that the node script reads. */
import { createHash } from "node:crypto";

import { archiveHash } from "../archive/archive";
import { userError } from "../errors";

/** The settings of one node, as plain values: the caller resolves Outputs. */
export interface NodeSettings {
  /**
   * The node's name: the prefix of every line for people and the `node` of the report.
   * @default the name that the host has
   */
  node?: string;
  /**
   * The owner that manages the node. A restore for another owner changes nothing.
   * @default the present owner, else none; if that owner has set another image, the node stays unchanged
   */
  owner?: string;
  /** The sandbox image, fully qualified: `host[:port]/repository:tag`. The runtime pins exactly this string. */
  image: string;
  /**
   * `sha256:…` of the pushed image; the node refuses any other image from the registry.
   * @default the digest is not checked
   */
  digest?: string;
  /**
   * The PEM certificates that the registry (and its mirrors) are trusted by, beside nothing else for that registry.
   * @default the node's own trust store
   */
  ca?: string;
  /**
   * The image itself, as packedArchive gives it: then nothing is pulled, and `digest` is required.
   * @default the image is pulled
   */
  archive?: string;
  /**
   * URLs tried in this order before the registry itself.
   * @default none
   */
  mirrors?: string[];
  /**
   * Use HTTP for the registry. An attacker on the network can replace the image, unless `digest` is set.
   * @default false
   */
  plainHttp?: boolean;
  /**
   * Also set the kubelet's `--pod-infra-container-image`, below 1.35.
   * @default true
   */
  kubeletFlag?: boolean;
  /**
   * Leave a unit and a timer on the node that import a carried image again where it is deleted. Only with `archive`.
   * @default true
   */
  selfHeal?: boolean;
  /**
   * The login for the registry. It is sent only to this registry and to the server of its tokens, never to a mirror. `keep: false`: only
   * the run that pulls has it.
   * @default none
   */
  login?: { username: string; password: string; keep?: boolean };
}

/** A key of the node script and its value. */
export type Setting = readonly [key: string, value: string];

/** Text of a preview for a setting that is added, removed or changed. */
export type Words = (before: readonly string[], now: readonly string[]) => string;

/** Place of a setting: on the command line, which every user of the node can read, or on stdin. */
type Place = "command" | "stdin";

/** Everything about one setting except its rule, which is in RULES of nodeChecks.ts. */
interface Told<T> {
  /** Its key for the node script. */
  readonly key: string;
  readonly place: Place;
  /** Its values under this key, in order; none if the default applies. */
  readonly values: (value: T) => readonly string[];
  /** Texts for a preview. */
  readonly words: Words;
  /** True if a boot payload has the setting: its machine has no name yet, and no stack manages it. */
  readonly boot: boolean;
  /** The command line option for it, and the option's help. The login has other options. */
  readonly option?: readonly [flags: string, help: string];
}

export const NONE = "none";
/** Before a login that does not stay on the node. */
const ONCE = "once ";
const listed = (values: readonly string[]): string => (values.length === 0 ? NONE : values.join(" and "));
const step =
  (what: string, shown: (value: string) => string = (value) => value): Words =>
  (before, now) =>
    `${what} ${listed(before.map(shown))} → ${listed(now.map(shown))}`;
const onOff =
  (on: string, off: string): Words =>
  (_, now) =>
    now.length > 0 ? on : off;

/**
 * The settings, in the order in which the script reads them. With a setting that is missing here, or in RULES, nothing compiles.
 * The script's side is `setting` in node/lib/settings.sh, and the table in node/README.md.
 */
export const TOLD = {
  node: { key: "node", place: "command", values: (name) => [scalar("node", name)], words: step("name"), boot: false },
  owner: {
    ...{ key: "owner", place: "command", boot: false },
    values: (owner) => [scalar("owner", owner)],
    words: step("managed by"),
  },
  image: {
    ...{ key: "image", place: "command", boot: true },
    values: (image) => [scalar("image", image)],
    words: step("image"),
    option: ["--image <reference>", "the sandbox image, host[:port]/repository:tag"],
  },
  // The digest is known last.
  digest: {
    ...{ key: "digest", place: "stdin", boot: true },
    values: (digest) => [scalar("digest", digest)],
    words: step("digest", (value) => `${value.slice(0, "sha256:".length + 12)}…`),
    option: ["--digest <digest>", "the digest that the image must have, sha256:…"],
  },
  // The certificates are in the script's file. The command line has fingerprints, for people to compare.
  ca: {
    ...{ key: "ca-sha256", place: "command", boot: true },
    values: (ca) => fingerprintsOf(ca),
    words: step("CA", (value) => `SHA-256 ${value.slice(0, 23)}…`),
    option: ["--ca <file>", "certificate authority of the registry, PEM"],
  },
  // The archive is in the script's file.
  archive: {
    ...{ key: "archive-sha256", place: "command", boot: true },
    values: (archive) => [archiveHash(archive)],
    words: step("carried archive", (value) => `SHA-256 ${value.slice(0, 12)}…`),
  },
  mirrors: {
    ...{ key: "mirror", place: "command", boot: true },
    values: (mirrors) => mirrors.map((mirror, i) => scalar(`mirrors[${i}]`, mirror)),
    words: step("mirrors"),
    option: ["--mirror <url...>", "URLs to try before the registry itself"],
  },
  // Only `true`: false sends nothing.
  plainHttp: {
    ...{ key: "plain-http", place: "command", boot: true },
    values: (plain) => (plain ? ["1"] : []),
    words: onOff("plain HTTP", "TLS instead of plain HTTP"),
    option: ["--plain-http", "pull over HTTP, without TLS"],
  },
  kubeletFlag: {
    ...{ key: "kubelet-flag", place: "command", boot: true },
    values: (wanted) => (wanted ? [] : ["0"]),
    words: onOff("without the kubelet's flag", "with the kubelet's flag"),
    option: ["--no-kubelet-flag", "remove the kubelet's --pod-infra-container-image"],
  },
  selfHeal: {
    ...{ key: "self-heal", place: "command", boot: true },
    values: (wanted) => (wanted ? [] : ["0"]),
    words: onOff("without self-healing", "with self-healing"),
  },
  login: {
    ...{ key: "login", place: "stdin", boot: true },
    values: (login) => [login.keep === false ? `${ONCE}${basic(login)}` : basic(login)],
    // Its value is a secret.
    words: ([before], [now]) => {
      if (now === undefined) return "no login any more";
      const stays = now.startsWith(ONCE) ? "that does not stay on the node" : "that stays on the node";
      if (before === undefined) return now.startsWith(ONCE) ? `a login ${stays}` : "a login";
      return before.startsWith(ONCE) === now.startsWith(ONCE) ? "another login" : `a login ${stays}`;
    },
  },
} as const satisfies { [K in keyof Required<NodeSettings>]: Told<NonNullable<NodeSettings[K]>> };

const NAMES = Object.keys(TOLD) as (keyof NodeSettings)[];

/** The settings of a machine that has no name yet. */
export const BOOT_NAMES = NAMES.filter((name) => TOLD[name].boot);

function settingsOfName(settings: Partial<NodeSettings>, name: keyof NodeSettings): Setting[] {
  const { key, values } = TOLD[name] as Told<unknown>;
  const value = settings[name];
  return value === undefined ? [] : values(value).map((one): Setting => [key, one]);
}

const at = (place: Place, settings: Partial<NodeSettings>): Setting[] =>
  NAMES.filter((name) => TOLD[name].place === place).flatMap((name) => settingsOfName(settings, name));

/**
 * The settings for the command line. It has the fingerprints of certificates instead of the certificates.
 * @throws Error naming field and value when a value holds NUL, CR or LF.
 */
export const publicSettings = (settings: Omit<NodeSettings, "digest" | "login">): Setting[] => at("command", settings);

/**
 * The settings for stdin: the login and the digest.
 * @throws Error naming the field when a value holds NUL, CR or LF.
 */
export const stdinSettings = (settings: Pick<NodeSettings, "digest" | "login">): Setting[] => at("stdin", settings);

/** The lines of stdin that a node is compared by: another login is no other node where no login stays. */
export const comparedStdin = (stdin: string): string => stdin.replace(/^(login once ).*$/m, "$1");

/**
 * All settings as the node reads them: `key value` lines, the value verbatim to the end of the line.
 * @throws Error naming field and value when a value holds NUL, CR or LF.
 */
export function settingsText(settings: NodeSettings): string {
  const certificates = pemLines(settings.ca ?? "").map((line): Setting => ["ca", line]);
  return settingLines(
    NAMES.flatMap((name) => [
      ...(name === "ca" ? certificates : []),
      ...(name === "archive" && settings.archive !== undefined ? [["archive", settings.archive] as const] : []),
      ...settingsOfName(settings, name),
    ]),
  );
}

/** The lines of stdin. */
export const settingLines = (settings: readonly Setting[]): string =>
  settings.map(([key, value]) => `${key} ${value}\n`).join("");

/** The non-empty lines of certificates, with any line ending. */
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

const scalar = (field: string, value: string): string => {
  if (/[\0\r\n]/.test(value)) {
    throw userError(`${field}: ${JSON.stringify(value)} must not contain NUL, CR or LF`);
  }
  return value;
};

/** The form of a login in HTTP and in every runtime's files. */
const basic = ({ username, password }: { username: string; password: string }): string => {
  if (username === "" || /[:\0\r\n]/.test(username)) {
    throw userError(`login.username: ${JSON.stringify(username)} must not be empty nor contain ":", NUL, CR or LF`);
  }
  if (/[\0\r\n]/.test(password)) throw userError("login.password: must not contain NUL, CR or LF");
  return Buffer.from(`${username}:${password}`).toString("base64");
};
