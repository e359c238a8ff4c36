/** Every suite: from which tier on it runs, what it needs, and what would go unnoticed without it. */
import type { Tier } from "../support/tier";

/** What a machine must offer beside Node.js. The later ones have the earlier ones too. */
export type Needs = "nothing" | "tools" | "docker" | "the lab" | "labs of its own";

export interface Suite {
  /** Its folder; of a suite without mocha, what people call it. */
  readonly name: string;
  readonly tier: Tier;
  readonly needs: Needs;
  /** What no other suite proves. CONTRIBUTING.md has the same words. */
  readonly proves: string;
  /** Arguments for Node.js, where mocha does not run it. Its status is its only result, unless it writes counts. */
  readonly command?: readonly string[];
  /** Its files share nothing, so that one file can run on each core. */
  readonly parallel?: true;
}

const TSX = ["--import", "tsx"];

/**
 * In the order in which they start. A suite on the lab waits more than it works, and only one can have the lab. So one lane runs these,
 * and the other lane runs the rest meanwhile, cheapest first.
 */
export const SUITES: readonly Suite[] = [
  {
    ...{ name: "tests/system/e2e", tier: "test", needs: "the lab" },
    proves: "`make up` heals a cluster, does nothing twice, survives a kill, and gives every byte back",
  },
  {
    ...{ name: "tests/system/doctor", tier: "test", needs: "the lab" },
    proves: "the doctor names causes on real nodes, its remedies heal, and healthy nodes stay as they are",
  },
  {
    ...{ name: "tests/system/nodes", tier: "all", needs: "the lab" },
    proves: "the node script on real containerd, CRI-O and docker, at boot, and with kubelets around 1.35",
  },
  {
    ...{ name: "tests/system/cases", tier: "all", needs: "the lab" },
    proves: "systemd and the kubelet's own command line agree with how the script reads people's files",
  },
  {
    ...{ name: "tests/system/faults", tier: "all", needs: "the lab" },
    proves: "no fault during a run costs a node, or an answer of a running Pod",
  },
  {
    ...{ name: "lab/tests/contract", tier: "all", needs: "the lab" },
    proves: "the stand-ins of provider plugins behave as the published ones",
  },
  {
    ...{ name: "faults, long", tier: "long", needs: "the lab" },
    proves: "every fault at many instants, and hosts that are gone",
    command: [...TSX, "tests/system/faults/main.ts", "--keep"],
  },
  {
    ...{ name: "lab/bench/node", tier: "long", needs: "the lab" },
    proves: "what a node costs stays within its limits",
    command: [...TSX, "lab/bench/node.ts"],
  },
  {
    ...{ name: "lab/bench/pause", tier: "long", needs: "the lab" },
    proves: "pause stays smaller than upstream's",
    command: [...TSX, "lab/bench/pause.ts"],
  },
  {
    ...{ name: "lab/tests/lifecycle", tier: "all", needs: "labs of its own" },
    proves: "the lab comes up after a kill, and leaves nothing when it goes",
  },
  {
    ...{ name: "lint", tier: "check", needs: "nothing" },
    proves: "types, style, format, shell",
    command: [...TSX, "tests/lint.ts"],
  },
  {
    ...{ name: "tests/unit", tier: "check", needs: "nothing" },
    proves: "the components under mocks, and that pages, examples and tables agree with the sources",
  },
  {
    ...{ name: "tests/doctor", tier: "check", needs: "nothing" },
    proves: "the doctor's judgement of every fact, over real TLS",
  },
  {
    ...{ name: "tests/node", tier: "check", needs: "nothing", parallel: true },
    proves: "each decision of the node script, on simulated nodes, beside the runtime's own parse",
  },
  {
    ...{ name: "tests/image/push", tier: "test", needs: "docker" },
    proves: "the image reaches real registries, signed, or the run says why not",
  },
  {
    ...{ name: "lab/tests/cluster", tier: "all", needs: "tools" },
    proves: "the lab's files, keys, lock and make targets",
  },
  {
    ...{ name: "lab/tests/toolchain", tier: "all", needs: "tools" },
    proves: "each tool comes from its first source that fits",
  },
  {
    ...{ name: "tests/unit/package", tier: "all", needs: "nothing" },
    proves: "the packed tarball compiles and runs in programs that know nothing of this tree",
  },
  {
    ...{ name: "tests/docs", tier: "all", needs: "tools" },
    proves: "the site in a browser, and the commands that pages name",
  },
  {
    ...{ name: "tests/sdks", tier: "all", needs: "tools" },
    proves: "programs in Go, Python and YAML use the components",
  },
  {
    ...{ name: "tests/rollout", tier: "all", needs: "tools" },
    proves: "the order of a rollout and its guards, under the real engine",
  },
  {
    ...{ name: "tests/image/pause", tier: "all", needs: "tools" },
    proves: "pause as process 1: signals, zombies, every architecture, reproducible bytes",
  },
  {
    ...{ name: "tests/image/handmade", tier: "all", needs: "docker" },
    proves: "the Pod by hand, on the docker engine alone",
  },
  {
    ...{ name: "lab/bench/mistake", tier: "long", needs: "tools" },
    proves: "a mistake in a stack's file costs no more than a preview",
    command: [...TSX, "lab/bench/mistake.ts"],
  },
  {
    ...{ name: "lab/bench/scale", tier: "long", needs: "tools" },
    proves: "the benchmark of large clusters runs",
    command: [...TSX, "lab/bench/scale.ts", "3"],
  },
  {
    ...{ name: "lab/bench/fleet", tier: "long", needs: "tools" },
    proves: "the benchmark of a fleet runs, and each contender changes each host",
    command: [...TSX, "lab/bench/fleet.ts", "2"],
  },
  {
    ...{ name: "lab/bench/doctor", tier: "long", needs: "nothing" },
    proves: "the doctor of 500 nodes stays within its time and memory",
    command: [...TSX, "lab/bench/doctor.ts"],
  },
];
