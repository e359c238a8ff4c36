/**
 * What errors of a sandbox or of a kubelet mean: one table, from the text to the code, its meaning and its remedy. docs/findings.md
 * describes each code. Texts come from the sources that are named, and from real nodes (tests/doctor/recorded.ts).
 */
import type { RuntimeFact } from "./facts";
import type { Finding } from "./finding";

/** What a remedy may name. */
export interface Ground {
  /** The kubelet's runtime; missing where nobody knows it. */
  readonly runtime?: Pick<RuntimeFact, "name" | "unit" | "socket" | "version"> & { readonly image?: string };
}

interface Cause {
  readonly code: string;
  readonly kind: string;
  /** What the error has. */
  readonly says: RegExp;
  /** The second half of a sentence about the node. `said` is the match. */
  readonly what: (said: readonly (string | undefined)[], ground: Ground) => string;
  readonly remedy: (said: readonly (string | undefined)[], ground: Ground, error: string) => string;
  /** True for what keeps only some Pods from starting. Default: false. */
  readonly somePods?: true;
}

/** The unit of the runtime, to be named in a sentence. */
const unitOf = ({ runtime }: Ground): string => runtime?.unit ?? "the runtime's unit";
const named = ({ runtime }: Ground): string => runtime?.name ?? "the runtime";
const found = (said: readonly (string | undefined)[]): string => said.slice(1).find((one) => one !== undefined) ?? "";

const HANDLER_PLACE: Readonly<Record<string, (handler: string) => string>> = {
  "containerd 1": (handler) =>
    `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${handler}] in its config.toml`,
  "containerd 2": (handler) =>
    `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${handler}] in its config.toml`,
  "cri-o": (handler) => `[crio.runtime.runtimes.${handler}] in /etc/crio/crio.conf.d`,
  k3s: () => "a config-v3.toml.tmpl of k3s, or install its binary where k3s looks for it, and restart k3s",
  rke2: () => "a config-v3.toml.tmpl of RKE2, or install its binary where RKE2 looks for it, and restart RKE2",
};

/** Where a runtime has its handlers. */
function handlerPlace({ runtime }: Ground, handler: string): string {
  const { name = "", version = "" } = runtime ?? {};
  const place = HANDLER_PLACE[name] ?? HANDLER_PLACE[`${name} ${version.charAt(0)}`];
  return place ? place(handler) : `the configuration of ${name || "the runtime"}`;
}

