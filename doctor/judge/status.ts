/** What the runtime says of itself: whether it serves Pods, and whether it has a network for them. */
import type { Facts, RuntimeFact } from "../facts";
import type { Evidence, Finding } from "../finding";
import { unquoted } from "../sandboxes";

interface Judged {
  readonly findings: Finding[];
  readonly evidence: Evidence[];
  /** What could not be looked at. */
  readonly unknown: string[];
}

export function judgeStatus({ status, failed }: Facts, runtime: RuntimeFact): Judged {
  const { name, unit, socket, startedSeconds } = runtime;
  if (!status) {
    const why = unquoted(failed.status ?? "it was not asked");
    if (startedSeconds > 0 && !/connect|no answer|dial|deadline/i.test(why)) {
      return { findings: [], evidence: [], unknown: [`whether ${name} and its network are ready`] };
    }
    const isDown = startedSeconds === 0;
    const what = isDown ? `${unit} does not run` : `${name} gives no answer on ${socket}: ${why}`;
    const command = isDown ? `systemctl start ${unit}` : `systemctl restart ${unit}`;
    const remedy = `Run: ${command}. If that does not help: journalctl -u ${unit}, and the load of the node's disks`;
    return { findings: [{ ...deaf(what, unit), remedy }], evidence: [{ is: "no", text: what }], unknown: [] };
  }
  const [ready, network] = ["RuntimeReady", "NetworkReady"].map((type) =>
    status.conditions.find((one) => one.type === type),
  );
  const reason = network?.reason === undefined || network.reason === "" ? "" : ` (${network.reason})`;
  const said = [network?.message, status.network].filter((one) => one !== undefined && one !== null && one !== "");
  const findings = [
    ...(ready && ready.status !== true
      ? [deaf(`${name} says that it is not ready: ${ready.reason ?? ""} ${ready.message ?? ""}`.trim(), unit)]
      : []),
    ...(network && network.status !== true ? [noNetwork(`${said.join("; ")}${reason}`, name)] : []),
  ];
  const evidence = [
    condition(ready?.status, `${name} says that it is ready`, `${name} says that it is not ready`),
    condition(network?.status, "its network is ready", `its network is not ready: ${said.join("; ")}`),
  ];
  const unknown = [
    ...(ready ? [] : [`whether ${name} is ready`]),
    ...(network ? [] : [`whether the network of ${name} is ready`]),
  ];
  return { findings, evidence: evidence.flat(), unknown };
}

const condition = (is: boolean | undefined, yes: string, no: string): Evidence[] =>
  is === undefined ? [] : [is ? { is: "yes", text: yes } : { is: "no", text: no }];

const deaf = (what: string, unit: string): Finding => ({
  code: "PS-D037",
  kind: "a runtime that does not answer",
  fatal: true,
  what,
  remedy: `Run: systemctl status ${unit}, journalctl -u ${unit}`,
});

const noNetwork = (said: string, name: string): Finding => ({
  code: "PS-D025",
  kind: "a network that is not set up",
  fatal: true,
  what: `${name} has no network for Pods: ${said}`,
  remedy:
    "Install the cluster's network (CNI), or check why its Pod on this node wrote no file to /etc/cni/net.d: that Pod runs in the host's network and needs none itself",
});
