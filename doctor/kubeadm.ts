/** What kubeadm keeps in the cluster for its nodes, and an upgrade stumbles over. */
import type { UpgradeFinding } from "./finding";
import type { Target } from "./judge/upgrade";
import { isAtLeast } from "./versions";
import type { Cluster } from "../components/cluster/kubeconfig";
import { answerOf, withinTime } from "../components/cluster/list";
import { userError } from "../components/errors";

/** In characters, of what one ConfigMap says. */
const LONGEST_TEXT = 1 << 20;
const MAPS = ["kubeadm-config", "kubelet-config"];

/**
 * @returns nothing where the cluster is not one of kubeadm
 * @throws Error naming the kubeconfig, the server and its answer.
 */
export async function askKubeadm(cluster: Cluster, target: Target): Promise<UpgradeFinding[]> {
  const texts: [string, string][] = [];
  for (const name of MAPS) {
    try {
      const data = Object.values((await withinTime(cluster.configMap("kube-system", name))).data ?? {}) as unknown[];
      texts.push([name, data.map(String).join("\n").slice(0, LONGEST_TEXT)]);
    } catch (error) {
      if ((error as { code?: unknown }).code === 404) continue;
      throw userError(
        `ConfigMap kube-system/${name} of ${cluster.server} cannot be read with ${cluster.called}: ${answerOf(error)}`,
      );
    }
  }
  return texts.flatMap(([name, text]) => judgeKubeadm(name, text, target));
}

/** Pure. */
export function judgeKubeadm(name: string, text: string, { kubernetes }: Target): UpgradeFinding[] {
  if (!kubernetes) return [];
  const map = `ConfigMap kube-system/${name}`;
  const flag: UpgradeFinding = {
    grade: "does not start",
    kind: "a flag that the kubelet does not know",
    what: `${map} has pod-infra-container-image: a node that kubeadm upgrades or joins gets it, and its kubelet does not know it`,
    remedy: `Take it out: kubectl -n kube-system edit configmap ${name}`,
    source: "kubernetes#133779",
  };
  const repository = /^\s*imageRepository:\s*["']?([^"'\s]+)/m.exec(text)?.[1];
  const own: UpgradeFinding = {
    grade: "warns",
    kind: "a pause image of kubeadm's own",
    what: `${map} has imageRepository ${repository ?? ""}: kubeadm pulls its own tag of pause from there before it upgrades`,
    remedy: "Have that tag there: kubeadm config images list names it",
    source: "kubeadm of Kubernetes 1.37, GetControlPlaneImages",
  };
  return [
    ...(isAtLeast(kubernetes, "1.35") && text.includes("pod-infra-container-image") ? [flag] : []),
    ...(isAtLeast(kubernetes, "1.37") && repository !== undefined && repository !== "registry.k8s.io" ? [own] : []),
  ];
}