/** The first that fits counts, so what is more exact comes first. */
const SANDBOX: readonly Cause[] = [
  {
    // libcni, pkg/invoke/find.go
    code: "PS-D026",
    kind: "a network plugin that is missing",
    says: /failed to find plugin "([^"]+)" in path \[?([^\]\s]*)|netplugin failed.*exec (\/[^":\s]+): permission denied/,
    what: ([, plugin, path, denied]) =>
      plugin === undefined
        ? `the network plugin ${denied ?? ""} cannot be executed`
        : `the network plugin "${plugin}" is not in ${path ?? ""}`,
    remedy: ([, plugin, , denied]) =>
      plugin === undefined
        ? `Run: chmod 755 ${denied ?? ""}`
        : `Install it there: ${plugin} comes with the CNI plugins package, or with the network's own DaemonSet`,
  },
  {
    // calico cni-plugin, cilium plugins/cilium-cni, flannel cni-plugin, amazon-vpc-cni-k8s cmd/routed-eni-cni-plugin
    code: "PS-D027",
    kind: "a network agent that does not answer",
    says: /(calico)\/nodename: no such file|(calico)\S* .*(?:is unauthorized|Unauthorized)|getting ClusterInformation: connection is (unauthorized)|(?:connect to|create) (Cilium) (?:agent|daemon)|(cilium)\.sock|(flannel)\/subnet\.env|(flannel) 'subnet\.env'|127\.0\.0\.1:(50051)|failed to connect to (?:server|ipamd)|(multus|antrea|ovn|kube-ovn)\S*\.sock: connect:|(Multus).*ReadinessIndicatorFile/i,
    what: (said) => `the agent of the network does not answer on the node (${agentIn(said)})`,
    remedy: (said) =>
      `Check its Pod on this node and its log: kubectl -n ${NAMESPACES[agentIn(said)] ?? "kube-system"} get pods -o wide. It runs in the host's network and needs none itself`,
  },
  {
    // Plugins' clients of the API server; calico: "error getting ClusterInformation: Get …"
    code: "PS-D038",
    kind: "an API server that is not reached",
    says: /(?:Get|Post|Put|Patch) "https:\/\/([^/"]+)\/api[^"]*": (dial tcp|net\/http|context deadline|EOF|tls|x509)/,
    what: ([, host]) => `the network plugin does not reach the API server at ${host ?? ""}`,
    remedy: ([, host]) =>
      `Check whether kube-proxy or its replacement runs on this node, and whether this connects: curl -k https://${host ?? ""}/healthz`,
  },
  {
    // host-local, calico libcalico-go/lib/ipam, cilium pkg/ipam, amazon-vpc-cni-k8s, whereabouts, azure-container-networking
    code: "PS-D028",
    kind: "a network without free addresses",
    says: /no IP addresses available in (?:range set|network):? ?([\w./:-]*)|No IPs? available|all CIDR ranges are exhausted|once Cilium Operator allocates more|IP(?:AM)? pool.* (?:exhausted|full)|cannot allocate new block|Assigned 0 out of \d+ requested|No more IPs available|range is full|failed to assign an IP address to container|No available addresses|Could not allocate IP in range/i,
    what: ([, range]) => `the network has no free address for another Pod${range ? ` (${range})` : ""}`,
    remedy: () =>
      "Free addresses, or give the node a larger range. Addresses of Pods that are gone may be left over: host-local keeps them in /var/lib/cni/networks",
  },
  {
    // containernetworking plugins/main/bridge
    code: "PS-D041",
    kind: "a bridge that is left over",
    says: /"([^"]+)" already has an IP address different from|(could not set bridge's mac: invalid argument)/,
    what: ([, bridge]) =>
      bridge === undefined
        ? "the bridge of the network is left over from a failure, and has no address"
        : `the bridge ${bridge} is left over from another network, and has another address`,
    remedy: ([, bridge = "cni0, or the bridge that /etc/cni/net.d names"]) =>
      `Run: ip link delete ${bridge}. The plugin makes it again; Pods on it lose their network until they are recreated`,
  },
  {
    // go-cni errors.go, ocicni, kubelet
    code: "PS-D025",
    kind: "a network that is not set up",
    says: /cni plugin not initialized|no CNI configuration file|no network(?:s|s? config) found in|cni config uninitialized|Missing CNI default network/i,
    what: () => "the runtime has no network configuration (CNI)",
    remedy: () => "Install the cluster's network, or check why its Pod on this node wrote no file to /etc/cni/net.d",
  },
  {
    // containerd core/runtime/v2, runc, conmon
    code: "PS-D029",
    kind: "a program of the runtime that does not run",
    says: /binary not installed "([^"]+)"|exec: "?([^"\s:]*(?:runc|crun|shim|runsc|kata|youki|conmon)[^"\s:]*)"?: (?:executable file )?(?:not found|no such file|permission denied|exec format)|(?:fork\/exec|stat|exec) "?(\/[^"\s:]*(?:runc|crun|shim|runsc|kata|youki|conmon)[^"\s:]*)"?: (?:no such file|permission denied|exec format)/i,
    what: (said, ground) =>
      `${named(ground)} cannot start ${found(said)}, which starts containers: ${reasonIn(said[0])}`,
    remedy: (said, ground) =>
      /permission/.test(said[0] ?? "")
        ? `Run: chmod 755 ${found(said)}. If it is executable: is its file system mounted noexec?`
        : `Install it where ${unitOf(ground)} looks for it, and make it executable; or correct its path in the runtime's configuration`,
  },
  {
    // runc libcontainer/cgroups/systemd, CRI-O internal/config/cgmgr
    code: "PS-D030",
    kind: "cgroup drivers that differ",
    says: /expected cgroupsPath to be of format "slice:prefix:name"|configured with (systemd|cgroupfs) cgroup manager, but|cgroup driver: "(\w+)" is different from/,
    what: (_, ground) => `the kubelet and ${named(ground)} have different cgroup drivers`,
    remedy: (_, ground) => cgroupRemedy(ground),
  },
  {
    code: "PS-D031",
    kind: "a disk that is full",
    says: /no space left on device|disk quota exceeded/i,
    what: () => "a disk of the node has no space or no inodes left",
    remedy: () => FULL_REMEDY,
  },
  {
    // containerd core/content, core/snapshots, pkg/cri; CRI-O containers/storage
    code: "PS-D032",
    kind: "content that cannot be read or written",
    says: /(read-only file system)|(input\/output error)|(structure needs cleaning)|(unexpected commit digest)|(content digest \S+: not found)|(snapshotter \S+ (?:was )?not (?:found|loaded)|failed to get snapshotter|snapshotter not loaded: \S+)|(failed to extract layer)|(layer not known)|(blob not found)/i,
    what: (said, ground) => `${named(ground)} cannot use what it has stored: ${found(said)}`,
    remedy: (said, ground, error) => contentRemedy(found(said), error, ground),
  },
  {
    // containerd internal/cri/server, CRI-O internal/oci, cri-dockerd
    code: "PS-D033",
    kind: "a runtime class without its handler",
    says: /no runtime for "([^"]+)" is configured|failed to find runtime handler "?([^\s"]+)"? from runtime list|RuntimeHandler "([^"]+)" not supported/,
    what: (said, ground) => `${named(ground)} has no handler "${found(said)}", which the RuntimeClass of a Pod names`,
    remedy: (said, ground) =>
      `Add it: ${handlerPlace(ground, found(said))}. Or correct the handler of that RuntimeClass`,
    somePods: true,
  },
  {
    // containerd pkg/registrar, CRI-O internal/registrar, docker
    code: "PS-D034",
    kind: "a sandbox whose name is taken",
    says: /(?:failed to reserve sandbox name|error reserving pod name|name "?[^"\s]*"? is reserved|name is reserved|name "[^"]+" is already in use by container)(?:.* (?:is reserved for|by container) "?([0-9a-f]+))?/,
    what: (_, ground) =>
      `${named(ground)} still has an earlier sandbox of this Pod by the same name, half made or half removed`,
    remedy: ([, id], ground) =>
      `Wait for the earlier try to end. If it does not, run: ${id === undefined ? "crictl pods, and crictl rmp -f with its ID" : `crictl rmp -f ${id}`}. If that hangs too: systemctl restart ${unitOf(ground)}`,
    somePods: true,
  },
  {
    code: "PS-D035",
    kind: "a limit of processes",
    says: /resource temporarily unavailable|fork rejected by pids|pthread_create failed|failed to create new OS thread/i,
    what: () => "a limit of processes is reached, so that no new one starts",
    remedy: (_, ground) =>
      `Check kernel.pid_max, kernel.threads-max, TasksMax of ${unitOf(ground)} and podPidsLimit of the kubelet, and who has so many processes`,
  },
  {
    // containerd pkg/cri/server, CRI-O internal/config/seccomp
    code: "PS-D036",
    kind: "a security profile that is missing",
    says: /cannot load seccomp profile "([^"]+)"|seccomp.*open (\/[^:\s]+): no such file|seccomp is not (?:supported|enabled)|setup seccomp: (.*)/i,
    what: (said) => `a security profile of a Pod is not on the node${found(said) === "" ? "" : `: ${found(said)}`}`,
    remedy: () => "Put the profile there: localhostProfile of a Pod is a path below /var/lib/kubelet/seccomp",
    somePods: true,
  },
  {
    // grpc-go, kubelet
    code: "PS-D037",
    kind: "a runtime that does not answer",
    says: /code = Unavailable .*dial unix "?([^\s":]+)|context deadline exceeded|code = DeadlineExceeded/,
    what: ([, socket], ground) =>
      socket === undefined
        ? `${named(ground)} did not start a sandbox in time`
        : `the kubelet gets no answer on ${socket}`,
    remedy: (_, ground) =>
      `Run: systemctl status ${unitOf(ground)}, journalctl -u ${unitOf(ground)}, and the load of the node's disks`,
  },
];

