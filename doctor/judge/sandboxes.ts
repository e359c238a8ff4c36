/** What the last sandboxes say: failures that count, each with its cause, and those that are over. */
import { causeOf, isOfImage } from "../causes";
import type { Facts } from "../facts";
import type { Evidence, Finding, StuckPod } from "../finding";
import { type SandboxTry, type Since, standing, triedIn } from "../sandboxes";
import { isOurs } from "./tried";

export interface Sandboxes {
  readonly findings: Finding[];
  readonly evidence: Evidence[];
  /** The errors that count, verbatim, the newest last. */
  readonly events: string[];
  /** Whether one of them is of the image, and so is explained by the way of a pull. */
  readonly ofImage: boolean;
}

/** What is known beside the node's own facts. */
interface Told {
  /** Pods that wait by the cluster's own word, where it was asked. */
  readonly stuck?: readonly StuckPod[];
  /** What the doctor itself has tried. Default: nothing. */
  readonly tried?: readonly SandboxTry[];
}

export function judgeSandboxes(facts: Facts, nowSeconds: number, { stuck, tried = [] }: Told = {}): Sandboxes {
  const { runtime, image } = facts;
  const waiting = stuck && new Set(stuck.map(({ namespace, name }) => `${namespace}/${name}`));
  for (const { pod } of tried) waiting?.add(pod);
  const tries = [...triesOf(facts), ...(stuck ?? []).map((pod) => triedBy(pod, nowSeconds)), ...tried];
  const since = { nowSeconds, runtimeStartedSeconds: runtime?.startedSeconds ?? 0, waiting };
  const { counts, over } = standing(tries, since);
  // What is on the node is not pulled again.
  const failures = counts
    .map((one) => firstOf(one, tries, since))
    .filter(({ error = "" }) => !(isOfImage(error) && image));
  const started = (at: number) => tries.some(({ error, atSeconds }) => error === undefined && atSeconds >= at);
  const findings = failures.flatMap(({ error = "", atSeconds, pod }) => {
    if (isOfImage(error) && causeOf(error, { runtime }) === undefined) return [];
    return [causeOf(error, { runtime }) ?? somethingElse(error, pod, !started(atSeconds))];
  });
  return {
    findings: findings.filter((one, at) => findings.findIndex(({ what }) => what === one.what) === at),
    evidence: over && failures.length === 0 ? [overText(over)] : [],
    events: failures
      .map(({ error = "" }) => error)
      .slice(0, 3)
      .reverse(),
    ofImage: failures.some(({ error = "" }) => isOfImage(error)),
  };
}

/** A name that is taken is what comes of an earlier failure of the same Pod, unless that is over: that one has the cause. */
function firstOf(failure: SandboxTry, tries: readonly SandboxTry[], { runtimeStartedSeconds }: Since): SandboxTry {
  const taken = /reserve|already in use/;
  if (!taken.test(failure.error ?? "")) return failure;
  const own = tries.filter(({ pod }) => pod === failure.pod).sort((a, b) => b.atSeconds - a.atSeconds);
  const began = own.find(({ error }) => error === undefined)?.atSeconds ?? 0;
  const since = Math.max(began, runtimeStartedSeconds);
  return own.find(({ error = "reserve", atSeconds }) => !taken.test(error) && atSeconds > since) ?? failure;
}

function triesOf({ events = [], sandbox }: Facts): SandboxTry[] {
  const tries = events.flatMap((line) => triedIn(line) ?? []).filter((one) => !isOurs(one));
  const atSeconds = Date.parse(sandbox?.created ?? "") / 1000;
  if (!sandbox || Number.isNaN(atSeconds)) return tries;
  return [...tries, { atSeconds, pod: `${sandbox.namespace}/${sandbox.name}` }];
}

/** The cluster's event of a Pod that waits is as new as can be. */
const triedBy = ({ namespace, name, event }: StuckPod, atSeconds: number): SandboxTry => ({
  atSeconds,
  pod: `${namespace}/${name}`,
  error: event,
});

/** An error that nothing here explains. */
export function somethingElse(error: string, pod: string, fatal: boolean): Finding {
  const of = pod === "" ? "a Pod" : `Pod ${pod}`;
  return {
    code: "PS-D039",
    kind: "something else",
    fatal,
    what: `the last sandbox of ${of} failed with: ${error}`,
    remedy: "No cause is known for this error. A bundle of this node helps whoever looks further: --bundle FILE",
  };
}

const overText = ({ pod, atSeconds }: SandboxTry): Evidence => ({
  is: "yes",
  text: `an older failure is over: ${pod === "" ? "a Pod" : pod}, ${new Date(atSeconds * 1000).toISOString().slice(0, 19)}Z`,
});
