/** The cgroup drivers of the kubelet and of containerd, compared before a sandbox fails of them. */
import { cgroupRemedy } from "../causes";
import type { Facts } from "../facts";
import type { Finding } from "../finding";
import { isAtLeast, versionIn } from "../versions";

export function judgeCgroups({ runtime, kubelet, status }: Facts): Finding[] {
  if (runtime?.name !== "containerd" || !kubelet || typeof status?.systemdCgroup !== "boolean") return [];
  const own = versionIn(runtime.version);
  const of = versionIn(kubelet.version);
  if (!own || !of || kubelet.cgroupDriver === undefined) return [];
  // From 1.31 on the kubelet asks containerd 2.0 or later for its driver (KEP-4033).
  if (isAtLeast(own, "2.0") && isAtLeast(of, "1.31")) return [];
  const [has, wants] = [status.systemdCgroup ? "systemd" : "cgroupfs", kubelet.cgroupDriver || "cgroupfs"];
  if (has === wants) return [];
  return [
    {
      code: "PS-D030",
      kind: "cgroup drivers that differ",
      // The other way round Pods start, and two programs manage cgroups.
      fatal: has === "systemd",
      what: `the cgroup driver of the kubelet is ${wants}, and that of containerd is ${has}`,
      remedy: cgroupRemedy({ runtime }),
    },
  ];
}