const AGENTS = ["calico", "cilium", "flannel", "aws-cni", "multus", "antrea", "ovn", "kube-ovn"];

function agentIn(said: readonly (string | undefined)[]): string {
  const text = (said[0] ?? "").toLowerCase();
  if (/50051|ipamd/.test(text)) return "aws-cni";
  return AGENTS.find((one) => text.includes(one)) ?? (/clusterinformation/.test(text) ? "calico" : "CNI");
}

/** Where the manifests of their projects put them. */
const NAMESPACES: Readonly<Record<string, string>> = { calico: "calico-system", flannel: "kube-flannel" };

const reasonIn = (text = ""): string =>
  /permission denied|exec format[^:]*|no such file[^:]*/i.exec(text)?.[0] ?? "it is not there";

const FULL_REMEDY =
  "Find what fills it: df -h, df -i, du -x. crictl rmi --prune removes images that no container uses; pinned ones stay";

/** By the runtime: only what it really has is named. */
export function cgroupRemedy({ runtime }: Ground): string {
  const kubelet = "cgroupDriver in the kubelet's /var/lib/kubelet/config.yaml";
  switch (runtime?.name) {
    case "containerd":
      return `Make them equal: SystemdCgroup of runtime runc in containerd's config.toml, and ${kubelet}; then restart both`;
    case "cri-o":
      return `Make them equal: cgroup_manager in /etc/crio/crio.conf.d, and ${kubelet}; then restart both`;
    case "cri-dockerd":
    case "docker":
      return `Make them equal: exec-opts native.cgroupdriver in /etc/docker/daemon.json, and ${kubelet}; then restart both`;
    default:
      return `Take cgroup-driver out of kubelet-arg: ${named({ runtime })} sets the same driver for both`;
  }
}

