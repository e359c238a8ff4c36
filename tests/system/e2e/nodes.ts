import { exec } from "../../../lab/cluster/exec";
import type { LabInfo } from "../../../lab/cluster";

/**
 * What a running node writes by itself. Everything else must be byte for byte as it was after a destroy.
 * Images stay in the runtime's store: other Pods may run on them, and the kubelet's garbage collection removes them.
 */
const VOLATILE = [
  "/dev",
  "/proc",
  "/run",
  "/sys",
  "/tmp",
  "/etc/hosts", // written by docker
  "/etc/hostname",
  "/etc/resolv.conf",
  "/var/cache",
  "/var/lib/cni",
  "/var/lib/containerd",
  "/var/lib/kubelet/*_state", // the kubelet's checkpoints
  "/var/lib/kubelet/device-plugins",
  "/var/lib/kubelet/image_manager", // which images it pulled, from 1.35 on
  "/var/lib/kubelet/pki",
  "/var/lib/kubelet/plugins",
  "/var/lib/kubelet/plugins_registry",
  "/var/lib/kubelet/pod-resources",
  "/var/lib/kubelet/pods",
  "/var/lib/systemd",
  "/var/log",
];

/** One line for every file, folder and link of a node: kind, mode, owner, path, and the hash of its content. */
export async function snapshot(node: LabInfo["nodes"][number]): Promise<string[]> {
  const skip = VOLATILE.flatMap((path) => ["-path", path, "-o"]).slice(0, -1);
  const list = ["find", "/", "(", ...skip, ")", "-prune", "-o", "-printf", "%y %m %U:%G %p %l\\n"];
  const files = ["find", "/", "(", ...skip, ")", "-prune", "-o", "-type", "f", "-exec", "sha256sum", "{}", "+"];
  const [entries, hashes] = await Promise.all(
    [list, files].map((command) => exec("docker", ["exec", node.container, ...command])),
  );
  return `${entries ?? ""}${hashes ?? ""}`.split("\n").filter(Boolean).sort();
}

export async function snapshots(lab: LabInfo): Promise<Map<string, string[]>> {
  return new Map(
    await Promise.all(lab.nodes.map(async (node): Promise<[string, string[]]> => [node.name, await snapshot(node)])),
  );
}

/** What differs between two sets of snapshots, a line each: `node-1 - old line`, `node-1 + new line`. */
export function differences(before: Map<string, string[]>, after: Map<string, string[]>): string[] {
  return [...before].flatMap(([node, old]) => {
    const now = new Set(after.get(node));
    const was = new Set(old);
    const gone = old.filter((line) => !now.has(line)).map((line) => `${node} - ${line}`);
    return [...gone, ...[...now].filter((line) => !was.has(line)).map((line) => `${node} + ${line}`)];
  });
}
