/** A machine of the lab that no ssh reaches, and what there is on it. */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { connect } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

import { verdict } from "../../../cli/text";
import { diagnose } from "../../../doctor/diagnose";
import { look } from "../../../doctor/examine";
import { doctorStdin } from "../../../doctor/reach";
import { docker, inContainer } from "../../../lab/cluster/docker";
import { runProgram } from "../../support/nodes/target";

/** What the doctor says in its first line. A connection starts here: the network is the same. */
export async function verdictOn(container: string): Promise<string> {
  const run = async () => (await runProgram("docker", ["exec", "-i", container, "sh"], doctorStdin())).stdout;
  const dial = (host: string, port: number) => connect({ host, port });
  const { node, findings, unknown } = diagnose(
    await look({ name: container, run, dial, plan: () => Promise.reject(new Error("nobody asks for it")) }),
  );
  return verdict(node, findings, { unknown });
}

/** What a look must not change: every file that it might touch, what runs, what is mounted, and who listens where. */
const LISTS = {
  files:
    "find /etc /root /usr /opt /var -xdev ! -path '/var/log/*' ! -path '/var/lib/kubelet*' ! -path '/var/lib/containerd*' ! -path '/var/lib/docker*' ! -path '/var/lib/containers*' -printf '%p %C@ %m %s\\n'",
  // Without what comes and goes by itself.
  processes: "ps -eo pid=,ppid=,lstart=,args= | grep -vE 'sshd|strace|systemd|kworker| ps -eo| grep | sh -euc|sort$'",
  mounts: "grep -v /run/user /proc/mounts",
  sockets: "ss -Hlntux | awk '{ print $1, $5, $6 }'",
};

/** By what they are lists of. */
export async function listsOf(container: string): Promise<Record<string, string>> {
  const lists: Record<string, string> = {};
  // One after the other: the list of processes would have those that make another list.
  for (const [name, list] of Object.entries(LISTS))
    lists[name] = await inContainer(container, ["sh", "-euc", `${list} | sort`]);
  return lists;
}

/** Gives a machine a kubelet that only answers --version and listens on its health port. @param args Its command line. */
export async function standInKubelet(container: string, ...args: string[]): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-kubelet-"));
  const program = path.join(folder, "kubelet");
  const source = path.join(__dirname, "../cases/kubelet.c");
  await promisify(execFile)("gcc", ["-static", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
  await docker(["cp", program, `${container}:/usr/bin/kubelet`]);
  fs.rmSync(folder, { recursive: true });
  await inContainer(container, ["systemd-run", "-q", "--unit", "kubelet", "/usr/bin/kubelet", ...args]);
}
