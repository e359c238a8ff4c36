/** What a plan of the node script means for a node that is to be as wanted: pure. */
import type { NodeReport } from "../../components/node/nodeScript";
import type { NodeSettings } from "../../components/node/nodeSettings";

/** One thing that is not as wanted. */
export interface Difference {
  /** The file that differs; missing where it is the runtime that differs. */
  readonly file?: string;
  /** The file is not there. */
  readonly missing?: true;
  /** The key in it; missing where the text, the mode or the owner differs. */
  readonly key?: string;
  /** What is there; missing where nothing is, or where it may be a secret. */
  readonly is?: string;
  /** What is wanted; missing as above. */
  readonly wanted?: string;
}

/** What the node is to be, as far as the plan was not told. */
export interface Expected extends Pick<NodeSettings, "image" | "digest" | "archive" | "kubeletFlag"> {
  /** Whether the plan was made with a stand-in for the login: that alone is no difference then. */
  readonly loginUnknown: boolean;
}

/** The key of lines that the node does not show. */
const LOGIN = "a login";

/** @param stderr What the plan said for people: a diff for each file that would change. */
export function differencesOf(report: NodeReport, stderr: string, expected: Expected): Difference[] {
  const diffs = diffsIn(stderr);
  const created = new Set([...stderr.matchAll(/^\[.*\] would create (.*)$/gm)].map(([, file]) => file));
  const files = report.changed.flatMap((file): Difference[] => {
    const differences = differencesIn(file, diffs.get(file) ?? [], expected.loginUnknown);
    return differences.length > 0 && created.has(file) ? [{ file, missing: true }] : differences;
  });
  // Nobody knows what a run that was killed left behind: its report names no runtime.
  if ((report.runtime as string) === "") return files;
  // An image that was loaded without a registry has no digest, and is there all the same.
  const missing = /^\[.*\] would \w+ .*: it is not on this node$/m.test(stderr);
  const { image } = expected;
  return [
    ...files,
    ...(missing ? [{ key: "image on the node", wanted: image }] : imageDifferences(report, stderr, expected)),
  ];
}

function imageDifferences(report: NodeReport, stderr: string, expected: Expected): Difference[] {
  const { archive, digest, kubeletFlag } = expected;
  // With docker, a carried image is known by its ID: the node compares that.
  const same = archive === undefined ? digest === report.digest : !/^\[.*\] would import .* again:/m.test(stderr);
  const other = digest !== undefined && !same;
  // Up to 1.28 the kubelet's flag protects an image as a pin does.
  const minor = Number(/^1\.(\d+)/.exec(report.kubelet)?.[1] ?? NaN);
  const safe = report.pinned || (minor <= 28 && kubeletFlag !== false);
  return [
    ...(other ? [{ key: "digest", is: report.digest || "none", wanted: digest }] : []),
    ...(safe ? [] : [{ key: "pinned", is: "false", wanted: "true" }]),
  ];
}

/** Lines that are taken and added, by the file. */
function diffsIn(stderr: string): Map<string, string[]> {
  const diffs = new Map<string, string[]>();
  let lines: string[] | undefined;
  const all = stderr.split("\n");
  all.forEach((line, at) => {
    const file = line.slice(4);
    if (line.startsWith("--- ") && all[at + 1] === `+++ ${file} (planned)`) diffs.set(file, (lines = []));
    else if (/^[-+]/.test(line) && !(line.startsWith("+++ ") && all[at - 1]?.startsWith("--- "))) lines?.push(line);
    else if (line.startsWith("[")) lines = undefined;
  });
  return diffs;
}

function differencesIn(file: string, lines: readonly string[], loginUnknown: boolean): Difference[] {
  const keys = new Map<string, { is?: string; wanted?: string }>();
  for (const line of lines) {
    const entry = entryIn(line.slice(1));
    if (entry === undefined) continue;
    const value = { [line.startsWith("-") ? "is" : "wanted"]: entry.value };
    keys.set(entry.key, { ...keys.get(entry.key), ...value });
  }
  const onlyLogin = lines.length > 0 && lines.every((line) => entryIn(line.slice(1))?.key === LOGIN);
  if (onlyLogin && loginUnknown) return [];
  const differing = [...keys].filter(([key, { is, wanted }]) => key === LOGIN || is !== wanted);
  return differing.length === 0 ? [{ file }] : differing.map(([key, values]) => ({ file, key, ...values }));
}

/** The key and the value of a line of TOML, YAML, a unit or an environment file. */
function entryIn(line: string): { key: string; value?: string } | undefined {
  if (line.startsWith("(not shown")) return { key: LOGIN };
  const flag = /(--pod-infra-container-image)[= ]([^\s"']+)/.exec(line);
  if (flag) return { key: flag[1] ?? "", value: flag[2] };
  const [, key, value = ""] = /^\s*(?:- )?"?([A-Za-z][\w.-]*)"?\s*(?:=|:(?=\s|$))\s*(.*)$/s.exec(line) ?? [];
  return key === undefined ? undefined : { key, value: value.replace(/^"(.*)"$/, "$1") };
}
