/** What `--try` has shown. */
import type { Facts } from "../facts";
import type { Evidence, Tried, TriedPod } from "../finding";
import { type SandboxTry, unquoted } from "../sandboxes";

export interface JudgedTry {
  readonly tried?: Tried;
  readonly tries: readonly SandboxTry[];
  readonly evidence: readonly Evidence[];
  readonly unknown: readonly string[];
}

/** @param pod What came of the Pod, where one was tried. */
export function judgeTried({ tried: sandbox, failed }: Facts, atSeconds: number, pod?: TriedPod): JudgedTry {
  if (pod) return ofPod(pod, atSeconds);
  if (failed.tried !== undefined) return untried(`whether a sandbox starts: ${failed.tried}`);
  if (!sandbox) return { tries: [], evidence: [], unknown: [] };
  const { error } = sandbox;
  const tried: Tried = { by: "sandbox", started: error === undefined };
  const unseen = "The network of Pods was not tried";
  return error === undefined
    ? // Of the network it shows nothing, so that it ends no failure.
      {
        tried,
        tries: [],
        evidence: [{ is: "yes", text: `a sandbox started in the host's network. ${unseen}` }],
        unknown: [],
      }
    : {
        tried,
        tries: [{ atSeconds, pod: OWN_SANDBOX, error: unquoted(error) }],
        evidence: [{ is: "no", text: `a sandbox did not start in the host's network. ${unseen}` }],
        unknown: [],
      };
}

/** As the node's script has it: its runtime's log tells of it for ever. */
const OWN_SANDBOX = "kube-system/pause-sandbox-try";
const OWN_POD = /\/pause-sandbox-try-[0-9a-f]{8}$/;

/** Whether a journal tells of an earlier try of ours, which nobody waits for, or which shows nothing of a network. */
export const isOurs = ({ pod, error }: SandboxTry): boolean =>
  pod === OWN_SANDBOX || (error !== undefined && OWN_POD.test(pod));

function ofPod(pod: TriedPod, atSeconds: number): JudgedTry {
  const { address, error, left } = pod;
  const called = `${pod.namespace}/${pod.name}`;
  const leftOver: Evidence[] = left === undefined ? [] : [{ is: "warning", text: `Pod ${called}: ${left}` }];
  if (pod.untried !== undefined) {
    const whether = untried(`whether a Pod starts: ${pod.untried}`);
    return { ...whether, evidence: [...whether.evidence, ...leftOver] };
  }
  const tried: Tried = { by: "pod", started: error === undefined, pod };
  const text =
    error === undefined
      ? `Pod ${called} started here${address ? `, with the address ${address}` : ""}`
      : `Pod ${called} did not start here`;
  return {
    tried,
    tries: [{ atSeconds, pod: called, error }],
    evidence: [{ is: error === undefined ? "yes" : "no", text }, ...leftOver],
    unknown: [],
  };
}

const untried = (text: string): JudgedTry => ({ tries: [], evidence: [{ is: "unknown", text }], unknown: [text] });
