/** The program of a boot payload, and what a node reports. */
import { packedNodeScript } from "./nodeScript.generated";
import { type NodeSettings, settingsText } from "./nodeSettings";
import { userError } from "../userError";

/** The runtimes that a node's sandbox image is set in. */
export enum Runtime {
  /** containerd 1.6 to 2.4. */
  Containerd = "containerd",
  /** CRI-O. */
  CriO = "cri-o",
  /** Docker, behind cri-dockerd. */
  CriDockerd = "cri-dockerd",
  /** Docker, behind a kubelet up to 1.23. */
  Dockershim = "dockershim",
  /** The containerd that k3s brings. */
  K3s = "k3s",
  /** The containerd that RKE2 brings. */
  Rke2 = "rke2",
}

/** What a run did to a node. */
export enum NodeStatus {
  /** It was changed. */
  Changed = "changed",
  /** It was as wanted, and was left alone. */
  Unchanged = "unchanged",
  /** A dry run found that it is not as wanted. */
  WouldChange = "would-change",
}

/** What a node reports after `apply` or `restore`: its one line on stdout. */
export interface NodeReport {
  /** The files that this run changed, sorted. */
  changed: string[];
  /** The digest by which the runtime knows the image; empty after `restore`. */
  digest: string;
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
 * The stdin of `sh -s -- apply|restore`: a program that unpacks the script in memory and feeds it the settings.
 *
 * Nothing is written to a disk for it, so a read-only or noexec /tmp is no matter. Some shells write a
 * here-document to a disk. Both parts are base64 in single quotes: data that no shell can take for code. The braces make a transfer
 * that was cut a syntax error instead of a shorter program. The settings go through a pipe, never onto a command line.
 *
 * @throws Error naming field and value when a value holds NUL, CR or LF.
 */
export function renderStdin(settings: NodeSettings): string {
  const data = Buffer.from(settingsText(settings)).toString("base64");
  return [
    "{",
    `p=$(printf %s '${packedNodeScript}'|base64 -d|gzip -d)||exit 3`,
    `printf %s '${data}'|base64 -d|sh -c "$p" pause-sandbox "$@"`,
    "exit $?",
    "}",
    "",
  ].join("\n");
}

/**
 * Finds the one JSON line of a node's report on stdout. A login shell may print a word of its own around it.
 *
 * @throws Error quoting what came instead.
 */
export function parseReport(stdout: string): NodeReport {
  const quoted = (text: string): string => JSON.stringify(text.slice(0, 200));
  const bad = (why: string): Error =>
    userError(`the node's report ${why}: expected one line of JSON on stdout, got ${quoted(stdout)}`);
  const lines = stdout.split(/\r?\n/).filter((line) => line.trim() !== "");
  const objects = lines.map(jsonObject).filter((object) => object !== undefined);
  const reports = objects.filter((object) => wrongFields(object).length === 0);
  if (reports.length > 1) throw bad(`comes ${reports.length} times`);
  if (reports[0] !== undefined) return reports[0] as unknown as NodeReport;
  if (objects[0] !== undefined) throw bad(`lacks or misstates ${wrongFields(objects[0]).join(", ")}`);
  if (lines.length === 0) throw bad("is missing");
  throw userError(
    `the node's report is missing: the login shell of the node prints ${quoted(lines.join("\n"))}: ` +
      "move it behind an interactive check in the shell's start-up file, as .bashrc",
  );
}

function jsonObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const isOneOf = (values: Record<string, string>, value: unknown): boolean =>
  Object.values(values).some((known) => known === value);
const isString = (value: unknown): boolean => typeof value === "string";
const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every(isString);

const fields: Record<keyof NodeReport, (value: unknown) => boolean> = {
  changed: isStrings,
  digest: isString,
  image: isString,
  kubelet: isString,
  node: isString,
  pinned: (value) => typeof value === "boolean",
  previousImage: isString,
  restarted: isStrings,
  // None where there was nothing to restore, and so nothing to look at.
  runtime: (value) => value === "" || isOneOf(Runtime, value),
  runtimeVersion: isString,
  scriptVersion: (value) => value === undefined || isString(value),
  status: (value) => isOneOf(NodeStatus, value),
};

function wrongFields(report: Record<string, unknown>): string[] {
  return Object.entries(fields)
    .filter(([field, valid]) => !valid(report[field]))
    .map(([field]) => field);
}
