/**
 * What versions of Kubernetes and containerd do with what a node has: the one table for `--upgrade-to`. "[run]" marks what was run with
 * these versions; the rest was read in the source that is named.
 */
import type { Facts, FileFact, KubeletFact, RuntimeFact } from "./facts";
import type { UpgradeFinding } from "./finding";
import { settingsOf } from "./judge/config";
import { isLocal, isLost, pulledImage } from "./pulledImage";

/** Major, minor, patch. */
export type Version = readonly [number, number, number];

/** A node as it is behind the upgrade. */
export interface Upgraded {
  readonly facts: Facts;
  readonly runtime: RuntimeFact;
  readonly kubelet?: KubeletFact;
  /** Missing where the node has no containerd of its own. */
  readonly containerd?: Version;
  readonly kubernetes?: Version;
  /** By the clock of whoever looks. */
  readonly nowSeconds: number;
}

export interface Rule {
  readonly grade: UpgradeFinding["grade"];
  /** The same for all nodes that it hits. */
  readonly kind: string;
  readonly of: "kubernetes" | "containerd";
  /** The first version, such as `1.35`. */
  readonly from: string;
  /** The first version that it does not hit. Default: it hits all later ones. */
  readonly until?: string;
  /** What is hit, as sentences without a full stop; none where nothing is. */
  readonly hits: (node: Upgraded) => readonly string[];
  readonly remedy: string;
  readonly source: string;
}

/** The newest versions that this table knows. */
export const KNOWN = { kubernetes: "1.38", containerd: "2.4" } as const;

/** What a containerd takes where nobody sets a sandbox image [run]. Later ones take that of the last line. */
const DEFAULT_IMAGES: readonly (readonly [string, string])[] = [
  ["1.6", "registry.k8s.io/pause:3.6"],
  ["1.7", "registry.k8s.io/pause:3.8"],
  ["2.0", "registry.k8s.io/pause:3.10"],
  ["2.2", "registry.k8s.io/pause:3.10.1"],
  ["2.3", "registry.k8s.io/pause:3.10.2"],
];

/** The oldest containerd for a Kubernetes, by containerd's own table (RELEASES.md). */
const OLDEST_CONTAINERD: readonly (readonly [string, string])[] = [
  ["1.36", "2.2"],
  ["1.37", "2.3"],
];

/** The day after which a containerd gets no more fixes: RELEASES.md of 2.4.2, the last day where that names a month. */
export const ENDS: readonly (readonly [string, string])[] = [
  ["1.6", "2025-08-23"],
  ["1.7", "2026-09-30"],
  ["2.0", "2027-03-31"],
  ["2.1", "2026-07-03"],
  ["2.2", "2026-11-06"],
  ["2.3", "2028-04-30"],
  ["2.4", "2027-05-16"],
];

/** @returns nothing where it is no version */
export function versionIn(text: string): Version | undefined {
  const [, major, minor, patch] = /^v?(\d{1,3})\.(\d{1,4})(?:\.(\d{1,5}))?/.exec(text) ?? [];
  // A line without its patch means its newest one.
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch ?? NEWEST_PATCH)];
}

const NEWEST_PATCH = 99_999;

/** Whether it is a version of at least this line or patch. */
export function isAtLeast([major, minor, patch]: Version, text: string): boolean {
  const [a = 0, b = 0, c = 0] = text.split(".").map(Number);
  return (major - a || minor - b || patch - c) >= 0;
}

export const versionText = ([major, minor, patch]: Version): string =>
  `${major}.${minor}${patch === NEWEST_PATCH ? "" : `.${patch}`}`;

/** The last line that a version reaches. */
const reached = (version: Version, lines: readonly (readonly [string, string])[]): string | undefined =>
  lines.filter(([from]) => isAtLeast(version, from)).at(-1)?.[1];

