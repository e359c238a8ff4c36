/** Where everything of the lab lives: directories, addresses, names. Nothing here touches the machine. */
import * as os from "node:os";
import * as path from "node:path";

import { CONTAINERD, KUBELET } from "../toolchain/versions";

/** The label that marks all the lab's containers and its network; its value is the role. */
export const LABEL = "pause-sandbox.lab";

/** Label that holds a fingerprint of everything a container was created from; see `Machine`. */
export const SPEC_LABEL = "pause-sandbox.lab.spec";

/** Label that holds a node's public SSH host key: it changes with the container, as on a reinstalled machine. */
export const HOST_KEY_LABEL = "pause-sandbox.lab.host-key";

/** Name of the network, and what the containers' names start with: with another one, two labs stand side by side. */
export const NETWORK = process.env["PAUSE_SANDBOX_NAME"] ?? "pause-sandbox-lab";

/** The tree's root: the paths of images/ and toolchain/ are taken from here, wherever a command was started. */
export const TREE = path.resolve(__dirname, "../..");

/** State of the running lab: keys, kubeconfig, the registry's data. `clusterDown` removes it as a whole. */
export function labDir(): string {
  return process.env["PAUSE_SANDBOX_LAB"] ?? "/var/lib/pause-sandbox-lab";
}

/** What was built and can be used again by the next lab; safe to delete at any time. */
export function cacheDir(): string {
  const base = process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache");
  return process.env["PAUSE_SANDBOX_CACHE"] ?? path.join(base, "pause-sandbox");
}

/** First three numbers of the lab's /24, for machines where the default is taken: `PAUSE_SANDBOX_SUBNET=10.99.7`. */
export function subnetPrefix(): string {
  const prefix = process.env["PAUSE_SANDBOX_SUBNET"] ?? "10.203.0";
  const numbers = prefix.split(".");
  const valid = numbers.length === 3 && numbers.every((number) => /^\d{1,3}$/.test(number) && Number(number) < 256);
  if (!valid) {
    throw new Error(
      `PAUSE_SANDBOX_SUBNET is "${prefix}": give the first three numbers of a free private /24, as in 10.99.7`,
    );
  }
  if (["10.204.", "10.205."].some((inner) => prefix.startsWith(inner))) {
    throw new Error(
      `PAUSE_SANDBOX_SUBNET is "${prefix}": the lab's Pods and Services have addresses there, choose another`,
    );
  }
  return prefix;
}

export function address(host: number): string {
  return `${subnetPrefix()}.${host}`;
}

export const registryIp = (): string => address(2);
/** The registry is addressed by IP everywhere: no machine needs an entry in /etc/hosts for it. */
export const registryHost = (): string => `${registryIp()}:5000`;
export const controlPlaneIp = (): string => address(3);
export const apiServerUrl = (): string => `https://${controlPlaneIp()}:6443`;

/** Names that upstream's sandbox images are pulled from; in the lab they lead to the registry with the private CA. */
export const INTERCEPTED_HOSTS = ["registry.k8s.io", "k8s.gcr.io"];

/** Inside each container only, hence fixed: they meet nothing of the host's. */
export const SERVICE_CIDR = "10.205.0.0/16";
export const API_SERVICE_IP = "10.205.0.1";

/** One node of the lab, as planned. */
export interface NodePlan {
  name: string;
  container: string;
  ip: string;
  podCidr: string;
  /** Version of containerd: Debian's own (1.x) or one that the toolchain builds (2.x). */
  containerd: { version: string; source: "debian" | "toolchain" };
  /** Version of the kubelet. */
  kubelet: string;
  /** What a kubeadm of its time wrote into kubeadm-flags.env: the image the node is to get rid of. None from 1.35 on. */
  initialPause?: string;
}

/**
 * The two nodes: the oldest that this control plane takes and whose kubelet knows the flag, and the newest. Each has its major version
 * of containerd, since they keep the sandbox image in other places.
 */
export function nodePlans(): NodePlan[] {
  return [
    {
      name: "node-1",
      container: `${NETWORK}-node-1`,
      ip: address(11),
      podCidr: "10.204.1.0/24",
      containerd: { version: "1.7.24", source: "debian" },
      kubelet: KUBELET.flagged,
      initialPause: "k8s.gcr.io/pause:3.5",
    },
    {
      name: "node-2",
      container: `${NETWORK}-node-2`,
      ip: address(12),
      podCidr: "10.204.2.0/24",
      containerd: { version: CONTAINERD.newest, source: "toolchain" },
      kubelet: KUBELET.newest,
    },
  ];
}

export const REGISTRY_CONTAINER = `${NETWORK}-registry`;
export const CONTROL_PLANE_CONTAINER = `${NETWORK}-control-plane`;
