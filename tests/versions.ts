/**
 * `versions.ts` writes the first table of docs/versions.md: from {@link ROWS}, and from docs/versions.json, which says what ran.
 * `versions.ts record [FOLDER]` first takes what `ran` noted into that file. FOLDER is where a run of the tests keeps its results, of
 * this clone unless another one's is named.
 */
import * as fs from "node:fs";
import * as path from "node:path";

import { format, resolveConfig } from "prettier";

import { KEPT, RAN } from "./runner/result";
import type { Ran } from "./support/ran";
import { messageOf } from "../components/errors";
import { nodePlans } from "../lab/cluster/layout";
import {
  CONTAINERD,
  CRI_DOCKERD,
  CRIO,
  KUBELET,
  KUBERNETES,
  NODE,
  NODE_MORE,
  PULUMI,
  PULUMI_OLDEST,
} from "../lab/toolchain/versions";

export const PAGE = path.join(__dirname, "../docs/versions.md");
const DATA = path.join(__dirname, "../docs/versions.json");

/** The last run of one version. */
export interface Recorded extends Pick<Ran, "what" | "version" | "date" | "result"> {
  /** Files of tests with their tiers, or who ran it by hand. */
  by: string[];
}

export interface Row {
  readonly what: string;
  /** Those that have to be on the page, run or not; no others are. Default: those that ran. */
  readonly versions?: readonly string[];
  readonly remark?: string;
}

const nodes = nodePlans();

/** In the order of the page. */
export const ROWS: readonly Row[] = [
  { what: "control plane", versions: [KUBERNETES] },
  { what: "kubelet", versions: nodes.map(({ kubelet }) => kubelet), remark: "the lab's two nodes" },
  {
    ...{ what: "kubelet, exchanged", versions: [KUBELET.collecting, ...KUBELET.more, KUBELET.newest] },
    remark: `a node's kubelet ${KUBELET.flagged} is exchanged for it`,
  },
  { what: "kubeadm", versions: [KUBERNETES], remark: "the checks of `init`, which pull pause under a tag of its own" },
  {
    ...{ what: "containerd, nodes", versions: nodes.map(({ containerd }) => containerd.version) },
    remark: "the lab's two nodes, with real Pods",
  },
  {
    ...{
      what: "containerd, parse",
      versions: [CONTAINERD.oldest, CONTAINERD.one, ...CONTAINERD.more, CONTAINERD.newest],
    },
    remark: "it parses the edited files; no daemon is restarted",
  },
  {
    ...{ what: "containerd, images", versions: [CONTAINERD.oldest, CONTAINERD.one, CONTAINERD.newest] },
    remark: "a real daemon pulls, imports and pins; no Pod runs",
  },
  {
    ...{ what: "containerd, login", versions: Object.values(CONTAINERD).flat() },
    remark: "a real daemon pulls with a login from a registry that takes tokens",
  },
  {
    ...{ what: "containerd, exchanged", versions: [CONTAINERD.oldest, ...CONTAINERD.more] },
    remark: "a node of the lab runs on it: healed, looked at, given back, with a real sandbox",
  },
  { what: "CRI-O", versions: [CRIO.newest, ...CRIO.more], remark: "a real daemon on a node without a cluster" },
  {
    what: "cri-dockerd",
    versions: [CRI_DOCKERD],
    remark: `a real node with its own kubelet ${KUBELET.flagged}. By hand: where it looks for logins`,
  },
  {
    ...{ what: "dockershim", versions: [KUBELET.dockershim] },
    remark: "a real kubelet that stands alone. Its `crictl` is today's under the CRI's older name",
  },
  { what: "docker, nodes", remark: "under cri-dockerd and the dockershim" },
  { what: "k3s, RKE2", remark: "simulated in the tests: their own programs are stand-ins" },
  { what: "cgroups", versions: ["1", "2"], remark: "the version that the nodes have" },
  { what: "SELinux, enforcing", remark: "in the tests, files keep their labels" },
  { what: "Debian, nodes", remark: "also with the tools of RHEL (bash as `sh`, gawk), and with busybox's" },
  { what: "nodes that are not amd64", remark: "pause is compiled for six architectures" },
  {
    ...{ what: "Pulumi's CLI", versions: [PULUMI_OLDEST, PULUMI] },
    remark: `by hand, with ${PULUMI_OLDEST}: the end-to-end steps, and 3.248.0 of the SDK. Older ones are refused`,
  },
  { what: "Pulumi's SDK", remark: "by hand: 3.248.0 with `@pulumi/kubernetes` 4.28.0, the oldest that are allowed" },
  { what: "Go, SDK", remark: "our SDK is compiled and run with a simulated engine, not with its language host" },
  { what: "Python, SDK", remark: "the same" },
  { what: "C#, SDK" },
  {
    what: "provider plugins",
    remark:
      "published Node.js host 3.259, command 1.2.1, docker 5.1.0, docker-build 0.0.22, kubernetes 4.28.0: end-to-end steps, guide, recipes. Tests use stand-ins but for docker-build",
  },
  {
    what: "Node.js",
    versions: [NODE, ...NODE_MORE],
    remark: `the package; all other tests run on ${NODE}. 22.9 is the oldest that is allowed`,
  },
  { what: "docker engine", remark: "builds and pushes the image" },
  { what: "registry", remark: "distribution. One with OCI 1.1's referrers is simulated" },
  { what: "cosign", remark: "and three commits: cosign verifies our signatures, and this project verifies cosign's" },
  { what: "dash" },
  { what: "bash" },
  { what: "busybox", remark: "as shell and as awk" },
  { what: "mawk" },
  { what: "gawk" },
];

