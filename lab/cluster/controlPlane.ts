/** The control plane: etcd, API server, controller manager and scheduler in one machine, each as a systemd unit. */
import type { ClusterAuthorities } from "./authorities";
import type { LabFile } from "./docker";
import { kubeconfig } from "./kubeconfig";
import {
  API_SERVICE_IP,
  apiServerUrl,
  CONTROL_PLANE_CONTAINER,
  controlPlaneIp,
  nodePlans,
  SERVICE_CIDR,
} from "./layout";
import type { Machine } from "./machine";
import type { KeyPair } from "./pki";
import { podRoutes } from "./routes";
import { SYSTEMD_FLAGS } from "./systemd";

const PKI = "/etc/kubernetes/pki";

export async function controlPlaneMachine(image: string, authorities: ClusterAuthorities): Promise<Machine> {
  return {
    container: CONTROL_PLANE_CONTAINER,
    role: "control-plane",
    image,
    ip: controlPlaneIp(),
    flags: [...SYSTEMD_FLAGS, "--volume", "/var/lib/etcd", "--network-alias", "control-plane"],
    files: [
      ...(await etcdFiles(authorities)),
      ...(await apiServerFiles(authorities)),
      ...(await controllerManagerFiles(authorities)),
      ...(await schedulerFiles(authorities)),
      { path: "/etc/kubernetes/lab-routes.sh", content: podRoutes(nodePlans()) },
    ],
  };
}

async function etcdFiles({ etcd }: ClusterAuthorities): Promise<LabFile[]> {
  const server = await etcd.issue({
    name: "etcd-server",
    commonName: "control-plane",
    ip: ["127.0.0.1"],
    usages: ["server", "client"],
  });
  return [
    { path: `${PKI}/etcd-ca.crt`, content: etcd.cert },
    ...pairFiles("etcd-server", server),
    flagFile("etcd", {
      name: "control-plane",
      "data-dir": "/var/lib/etcd/data",
      "listen-client-urls": "https://127.0.0.1:2379",
      "advertise-client-urls": "https://127.0.0.1:2379",
      "listen-peer-urls": "http://127.0.0.1:2380",
      "cert-file": `${PKI}/etcd-server.crt`,
      "key-file": `${PKI}/etcd-server.key`,
      "trusted-ca-file": `${PKI}/etcd-ca.crt`,
      "client-cert-auth": "true",
      // A lab outlives a stop of the container, not a power cut; waiting for the disk is most of a slow start.
      "unsafe-no-fsync": "true",
    }),
  ];
}

async function apiServerFiles({ etcd, kubernetes, serviceAccountKey }: ClusterAuthorities): Promise<LabFile[]> {
  const server = await kubernetes.issue({
    name: "kube-apiserver",
    commonName: "kube-apiserver",
    dns: ["control-plane", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
    ip: [controlPlaneIp(), "127.0.0.1", API_SERVICE_IP],
    usages: ["server"],
  });
  const toKubelets = await kubernetes.issue({
    name: "kube-apiserver-kubelet-client",
    commonName: "kube-apiserver-kubelet-client",
    usages: ["client"],
  });
  const toEtcd = await etcd.issue({
    name: "kube-apiserver-etcd-client",
    commonName: "kube-apiserver",
    usages: ["client"],
  });
  return [
    { path: `${PKI}/ca.crt`, content: kubernetes.cert },
    { path: `${PKI}/sa.key`, content: serviceAccountKey, mode: 0o600 },
    ...pairFiles("kube-apiserver", server),
    ...pairFiles("kube-apiserver-kubelet-client", toKubelets),
    ...pairFiles("kube-apiserver-etcd-client", toEtcd),
    flagFile("kube-apiserver", apiServerFlags()),
  ];
}

function apiServerFlags(): Record<string, string> {
  return {
    "advertise-address": controlPlaneIp(),
    "secure-port": "6443",
    "tls-cert-file": `${PKI}/kube-apiserver.crt`,
    "tls-private-key-file": `${PKI}/kube-apiserver.key`,
    "client-ca-file": `${PKI}/ca.crt`,
    "anonymous-auth": "false",
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",
    "etcd-servers": "https://127.0.0.1:2379",
    "etcd-cafile": `${PKI}/etcd-ca.crt`,
    "etcd-certfile": `${PKI}/kube-apiserver-etcd-client.crt`,
    "etcd-keyfile": `${PKI}/kube-apiserver-etcd-client.key`,
    // exec and logs go from here to the kubelets: by address, with the kubelet's serving certificate verified.
    "kubelet-preferred-address-types": "InternalIP,Hostname",
    "kubelet-certificate-authority": `${PKI}/ca.crt`,
    "kubelet-client-certificate": `${PKI}/kube-apiserver-kubelet-client.crt`,
    "kubelet-client-key": `${PKI}/kube-apiserver-kubelet-client.key`,
    "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
    "service-account-key-file": `${PKI}/sa.key`,
    "service-account-signing-key-file": `${PKI}/sa.key`,
    "service-cluster-ip-range": SERVICE_CIDR,
  };
}

async function controllerManagerFiles({ kubernetes }: ClusterAuthorities): Promise<LabFile[]> {
  const config = "/etc/kubernetes/controller-manager.conf";
  const identity = await kubernetes.issue({
    name: "kube-controller-manager",
    commonName: "system:kube-controller-manager",
    usages: ["client"],
  });
  return [
    clientConfig(config, "system:kube-controller-manager", kubernetes.cert, identity),
    flagFile("kube-controller-manager", {
      ...localServer(config),
      "root-ca-file": `${PKI}/ca.crt`,
      "service-account-private-key-file": `${PKI}/sa.key`,
      "use-service-account-credentials": "true",
    }),
  ];
}

async function schedulerFiles({ kubernetes }: ClusterAuthorities): Promise<LabFile[]> {
  const config = "/etc/kubernetes/scheduler.conf";
  const identity = await kubernetes.issue({
    name: "kube-scheduler",
    commonName: "system:kube-scheduler",
    usages: ["client"],
  });
  return [
    clientConfig(config, "system:kube-scheduler", kubernetes.cert, identity),
    flagFile("kube-scheduler", localServer(config)),
  ];
}

/** Flags that the two clients of the API server share. There is one of each: electing a leader would only take time. */
function localServer(config: string): Record<string, string> {
  return {
    kubeconfig: config,
    "authentication-kubeconfig": config,
    "authorization-kubeconfig": config,
    "bind-address": "127.0.0.1",
    "leader-elect": "false",
  };
}

function clientConfig(file: string, user: string, ca: string, pair: KeyPair): LabFile {
  return { path: file, content: kubeconfig(user, ca, pair, apiServerUrl()), mode: 0o600 };
}

function pairFiles(name: string, pair: KeyPair): LabFile[] {
  return [
    { path: `${PKI}/${name}.crt`, content: pair.cert },
    { path: `${PKI}/${name}.key`, content: pair.key, mode: 0o600 },
  ];
}

/** The units start with `$FLAGS` from such a file; systemd splits it at blanks, and no value here has one. */
function flagFile(unit: string, flags: Record<string, string>): LabFile {
  const words = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  return { path: `/etc/kubernetes/${unit}.env`, content: `FLAGS="${words.join(" ")}"\n` };
}