const filesOf = ({ facts }: Upgraded): readonly FileFact[] => facts.files ?? [];
/** The version that a file of containerd names; 1 where it names none. */
const fileVersion = ({ lines }: FileFact): number =>
  Number(lines.map((line) => /^\d+:\s*version\s*=\s*(\d+)/.exec(line)?.[1]).find((one) => one !== undefined) ?? 1);
const hasPlugins = ({ lines }: FileFact): boolean => lines.some((line) => /^\d+:\s*\[\s*plugins\b/.test(line));
const placesOf = (node: Upgraded, line: RegExp): string[] =>
  filesOf(node).flatMap(({ path, lines }) =>
    lines.flatMap((one) => (line.test(one) ? [`${path}:${one.replace(/:.*/s, "")}`] : [])),
  );

const oldFiles = (node: Upgraded): FileFact[] => filesOf(node).filter((one) => fileVersion(one) < 2 && hasPlugins(one));
/** A main file of version 2 and another one of version 3. */
function mixedFiles(node: Upgraded): string[] {
  const [main, ...others] = filesOf(node).filter(hasPlugins);
  if (!main || fileVersion(main) > 2) return [];
  return others.filter((one) => fileVersion(one) > 2).map(({ path }) => path);
}
const inlineRegistries = (node: Upgraded): string[] =>
  placesOf(node, /^\d+:\s*\[\s*plugins\b.*\.registry\.(mirrors|configs|auths)\b/).slice(0, 3);
const isTwo = ({ configPath }: RuntimeFact): boolean => configPath.includes(":");
/** Whether it is a containerd of 2.1 or later that reads lists all the same, by its other settings. */
const readsLists = ({ misread, version }: RuntimeFact): boolean => misread === false && /^2\.[1-9]/.test(version);
/** Whether a sandbox starts without a pull. */
const stays = ({ facts, runtime }: Upgraded): boolean => {
  const image = pulledImage(runtime.image);
  return facts.image?.status.pinned === true || (image !== undefined && isLocal(image));
};
const flagged = (text: string) => (node: Upgraded) =>
  (node.kubelet?.flagged ?? []).map((place) => `${place} has --pod-infra-container-image, ${text}`);
const twoDirectories = (hits: (node: Upgraded) => boolean) => (node: Upgraded) =>
  isTwo(node.runtime) && !readsLists(node.runtime) && hits(node)
    ? [
        `config_path is "${node.runtime.configPath}", which this containerd takes for one directory, so that it reads no hosts.toml`,
      ]
    : [];
/** Which of two cases it is, by whether the node has a containerd of this line or later. */
const olderContainerd =
  (before: string, text: string) =>
  ({ containerd }: Upgraded) =>
    containerd && !isAtLeast(containerd, before) ? [`containerd ${versionText(containerd)} ${text}`] : [];

export const RULES: readonly Rule[] = [
  {
    grade: "does not start",
    kind: "a flag that the kubelet does not know",
    ...{ of: "kubernetes", from: "1.35" },
    // [run] 1.35.4
    hits: flagged("which the new kubelet does not know: it ends at once"),
    remedy: "Remove the flag there before the upgrade, or let a stack do it",
    source: "kubernetes#133779",
  },
  {
    grade: "warns",
    kind: "a flag without effect",
    ...{ of: "kubernetes", from: "1.29", until: "1.35" },
    hits: flagged("which the kubelet ignores, and 1.35 does not know any more"),
    remedy: "Remove the flag there before an upgrade to 1.35, or let a stack do it",
    source: "kubernetes#133779",
  },
  {
    grade: "does not start",
    kind: "cgroup v1",
    ...{ of: "kubernetes", from: "1.35" },
    // [run] 1.35.4
    hits: ({ facts, kubelet }) =>
      facts.host?.cgroups === 1 && kubelet && kubelet.failCgroupV1 !== "false"
        ? ["the host has cgroup v1, and the new kubelet refuses that unless failCgroupV1 is false"]
        : [],
    remedy: "Boot with cgroup v2, or set failCgroupV1: false in the kubelet's configuration before the upgrade",
    source: "kubernetes#134298",
  },
  {
    grade: "warns",
    kind: "cgroup v1",
    ...{ of: "kubernetes", from: "1.35" },
    hits: ({ facts, kubelet }) =>
      facts.host?.cgroups === 1 && kubelet?.failCgroupV1 === "false"
        ? ["the host has cgroup v1, which Kubernetes will remove"]
        : [],
    remedy: "Boot with cgroup v2",
    source: "kubernetes#134298",
  },
  {
    grade: "does not start",
    kind: "a containerd that is too old for the kubelet",
    ...{ of: "kubernetes", from: "1.26" },
    hits: olderContainerd("1.6", "does not speak CRI v1"),
    remedy: "Upgrade containerd first",
    source: "containerd RELEASES.md",
  },
  {
    grade: "does not start",
    kind: "a containerd that is too old for the kubelet",
    ...{ of: "kubernetes", from: "1.38" },
    hits: olderContainerd("2.0", "cannot tell its cgroup driver (RuntimeConfig), and kubelet 1.38 does not fall back"),
    remedy: "Upgrade containerd to 2.3 or later first",
    source: "Kubernetes KEP-4033",
  },
  {
    grade: "warns",
    kind: "a containerd that is too old for the kubelet",
    ...{ of: "kubernetes", from: "1.36", until: "1.38" },
    hits: olderContainerd(
      "2.0",
      "cannot tell its cgroup driver (RuntimeConfig): the kubelet falls back to its own, up to 1.37",
    ),
    remedy: "Upgrade containerd to 2.3 or later",
    source: "Kubernetes KEP-4033",
  },
  {
    grade: "not supported any more",
    kind: "a containerd that is too old for the kubelet",
    ...{ of: "kubernetes", from: "1.36" },
    hits: ({ containerd, kubernetes }) => {
      const oldest = kubernetes && reached(kubernetes, OLDEST_CONTAINERD);
      return containerd && kubernetes && oldest !== undefined && !isAtLeast(containerd, oldest)
        ? [
            `containerd ${versionText(containerd)} is older than ${oldest}, the oldest for Kubernetes ${versionText(kubernetes)}`,
          ]
        : [];
    },
    remedy: "Upgrade containerd first",
    source: "containerd RELEASES.md",
  },
  {
    grade: "does not start",
    kind: "a reference that cannot be used",
    ...{ of: "containerd", from: "2.3.0", until: "2.3.4" },
    hits: ({ runtime, containerd }) =>
      containerd && isLost(runtime.image, { name: runtime.name, version: versionText(containerd) })
        ? [
            `the sandbox image ${runtime.image} has no registry, no tag, or a digest, so that this containerd does not find it`,
          ]
        : [],
    remedy: "Use host[:port]/repository:tag, or upgrade to containerd 2.3.4 or later",
    source: "containerd#13529",
  },
  {
    grade: "does not start",
    kind: "two directories in config_path",
    // [run] 2.1.4 to 2.4.2
    ...{ of: "containerd", from: "2.1" },
    hits: twoDirectories((node) => !stays(node)),
    remedy: "Name one directory in config_path before the upgrade",
    source: "containerd#12415, containerd#12808",
  },
  {
    grade: "warns",
    kind: "two directories in config_path",
    ...{ of: "containerd", from: "2.1" },
    hits: twoDirectories(stays),
    remedy: "Name one directory in config_path before the upgrade",
    source: "containerd#12415, containerd#12808",
  },
  {
    grade: "does not start",
    kind: "registry.mirrors or registry.configs",
    ...{ of: "containerd", from: "2.2.0", until: "2.2.3" },
    hits: (node) =>
      inlineRegistries(node).map((place) => `${place} has a registry, and with it this containerd does not load CRI`),
    remedy: "Move it to hosts.toml files, or upgrade to containerd 2.3 or later",
    source: "containerd#12612",
  },
  {
    grade: "warns",
    kind: "registry.mirrors or registry.configs",
    ...{ of: "containerd", from: "1.5", until: "2.7" },
    hits: (node) => inlineRegistries(node).map((place) => `${place} has a registry, which containerd reads up to 2.6`),
    remedy: "Move it to hosts.toml files and set config_path",
    source: "containerd RELEASES.md",
  },
  {
    grade: "not supported any more",
    kind: "registry.mirrors or registry.configs",
    ...{ of: "containerd", from: "2.7" },
    hits: (node) =>
      inlineRegistries(node).map((place) => `${place} has a registry, which this containerd does not read any more`),
    remedy: "Move it to hosts.toml files and set config_path before the upgrade",
    source: "containerd RELEASES.md",
  },
  {
    grade: "does not start",
    kind: "a file of version 1",
    // [run] 2.1.4, 2.2.3
    ...{ of: "containerd", from: "2.0", until: "2.3" },
    hits: (node) =>
      oldFiles(node).map(
        ({ path }) => `${path} is of version 1, and this containerd does not read its sandbox image and registries`,
      ),
    remedy: "Write it again before the upgrade: containerd config migrate, or upgrade to containerd 2.3 or later",
    source: "containerd config dump of these versions",
  },
  {
    grade: "warns",
    kind: "a file of version 1",
    // [run] 2.3.4, 2.4.2
    ...{ of: "containerd", from: "2.3" },
    hits: (node) =>
      oldFiles(node).map(({ path }) => `${path} is of version 1, and containerd migrates it at each start`),
    remedy: "Write it again: containerd config migrate",
    source: "containerd config dump of these versions",
  },
  {
    grade: "does not start",
    kind: "files of versions 2 and 3",
    // [run] 2.1.4, 2.2.3: the main file is ignored; 2.3.4: refuses to start; 2.4.2 merges them
    ...{ of: "containerd", from: "2.0", until: "2.4" },
    hits: (node) =>
      mixedFiles(node).map(
        (path) => `${path} is of version 3, and the main file is not: this containerd reads only one of them`,
      ),
    remedy: "Write all files in the same version: containerd config migrate",
    source: "containerd#12891",
  },
  {
    grade: "does not start",
    kind: "a shim that is gone",
    ...{ of: "containerd", from: "2.0" },
    hits: (node) =>
      placesOf(node, /runtime_type\s*=\s*["']io\.containerd\.(runtime\.v1\.linux|runc\.v1)["']/).map(
        (place) => `${place} names a shim that containerd 2.0 removed`,
      ),
    remedy: 'Set runtime_type = "io.containerd.runc.v2"',
    source: "containerd RELEASES.md",
  },
  {
    grade: "warns",
    kind: "another default sandbox image",
    ...{ of: "containerd", from: "1.6" },
    hits: ({ facts, runtime, containerd }) => {
      const isSet = settingsOf(facts.files ?? []).some(({ image }) => image === runtime.image);
      const next = containerd && reached(containerd, DEFAULT_IMAGES);
      return isSet || facts.files === undefined || next === undefined || next === runtime.image
        ? []
        : [
            `no file sets the sandbox image: it is ${runtime.image} now, and ${next} behind the upgrade, which the node has to pull`,
          ];
    },
    remedy: "Set the sandbox image, for example by a stack, or have the new one where the node pulls from",
    source: "containerd config default of these versions",
  },
  {
    grade: "not supported any more",
    kind: "a containerd without fixes",
    ...{ of: "containerd", from: "1.0" },
    hits: ({ containerd, nowSeconds }) => {
      const ended = containerd && ENDS.find(([line]) => line === `${containerd[0]}.${containerd[1]}`)?.[1];
      return containerd && ended !== undefined && nowSeconds > Date.parse(ended) / 1000
        ? [`containerd ${containerd[0]}.${containerd[1]} gets no fixes since ${ended}`]
        : [];
    },
    remedy: "Upgrade to a line that does: 2.3 does until April 2028",
    source: "containerd RELEASES.md",
  },
];
