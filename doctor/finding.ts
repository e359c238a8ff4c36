/** What the doctor says: findings, and evidence in the order in which a sandbox comes to be. */
import type { Handlers } from "./judge/handlers";

/** One thing that is wrong. */
export interface Finding {
  /** `PS-D001`; its section in docs/findings.md. */
  readonly code: string;
  /** What is wrong, as the second half of a sentence about the node. */
  readonly what: string;
  /** True where no Pod can start because of it; false for what will break later. */
  readonly fatal: boolean;
  /** What to do: the argument to set, or the place to mend. */
  readonly remedy: string;
  /** The same for all nodes that suffer of it; nodes are grouped by it. */
  readonly kind: string;
  /** Certificate that is to be set as `trust.ca`, as PEM, after somebody has checked it. */
  readonly ca?: string;
  /** The sandbox image that somebody meant, where it is not the one in effect. */
  readonly image?: string;
}

/** What an upgrade does to a node. */
export interface UpgradeFinding {
  readonly grade: "does not start" | "warns" | "not supported any more";
  /** The same for all nodes that it hits. */
  readonly kind: string;
  readonly what: string;
  /** What to do. */
  readonly remedy: string;
  /** Where it says so. */
  readonly source: string;
}

/** A line of evidence, in the positive form. */
export interface Evidence {
  /** Whether it is so; `unknown` where it could not be looked at. */
  readonly is: "yes" | "no" | "warning" | "unknown";
  readonly text: string;
}

/** A Pod whose sandbox does not start, as the cluster tells of it. */
export interface StuckPod {
  readonly namespace: string;
  readonly name: string;
  /** Name of the Node object. */
  readonly node: string;
  /** The cluster's newest event of it, verbatim. */
  readonly event: string;
}

/** A Pod that the doctor itself made for `--try`. It started where it has an address. */
export interface TriedPod {
  readonly namespace: string;
  readonly name: string;
  /** Its address; empty where it started and has none. */
  readonly address?: string;
  /** Why its sandbox did not start, verbatim. */
  readonly error?: string;
  /** Why it was not tried at all. */
  readonly untried?: string;
  /** The cluster's events of it, the newest last: `reason: message`. */
  readonly events: readonly string[];
  /** Why it may still be there; missing where it is gone. */
  readonly left?: string;
}

/** What is known of one node after a look. */
export interface Diagnosis {
  /** The name that the node has for itself. */
  readonly node: string;
  /** How it was reached. */
  readonly host: string;
  readonly image: string;
  /** The first one is the cause. */
  readonly findings: readonly Finding[];
  readonly evidence: readonly Evidence[];
  /** Errors of sandboxes that still count, verbatim, the newest last. */
  readonly events: readonly string[];
  /** The use of pause by each runtime handler, where it is known. */
  readonly handlers?: Handlers;
  /** What the verdict would need, and nobody could look at. */
  readonly unknown?: readonly string[];
  /** Those that the cluster tells of, where it was asked. */
  readonly pods?: readonly StuckPod[];
  /** What `--try` has shown, where it was asked for. */
  readonly tried?: Tried;
  /** What an upgrade does, where `--upgrade-to` asks for it: the gravest first. */
  readonly upgrade?: readonly UpgradeFinding[];
}

/** What `--try` has shown: by a Pod, or by a sandbox in the host's network, which shows nothing of the network of Pods. */
export interface Tried {
  readonly by: "pod" | "sandbox";
  readonly started: boolean;
  readonly pod?: TriedPod;
}

/** Where a finding is described. */
export const pageOf = (code: string): string => `docs/findings.md#${code.toLowerCase()}`;
