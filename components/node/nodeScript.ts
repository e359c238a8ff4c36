/** The program of a boot payload, and what a node reports. */
import { type NodeSettings, settingsText } from "./nodeSettings";
import { changingParts, parts, running, unpacking } from "./program";
import { messageOf, userError } from "../errors";
import { INVISIBLE, quoted } from "../visible";

/** The runtimes that a node's sandbox image is set in. */
export const Runtime = {
  /** containerd 1.6 to 2.4. */
  Containerd: "containerd",
  /** CRI-O. */
  CriO: "cri-o",
  /** Docker, behind cri-dockerd. */
  CriDockerd: "cri-dockerd",
  /** Docker, behind a kubelet up to 1.23. */
  Dockershim: "dockershim",
  /** The containerd that k3s brings. */
  K3s: "k3s",
  /** The containerd that RKE2 brings. */
  Rke2: "rke2",
} as const;
/** A value of {@link Runtime}. */
export type Runtime = (typeof Runtime)[keyof typeof Runtime];

/** What a run did to a node. */
export const NodeStatus = {
  /** It was changed. */
  Changed: "changed",
  /** It was as wanted, and was left alone. */
  Unchanged: "unchanged",
  /** A dry run found that it is not as wanted. */
  WouldChange: "would-change",
} as const;
/** A value of {@link NodeStatus}. */
export type NodeStatus = (typeof NodeStatus)[keyof typeof NodeStatus];

/** The use of the pause image by the sandboxes of a runtime handler. */
export const PauseUse = {
  /** Every sandbox runs pause. */
  Every: "every",
  /** A sandbox runs pause if its Pod shares its PID namespace. Every sandbox needs the image. */
  SharedPid: "shared-pid",
  /** No sandbox runs pause. Every sandbox needs the image. */
  Image: "image",
  /** No sandbox runs pause or needs the image. */
  None: "none",
} as const;
/** A value of {@link PauseUse}. */
export type PauseUse = (typeof PauseUse)[keyof typeof PauseUse];

/** What a node reports after `apply` or `restore`: its one line on stdout. */
export interface NodeReport {
  /** The files that this run changed, sorted. */
  changed: string[];
  /** The digest by which the runtime knows the image; empty after `restore`. */
  digest: string;
  /**
   * The use of pause by each handler of the runtime, by the handler's name. A RuntimeClass names a handler. Empty with docker. Missing in
   * reports of 0.1.0.
   */
  handlers?: Record<string, PauseUse>;
  /** The sandbox image in effect. */
  image: string;
  /** The kubelet's version; empty where no kubelet runs as a service. */
  kubelet: string;
  /** The node's name. */
  node: string;
  /** True if the image is safe from garbage collection. */
  pinned: boolean;
  /** The sandbox image before the first `apply`. */
  previousImage: string;
  /** The units that this run restarted. */
  restarted: string[];
  /** The container runtime. */
  runtime: Runtime;
  /** The runtime's version, such as `2.1.4`. */
  runtimeVersion: string;
  /** Which script ran: `make node-script` prints the one of this version. Missing in reports of 0.1.0. */
  scriptVersion?: string;
  /** What the run did. */
  status: NodeStatus;
}

/**
 * The stdin of `sh -s -- apply|restore|plan`: a program that unpacks the script in memory and feeds it the settings.
 *
 * Nothing is written to a disk for it, so a read-only or noexec /tmp is no matter. Some shells write a
 * here-document to a disk. Both parts are base64 in single quotes: data that no shell can take for code. The braces make a transfer
 * that was cut a syntax error instead of a shorter program. The settings go through a pipe, never onto a command line.
 *
 * @param plans Whether it has the verb `plan`. Default: true.
 * @throws Error naming field and value when a value holds NUL, CR or LF.
 */
export function renderStdin(settings: NodeSettings, { plans = true } = {}): string {
  const data = Buffer.from(settingsText(settings)).toString("base64");
  return [
    "{",
    unpacking(plans ? parts : changingParts),
    `printf %s '${data}'|base64 -d|${running("pause-sandbox")} "$@"`,
    "exit $?",
    "}",
    "",
  ].join("\n");
}

/** In characters. A node prints less than 2 kB, and its login shell perhaps a page. */
const LONGEST_STDOUT = 65_536;
/** In characters: Linux has no longer path. */
const LONGEST_TEXT = 4096;
/** A run changes some ten files. */
const MOST_ITEMS = 256;

/**
 * Finds the one JSON line of a node's report on stdout. A login shell may print a word of its own around it.
 *
 * The result is a new object with the fields of NodeReport, each of its type and of bounded length. The engine would take some objects
 * for more than data. It fetches the URL of an asset, and reads its file.
 *
 * @throws Error quoting the text that came instead.
 */
