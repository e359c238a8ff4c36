/** A machine of the lab that cloud-init prepares at its first boot, as a cloud's or Cluster API's: nobody logs in to it. */
import { stringify } from "yaml";

import { clusterAuthorities } from "../../../lab/cluster/authorities";
import { container, type LabFile } from "../../../lab/cluster/docker";
import { ensureImage } from "../../../lab/cluster/images";
import { address, CONTROL_PLANE_CONTAINER, NETWORK, type NodePlan } from "../../../lab/cluster/layout";
import { ensureCreated, removeContainer, start } from "../../../lab/cluster/machine";
import { nodeMachine, sshPublicKey } from "../../../lab/cluster/nodes";
import { MACHINE_ROOTFS, rootFsImage } from "../../../lab/cluster/rootfs";
import { clusterTools, kubeletProgram } from "../../../lab/cluster/tools";
import type { Log } from "../../../lab/log";
import { KUBELET } from "../../../lab/toolchain/versions";

/** What upstream's configuration has; the lab's names for it lead to a registry that does not have it. */
export const UPSTREAM = "registry.k8s.io/pause:3.10.2";

const SERVICES = ["cloud-init-main", "cloud-init-local", "cloud-init-network", "cloud-config", "cloud-final"];
const ROOTFS = {
  ...MACHINE_ROOTFS,
  name: "cloud-init",
  packages: [...MACHINE_ROOTFS.packages, "cloud-init"],
  hooks: [...MACHINE_ROOTFS.hooks, `systemctl --root="$1" enable ${SERVICES.join(" ")}`],
};

/** What a platform gives to a machine at its first boot, beside user data. */
const CLOUD_CONFIG = {
  datasource_list: ["NoCloud"],
  network: { config: "disabled" },
  preserve_hostname: true,
  // The lab has given it the keys that it knows it by.
  ssh_deletekeys: false,
};

/** What a joined kubelet has and one that nobody has joined does not: it starts without success until these are there. */
const JOINED = ["/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env"];

/** Joins the node as kubeadm does: stops the kubelet, writes what it runs with, and starts it. */
export const JOIN = [
  "systemctl stop kubelet",
  ...JOINED.map((file) => `cp /root/join/${file.replace(/.*\//, "")} ${file}`),
  "systemctl restart kubelet",
];

export interface BootMachine {
  name: string;
  /** Last number of its address. */
  host: number;
  userData: string;
  /** Image of the container in its first Pod. */
  image: string;
}

/** @returns the machine's plan, once its container is started; its first boot goes on */
export async function bootMachine({ name, host, userData, image }: BootMachine, log: Log): Promise<NodePlan> {
  const plan: NodePlan = {
    name,
    container: `${NETWORK}-${name}`,
    ip: address(host),
    podCidr: `10.204.${host}.0/24`,
    containerd: { version: "1.7.24", source: "debian" },
    kubelet: KUBELET.flagged,
    initialPause: UPSTREAM,
  };
  const machine = await nodeMachine({
    plan,
    image: await cloudImage(log),
    authorities: await clusterAuthorities(),
    authorizedKey: await sshPublicKey(),
    controlPlaneId: (await container(CONTROL_PLANE_CONTAINER))?.id ?? "",
  });
  const files = [...machine.files.map(beforeJoin), ...seed(name, userData), firstPod(image)];
  // Only a first boot shows what the payload does.
  const before = await container(plan.container);
  if (before) await removeContainer(before.id);
  await ensureCreated({ ...machine, files });
  await start(machine);
  return plan;
}

export async function cloudImage(log: Log): Promise<string> {
  const { crictl } = await clusterTools(log);
  const kubelet = await kubeletProgram(KUBELET.flagged, log);
  const base = await ensureImage({ name: "machine", base: await rootFsImage(ROOTFS, log) }, log);
  return ensureImage({ name: "node", base, programs: { bin: [kubelet, crictl], containerd: [] } }, log);
}

const beforeJoin = (file: LabFile): LabFile =>
  JOINED.includes(file.path) ? { ...file, path: `/root/join/${file.path.replace(/.*\//, "")}` } : file;

/** cloud-init's NoCloud: what a metadata service would give. */
function seed(name: string, userData: string): LabFile[] {
  const at = "/var/lib/cloud/seed/nocloud";
  return [
    { path: "/etc/cloud/cloud.cfg.d/99-lab.cfg", content: stringify(CLOUD_CONFIG) },
    { path: "/etc/cloud/ds-identify.cfg", content: "policy: enabled\n" },
    { path: `${at}/meta-data`, content: stringify({ "instance-id": name }) },
    { path: `${at}/user-data`, content: userData },
  ];
}

/** The first Pod of the node: there before the kubelet is, so that the kubelet's first sandbox is its. */
function firstPod(image: string): LabFile {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "first", namespace: "default" },
    spec: { hostNetwork: true, tolerations: [{ operator: "Exists" }], containers: [{ name: "pause", image }] },
  };
  return { path: "/etc/kubernetes/manifests/first.yaml", content: stringify(pod) };
}
