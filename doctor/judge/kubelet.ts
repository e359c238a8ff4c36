/** The kubelet: whether it runs, and the flag that it has no longer from 1.35 on. */
import { kubeletCause } from "../causes";
import type { Facts } from "../facts";
import type { Evidence, Finding } from "../finding";
import { errorIn, lineOf } from "../sandboxes";

const FLAG = "--pod-infra-container-image";

export function judgeKubelet(facts: Facts): { findings: Finding[]; evidence: Evidence[] } {
  const { kubelet } = facts;
  if (!kubelet || kubelet.version === "") return { findings: [], evidence: [] };
  const { flagged, version } = kubelet;
  const said = (facts.events ?? []).map(lineOf).filter(({ program }) => program !== "containerd" && program !== "crio");
  const ended = said.filter(({ text }) => /command failed|failed to run Kubelet|unknown flag/.test(text)).pop();
  // systemd starts it again and again: for a moment it is active.
  const isRecent = ended && (facts.host?.epochSeconds ?? 0) - ended.atSeconds <= RECENT_SECONDS;
  const flaps = kubelet.state === "active" && kubelet.healthy === false && isRecent;
  const state = flaps ? "started again and again" : kubelet.state;
  const runs = state === "active";
  const [place] = flagged;
  const evidence: Evidence[] = [{ is: runs ? "yes" : "no", text: `kubelet ${version} is ${state}` }];
  if (place !== undefined && Number(version.split(".")[1]) >= 35) {
    const what = `${place} has ${FLAG}. Kubelet ${version} does not know this flag, and does not start`;
    const remedy = "Remove the flag there and restart the kubelet, or let a stack do both";
    const flag: Finding = {
      code: "PS-D018",
      kind: "a flag that the kubelet does not know",
      fatal: !runs,
      what,
      remedy,
    };
    return { findings: [flag], evidence };
  }
  if (runs) return { findings: alone(said, facts), evidence };
  // One that ends by itself is started again by systemd: this one was stopped.
  const isStopped = kubelet.state === "inactive";
  const error = isStopped || !ended ? undefined : errorIn(ended.text);
  const cause = error === undefined ? undefined : kubeletCause(error, facts);
  const down: Finding = {
    code: "PS-D019",
    kind: cause?.kind ?? "a kubelet that does not run",
    fatal: true,
    what: `the kubelet is ${state}, and without it no Pod starts${because(cause?.what, error)}`,
    remedy: cause?.remedy ?? (isStopped ? STOPPED : "Run: journalctl -u kubelet"),
  };
  return { findings: [down], evidence };
}

const STOPPED = "Run: systemctl start kubelet. If it ends again: journalctl -u kubelet";

/** The cause, else the kubelet's own last words. */
const because = (cause?: string, error?: string): string =>
  cause !== undefined ? `: ${cause}` : error !== undefined ? `. It ended with: ${error}` : "";

/** A kubelet renews its lease every ten seconds, and systemd starts it again after as many. */
const RECENT_SECONDS = 60;

/** A kubelet that runs and gets no answer from its cluster hears of no new Pod. */
function alone(said: readonly ReturnType<typeof lineOf>[], { host }: Facts): Finding[] {
  const last = said.filter(({ text }) => /register(?:ed)? node|Failed to ensure lease exists/.test(text)).pop();
  if (
    !last ||
    /Successfully registered node/.test(last.text) ||
    (host?.epochSeconds ?? 0) - last.atSeconds > RECENT_SECONDS
  )
    return [];
  const why = errorIn(last.text);
  const server = /"https:\/\/([^/"]+)\//.exec(why)?.[1] ?? "the API server";
  return [
    {
      code: "PS-D038",
      kind: "an API server that is not reached",
      fatal: true,
      what: `the kubelet does not reach the API server, and so hears of no Pod: ${why}`,
      remedy: `Check whether it runs, and whether this node reaches ${server}: the server in the kubelet's kubeconfig, its name, firewalls, load balancer`,
    },
  ];
}