export function parseReport(stdout: string | undefined): NodeReport {
  // The value is no text if a provider gave none.
  const text = typeof stdout === "string" ? stdout : "";
  const bad = (why: string): Error =>
    userError(`the node's report ${why}: expected one line of JSON on stdout, got ${quoted(text)}`);
  if (text.length > LONGEST_STDOUT)
    throw bad(`cannot be read: stdout has ${text.length} characters, and at most ${LONGEST_STDOUT} are read`);
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const found = lines.map(jsonObject).filter((object) => object !== undefined);
  const read = found.map(readReport);
  const reports = read.flatMap(({ report }) => report ?? []);
  if (reports.length > 1) throw bad(`comes ${reports.length} times`);
  if (reports[0] !== undefined) return reports[0];
  if (read[0] !== undefined) throw bad(`lacks or misstates ${read[0].wrong.join(", ")}`);
  if (lines.length === 0) throw bad("is missing");
  throw userError(
    `the node's report is missing: the login shell of the node prints ${quoted(lines.join("\n"))}: ` +
      "in the shell's start-up file, such as .bashrc, print this only in interactive shells",
  );
}

/**
 * The report of a node that a stack has.
 *
 * @param subject Owner of the report; the first words of the message.
 * @throws Error with the remedy: the engine runs no command again on a node that it has finished.
 */
export function reportOf(subject: string, stdout: string | undefined): NodeReport {
  try {
    return parseReport(stdout);
  } catch (error) {
    const why = messageOf(error);
    throw userError(`${subject}: ${why}. ${NOT_KNOWN}`);
  }
}

/** Meaning of an unreadable report, and its remedy. */
export const NOT_KNOWN =
  "The state of this node is unknown. What to do: run pulumi up with another number for recheck; " +
  "then every node is checked again, and a node that is as wanted is not changed";

function jsonObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A copy of the value, or undefined if its type is wrong or it is too long. */
type Read<T> = (value: unknown) => T | undefined;

/** Texts that the engine reads as an unknown value, one for each type of values (sdk/go/common/resource/plugin/rpc.go). */
const UNKNOWN = [
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
];

const text: Read<string> = (value) =>
  typeof value === "string" && value.length <= LONGEST_TEXT && !INVISIBLE.test(value) && !UNKNOWN.includes(value)
    ? value
    : undefined;
const texts: Read<string[]> = (value) => {
  if (!Array.isArray(value) || value.length > MOST_ITEMS) return undefined;
  const read = value.flatMap((one) => text(one) ?? []);
  return read.length === value.length ? read : undefined;
};
const oneOf =
  <T extends string>(values: readonly T[]): Read<T> =>
  (value) =>
    values.find((known) => known === value);

/** A key by which the engine takes an object for a secret, an asset or a resource (sdk/go/common/resource/sig). */
const SIGNATURE = "4dabf18193072939515e22adb298388d";

const handlers: Read<Record<string, PauseUse>> = (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  const use = oneOf(Object.values(PauseUse));
  const wrong = ([name, one]: [string, unknown]) => name === SIGNATURE || text(name) === undefined || !use(one);
  if (entries.length > MOST_ITEMS || entries.some(wrong)) return undefined;
  return Object.fromEntries(entries) as Record<string, PauseUse>;
};

const FIELDS: { readonly [K in keyof Required<NodeReport>]: Read<NodeReport[K]> } = {
  changed: texts,
  digest: text,
  handlers,
  image: text,
  kubelet: text,
  node: text,
  pinned: (value) => (typeof value === "boolean" ? value : undefined),
  previousImage: text,
  restarted: texts,
  // None if there was nothing to restore, because then the run checked nothing.
  runtime: oneOf([...Object.values(Runtime), "" as Runtime]),
  runtimeVersion: text,
  scriptVersion: text,
  status: oneOf(Object.values(NodeStatus)),
};

/** Fields that the reports of older scripts do not have. */
const ADDED: readonly string[] = ["handlers", "scriptVersion"];

/** The report in an object, or the fields that are missing or wrong. */
function readReport(object: Record<string, unknown>): { report?: NodeReport; wrong: string[] } {
  const missing = (field: string): boolean => ADDED.includes(field) && !Object.hasOwn(object, field);
  const read = Object.entries(FIELDS)
    .filter(([field]) => !missing(field))
    .map(([field, value]) => [field, value(object[field])] as const);
  const wrong = read.filter(([, value]) => value === undefined).map(([field]) => field);
  return wrong.length > 0 ? { wrong } : { wrong, report: Object.fromEntries(read) as unknown as NodeReport };
}
