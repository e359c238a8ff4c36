/** The lab's nodes: each a machine with sshd, containerd and a kubelet that has joined with a certificate. */
import * as path from "node:path";
import type { ClusterAuthorities } from "./authorities";
import type { LabFile } from "./docker";
import { readIfThere, writeAtomic } from "./files";
import { kubeconfigWithFile } from "./kubeconfig";
import { HOST_KEY_LABEL, INTERCEPTED_HOSTS, labDir, nodePlans, registryIp, type NodePlan } from "./layout";
import type { Machine } from "./machine";
import { cniConfig, containerdConfig, kubeadmFlags, kubeletConfig, KUBELET_CLIENT_PEM } from "./nodeFiles";
import { podRoutes } from "./routes";
import { sshKeyPair } from "./sshKeys";
import { SYSTEMD_FLAGS } from "./systemd";

export interface NodeInputs {
  plan: NodePlan;
  image: string;
  authorities: ClusterAuthorities;
  /** The public half of the key that opens every node. */
  authorizedKey: string;
  /** Container of the control plane that this node registers with: a kubelet registers once, at its start. */
  controlPlaneId: string;
}

export async function nodeMachine(inputs: NodeInputs): Promise<Machine> {
  const { plan, image } = inputs;
  return {
    container: plan.container,
    role: "node",
    image,
    ip: plan.ip,
    flags: [
      ...SYSTEMD_FLAGS,
      // Overlay on overlay does not work: images, containers and Pods need a plain file system.
      ...["--volume", "/var/lib/containerd", "--volume", "/var/lib/kubelet"],
      ...["--network-alias", plan.name],
      ...INTERCEPTED_HOSTS.flatMap((host) => ["--add-host", `${host}:${registryIp()}`]),
    ],
    files: [...systemFiles(inputs), ...(await kubernetesFiles(inputs))],
    identity: () => hostIdentity(plan),
    joined: inputs.controlPlaneId,
  };
}

function systemFiles({ plan, authorizedKey }: NodeInputs): LabFile[] {
  const others = nodePlans().filter(({ name }) => name !== plan.name);
  return [
    { path: "/root/.ssh/authorized_keys", content: `${authorizedKey}\n`, mode: 0o600 },
    { path: "/etc/containerd/config.toml", content: containerdConfig(plan) },
    { path: "/etc/cni/net.d/10-lab.conflist", content: cniConfig(plan) },
    { path: "/etc/kubernetes/lab-routes.sh", content: podRoutes(others) },
  ];
}

async function kubernetesFiles({ plan, authorities: { kubernetes } }: NodeInputs): Promise<LabFile[]> {
  const user = `system:node:${plan.name}`;
  const client = await kubernetes.issue({
    name: `${plan.name}-client`,
    commonName: user,
    organization: "system:nodes",
    usages: ["client"],
  });
  const serving = await kubernetes.issue({
    name: `${plan.name}-serving`,
    commonName: user,
    organization: "system:nodes",
    dns: [plan.name],
    ip: [plan.ip],
    usages: ["server"],
  });
  return [
    { path: "/etc/kubernetes/pki/ca.crt", content: kubernetes.cert },
    {
      path: "/etc/kubernetes/kubelet.conf",
      content: kubeconfigWithFile(user, kubernetes.cert, KUBELET_CLIENT_PEM),
      mode: 0o600,
    },
    { path: KUBELET_CLIENT_PEM, content: client.cert + client.key, mode: 0o600 },
    { path: "/var/lib/kubelet/pki/kubelet.crt", content: serving.cert },
    { path: "/var/lib/kubelet/pki/kubelet.key", content: serving.key, mode: 0o600 },
    { path: "/var/lib/kubelet/config.yaml", content: kubeletConfig() },
    { path: "/var/lib/kubelet/kubeadm-flags.env", content: kubeadmFlags(plan) },
  ];
}

/** A new machine has a new host key; a client that knew the old one is told so, as it should be. */
function hostIdentity({ name }: NodePlan): { files: LabFile[]; labels: Record<string, string> } {
  const pair = sshKeyPair(name);
  const key = "/etc/ssh/ssh_host_ed25519_key";
  const publicKey = withoutComment(pair.public);
  return {
    files: [
      { path: key, content: pair.private, mode: 0o600 },
      { path: `${key}.pub`, content: `${publicKey}\n` },
    ],
    labels: { [HOST_KEY_LABEL]: publicKey },
  };
}

export function sshKeyFile(): string {
  return path.join(labDir(), "ssh", "id_ed25519");
}

/** The public half of the lab's SSH key, made at the first call; the private half is at `sshKeyFile()`. */
export async function sshPublicKey(): Promise<string> {
  const kept = await readIfThere(`${sshKeyFile()}.pub`);
  if (kept && (await readIfThere(sshKeyFile()))) return kept.trim();
  const pair = sshKeyPair("pause-sandbox-lab");
  const publicKey = withoutComment(pair.public);
  await writeAtomic(sshKeyFile(), pair.private, 0o600);
  await writeAtomic(`${sshKeyFile()}.pub`, `${publicKey}\n`, 0o644);
  return publicKey;
}

function withoutComment(publicKey: string): string {
  return publicKey.trim().split(" ").slice(0, 2).join(" ");
}
