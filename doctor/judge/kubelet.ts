/** The kubelet: whether it runs, and the flag that it has no longer from 1.35 on. */
import type { Facts } from "../facts";
import type { Evidence, Finding } from "../finding";

const FLAG = "--pod-infra-container-image";

export function judgeKubelet({ kubelet }: Facts): { findings: Finding[]; evidence: Evidence[] } {
  if (!kubelet || kubelet.version === "") return { findings: [], evidence: [] };
  const { flagged, state, version } = kubelet;
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
  if (runs) return { findings: [], evidence };
  const what = `the kubelet is ${state}, and without it no Pod starts`;
  const down: Finding = {
    code: "PS-D019",
    kind: "a kubelet that does not run",
    fatal: true,
    what,
    remedy: "Run: journalctl -u kubelet",
  };
  return { findings: [down], evidence };
}
