/** What kubeadm and an administrator left on a node before this project met it: pure text, one function per file. */
import { stringify } from "yaml";
import type { NodePlan } from "./layout";

/** One file of certificate and key, where a kubelet keeps what it rotates. */
export const KUBELET_CLIENT_PEM = "/var/lib/kubelet/pki/kubelet-client-current.pem";

/** The config in the form that fits the node's containerd: version 2 for 1.x, version 3 for 2.x. */
export function containerdConfig(plan: NodePlan): string {
  return plan.containerd.version.startsWith("1.") ? containerdVersion2(plan) : containerdVersion3();
}

/** As the guides of the seed's time have it; no registry table, so nothing under certs.d is read yet. */
function containerdVersion2({ initialPause = "" }: NodePlan): string {
  return `# Managed by hand; see the install guide.
version = 2

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    # upstream's image, as kubeadm's preflight asked for
    sandbox_image = "${initialPause}"
    # without the right to lower it, a container's score stays as it is
    restrict_oom_score_adj = true

    [plugins."io.containerd.grpc.v1.cri".containerd]
      snapshotter = "overlayfs"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
        runtime_type = "io.containerd.runc.v2"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
          SystemdCgroup = false
`;
}

/** A runtime handler beside the default one, where the file has version 3. */
export const SECOND_HANDLER = "second";

/** Names no sandbox image: containerd's built-in default is in force, and drop-ins in conf.d are read. */
function containerdVersion3(): string {
  return `version = 3
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = '/etc/containerd/certs.d'

[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true

  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'

    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      SystemdCgroup = false

  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.${SECOND_HANDLER}]
    runtime_type = 'io.containerd.runc.v2'

    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.${SECOND_HANDLER}.options]
      SystemdCgroup = false
`;
}

export function cniConfig({ podCidr }: NodePlan): string {
  const bridge = {
    type: "bridge",
    bridge: "cni0",
    isGateway: true,
    ipMasq: true,
    hairpinMode: true,
    ipam: { type: "host-local", ranges: [[{ subnet: podCidr }]], routes: [{ dst: "0.0.0.0/0" }] },
  };
  const plugins = [bridge, { type: "portmap", capabilities: { portMappings: true } }];
  return `${JSON.stringify({ cniVersion: "1.0.0", name: "lab", plugins }, null, 2)}\n`;
}

export function kubeletConfig(): string {
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: "/etc/kubernetes/pki/ca.crt" },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: "/var/lib/kubelet/pki/kubelet.crt",
    tlsPrivateKeyFile: "/var/lib/kubelet/pki/kubelet.key",
    staticPodPath: "/etc/kubernetes/manifests",
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    cgroupDriver: "cgroupfs",
    // A machine in a container shares its host's cgroup version, swap and disk, whatever they are.
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    imageGCHighThresholdPercent: 100,
    evictionHard: { "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%" },
  });
}

export function kubeadmFlags({ name, ip, initialPause }: NodePlan): string {
  const flags = [`--hostname-override=${name}`, `--node-ip=${ip}`];
  if (initialPause) flags.push(`--pod-infra-container-image=${initialPause}`);
  return `KUBELET_KUBEADM_ARGS="${flags.join(" ")}"\n`;
}