const byVersion = (a: { version: string }, b: { version: string }): number =>
  a.version.localeCompare(b.version, "en", { numeric: true });

/** What the page has of a row: those of its versions that ran, and those that have to be there. */
function shown({ what, versions }: Row, data: readonly Recorded[]): { version: string; last?: Recorded }[] {
  const ran = data.filter((one) => one.what === what);
  const wanted = versions ?? (ran.length > 0 ? ran.map(({ version }) => version) : [""]);
  const all = [...new Set(wanted)].map((version) => ({ version, last: ran.find((one) => one.version === version) }));
  return all.sort(byVersion);
}

/** The lines of the table, without its head. */
export const table = (rows: readonly Row[], data: readonly Recorded[]): string[][] =>
  rows.flatMap((row) =>
    shown(row, data).map(({ version, last }) => {
      const told = last ? [last.result, last.date, last.by.join(", ")] : ["not run", "", ""];
      return [row.what, version, ...told, row.remark ?? ""];
    }),
  );

/** Takes the notes of a run. They replace what was known of a version, unless that is newer. Drops what no row shows. */
export function merged(rows: readonly Row[], data: readonly Recorded[], notes: readonly Ran[]): Recorded[] {
  // A suite that ran twice counts as it ended last.
  const last = [
    ...new Map(notes.map((note) => [JSON.stringify([note.what, note.version, note.test, note.suite]), note])).values(),
  ];
  const unknown = last.filter(({ what }) => !rows.some((row) => row.what === what)).map(({ what }) => what);
  if (unknown.length > 0) throw new Error(`tests/versions.ts has no row ${[...new Set(unknown)].join(", ")}`);
  const key = ({ what, version }: { what: string; version: string }): string => `${what} ${version}`;
  const now = [...new Set(last.map(key))].map((name): Recorded => {
    const of = last.filter((note) => key(note) === name) as [Ran, ...Ran[]];
    const [{ what, version }] = of;
    const date =
      of
        .map((note) => note.date)
        .sort()
        .at(-1) ?? "";
    const result = of.some((note) => note.result === "failed") ? "failed" : "passed";
    const by = [...new Set(of.map(({ test, tier }) => `${test.replace(".test.ts", "")} (${tier})`))].sort();
    return { what, version, date, result, by };
  });
  const all = new Map(data.map((one) => [key(one), one]));
  for (const one of now) if (one.date >= (all.get(key(one))?.date ?? "")) all.set(key(one), one);
  return rows.flatMap((row) => shown(row, [...all.values()]).flatMap(({ last }) => last ?? []));
}

export const recorded = (): Recorded[] => JSON.parse(fs.readFileSync(DATA, "utf8")) as Recorded[];

/** The page with its first table written again. */
export function rendered(page: string, lines: readonly string[][]): string {
  const head = ["what", "version", "result", "last run", "by", "remark"];
  const text = [head, head.map(() => "-"), ...lines].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  return page.replace(/^\|(.+\n)+/m, () => text);
}

/** Writes a file in the project's format. */
async function write(file: string, text: string): Promise<void> {
  fs.writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}

async function main([verb, folder = KEPT]: readonly string[]): Promise<void> {
  if (verb === "record") {
    const lines = fs.readFileSync(path.join(folder, RAN), "utf8").split("\n").filter(Boolean);
    const notes = lines.map((line) => JSON.parse(line) as Ran);
    await write(DATA, JSON.stringify(merged(ROWS, recorded(), notes)));
  } else if (verb !== undefined) throw new Error("usage: versions.ts [record [FOLDER]]");
  await write(PAGE, rendered(fs.readFileSync(PAGE, "utf8"), table(ROWS, recorded())));
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  });
}