function contentRemedy(what: string, error: string, { runtime }: Ground): string {
  if (/read-only|input|cleaning/.test(what)) {
    return "The disk or its file system is at fault: dmesg. Repair it and mount it for writing again";
  }
  if (/snapshotter/.test(what)) {
    return `Start the service of that snapshotter, or correct snapshotter and proxy_plugins in the configuration of ${named({ runtime })}`;
  }
  const image = runtime?.image ?? "IMAGE";
  // containerd still lists what is gone, and pulls it only once it does not. The CRI does not know such an image any more.
  const [, blob] = /blob (sha256:[0-9a-f]{64}) expected at/.exec(error) ?? [];
  const remove = blob === undefined ? `crictl rmi ${image}` : `${ctrOf(runtime?.name)} -n k8s.io content rm ${blob}`;
  return `Run: ${remove}; crictl pull ${image}. If that fails too, see the disk: dmesg`;
}

/** How the containerd of a runtime is asked. */
export function ctrOf(name?: string): string {
  switch (name) {
    case "k3s":
      return "k3s ctr";
    case "rke2":
      return "/var/lib/rancher/rke2/bin/ctr -a /run/k3s/containerd/containerd.sock";
    default:
      return "ctr";
  }
}

/** Why a kubelet ended. All of them are of one code: the kubelet does not run. */
const KUBELET: readonly Omit<Cause, "code">[] = [
  {
    kind: "a kubelet that wants no swap",
    says: /running with swap on is not supported/i,
    what: () => "swap is on",
    remedy: () =>
      "Run swapoff -a and take swap out of /etc/fstab, or set failSwapOn: false in the kubelet's configuration",
  },
  {
    kind: "a kubelet that does not know a flag",
    says: /unknown (?:shorthand )?flag: (\S+)/,
    what: ([, flag]) => `it does not know the flag ${flag ?? ""}`,
    remedy: ([, flag]) => `Take ${flag ?? "it"} out where systemctl cat kubelet and its environment files have it`,
  },
  {
    kind: "a kubelet without a valid certificate",
    says: /bootstrap client certificate in (\S+) is expired|bootstrap-kubelet\.conf: no such file|unable to load bootstrap kubeconfig|certificate has expired|failed to (?:load|parse).*certificate/,
    what: (said) => `its certificate cannot be used${found(said) === "" ? "" : ` (${found(said)})`}`,
    remedy: () =>
      "Have the node join again, or renew: kubeadm init phase kubeconfig kubelet on a control plane node; see kubeadm certs check-expiration",
  },
  {
    kind: "a kubelet without the cluster's CA",
    says: /unable to load client CA file (\S+?):/,
    what: ([, file]) => `its CA ${file ?? ""} cannot be read`,
    remedy: () =>
      "Put the cluster's CA there (kubeadm has it in /etc/kubernetes/pki/ca.crt), or correct clientCAFile in the kubelet's configuration",
  },
  {
    kind: "a kubelet with a configuration that it cannot read",
    says: /failed to load kubelet config file,?(?: path: ([^\s,]+),)?|failed to validate kubelet configuration|failed to construct kubelet dependencies: (?!.*CRI)/,
    what: ([, file]) => `it cannot read its configuration${file === undefined ? "" : ` ${file}`}`,
    remedy: () =>
      "Correct the line that it names. If the file is not there, the node has not joined a cluster: kubeadm join writes it",
  },
  {
    kind: "cgroup drivers that differ",
    says: /kubelet cgroup driver: "(\w+)" is different from docker cgroup driver: "(\w+)"/,
    what: ([, own, other]) => `its cgroup driver is ${own ?? ""}, and that of docker is ${other ?? ""}`,
    remedy: (_, ground) => cgroupRemedy(ground),
  },
  {
    kind: "a kubelet without a runtime",
    says: /validate CRI v1 \w+ API for endpoint "unix:\/\/([^"]+)|unable to determine runtime API version.*dial unix "?([^\s":]+)/,
    what: (said) => `it gets no answer from its runtime${found(said) === "" ? "" : ` on ${found(said)}`}`,
    remedy: (_, ground) =>
      `Check systemctl status ${unitOf(ground)}, and whether --container-runtime-endpoint or containerRuntimeEndpoint names ${ground.runtime?.socket ?? "its socket"}`,
  },
  {
    kind: "a kubelet that does not take cgroup v1",
    says: /configured to not run on a host using cgroup v1/,
    what: () => "it does not run on a host with cgroup v1",
    remedy: () => "Boot with cgroup v2, or set failCgroupV1: false in the kubelet's configuration",
  },
  {
    kind: "a kubelet whose port is taken",
    says: /listen tcp \S*?:(\d+): bind: address already in use/,
    what: ([, port]) => `another process has its port ${port ?? ""}`,
    remedy: ([, port]) => `Run: ss -ltnp sport = :${port ?? ""}`,
  },
];

/** An error that pulling the sandbox image gives. The way of a pull explains it, not this table. */
export const isOfImage = (error: string): boolean =>
  /failed to (?:get|pull|resolve)[^:]*image|pulling image|pause image|ErrImagePull/i.test(error);

/** @returns nothing where the table does not know the error, or where it is one of the image */
export function causeOf(error: string, ground: Ground): Finding | undefined {
  for (const { code, kind, says, what, remedy, somePods } of SANDBOX) {
    const said = says.exec(error);
    // A pull fails of a full disk or of broken content too; what else it fails of is told by its own way.
    if (!said || (isOfImage(error) && !/PS-D03[12]/.test(code))) continue;
    return {
      code,
      kind,
      fatal: somePods !== true,
      what: what([...said], ground),
      remedy: remedy([...said], ground, error),
    };
  }
  return undefined;
}

/** @returns why a kubelet ended, and what to do; nothing where the table does not know the error */
export function kubeletCause(error: string, ground: Ground): Pick<Finding, "kind" | "what" | "remedy"> | undefined {
  for (const { kind, says, what, remedy } of KUBELET) {
    const said = says.exec(error);
    if (said) return { kind, what: what([...said], ground), remedy: remedy([...said], ground, error) };
  }
  return undefined;
}
