/** Errors as their programs write them, each with where that is: a repository and a file, or an issue, or a node of the lab. */

const SETUP = 'rpc error: code = Unknown desc = failed to setup network for sandbox "0ab1": ';
const TASK = "rpc error: code = Unknown desc = failed to create containerd task: ";
const CREATE = `${TASK}failed to create shim task: OCI runtime create failed: `;
const CILIUM = `${SETUP}plugin type="cilium-cni" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure `;

interface Recorded {
  readonly who: string;
  readonly from: string;
  readonly error: string;
  /** What the finding says. */
  readonly what: RegExp;
}

/** What a sandbox failed with. */
export const SANDBOX_ERRORS: readonly (Recorded & { readonly code: string })[] = [
  {
    who: "ocicni",
    from: "cri-o/ocicni pkg/ocicni/ocicni.go",
    code: "PS-D025",
    error:
      "rpc error: code = Unknown desc = failed to create pod network sandbox k8s_a_b_0(1): no CNI configuration file in /etc/cni/net.d/. Has your network provider started?",
    what: /no network configuration/,
  },
  {
    who: "libcni",
    from: "containernetworking/cni pkg/invoke/find.go",
    code: "PS-D026",
    error: `${SETUP}failed to find plugin "cilium-cni" in path [/opt/cni/bin]`,
    what: /"cilium-cni".* \/opt\/cni\/bin/,
  },
  {
    who: "libcni of a plugin that cannot be executed",
    from: "a node of the lab",
    code: "PS-D026",
    error: `${SETUP}plugin type="bridge" failed (add): netplugin failed with no error message: fork/exec /usr/lib/cni/bridge: permission denied`,
    what: /\/usr\/lib\/cni\/bridge cannot be executed/,
  },
  {
    who: "calico without its agent",
    from: "projectcalico/calico cni-plugin/pkg/plugin/plugin.go",
    code: "PS-D027",
    error: `${SETUP}plugin type="calico" failed (add): stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/`,
    what: /calico/,
  },
  {
    who: "calico without rights",
    from: "projectcalico/calico libcalico-go/lib/errors/errors.go",
    code: "PS-D027",
    error: `${SETUP}plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized`,
    what: /calico/,
  },
  {
    who: "cilium",
    from: "cilium/cilium pkg/client/client.go",
    code: "PS-D027",
    error: `${SETUP}plugin type="cilium-cni" failed (add): unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds timeout: Get "http://localhost/v1/config": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory\nIs the agent running?`,
    what: /cilium/,
  },
  {
    who: "an older cilium",
    from: "cilium/cilium plugins/cilium-cni",
    code: "PS-D027",
    error:
      'NetworkPlugin cni failed to teardown pod "a_b" network: unable to connect to Cilium daemon: failed to create cilium agent client after 30.000000 seconds timeout',
    what: /cilium/,
  },
  {
    who: "flannel",
    from: "flannel-io/cni-plugin flannel.go",
    code: "PS-D027",
    error: `${SETUP}plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory`,
    what: /flannel/,
  },
  {
    who: "a later flannel",
    from: "flannel-io/cni-plugin flannel.go",
    code: "PS-D027",
    error: `${SETUP}plugin type="flannel" failed (add): failed to load flannel 'subnet.env' file: open /run/flannel/subnet.env: no such file or directory. Check the flannel pod log for this node.`,
    what: /flannel/,
  },
  {
    who: "aws-cni",
    from: "aws/amazon-vpc-cni-k8s cmd/routed-eni-cni-plugin/cni.go",
    code: "PS-D027",
    error: `${SETUP}plugin type="aws-cni" name="aws-cni" failed (add): add cmd: Error received from AddNetwork gRPC call: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial tcp 127.0.0.1:50051: connect: connection refused"`,
    what: /aws-cni/,
  },
  {
    who: "calico that does not reach the API server",
    from: "projectcalico/calico cni-plugin/pkg/plugin/plugin.go",
    code: "PS-D038",
    error: `${SETUP}plugin type="calico" failed (add): error getting ClusterInformation: Get "https://10.96.0.1:443/apis/crd.projectcalico.org/v1/clusterinformations/default": dial tcp 10.96.0.1:443: i/o timeout`,
    what: /10\.96\.0\.1:443/,
  },
  {
    who: "host-local",
    from: "containernetworking/plugins plugins/ipam/host-local",
    code: "PS-D028",
    error: `${SETUP}plugin type="bridge" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.1.1-10.244.1.254`,
    what: /10\.244\.1\.1-10\.244\.1\.254/,
  },
  {
    who: "aws-cni without addresses",
    from: "aws/amazon-vpc-cni-k8s cmd/routed-eni-cni-plugin/cni.go",
    code: "PS-D028",
    error: `${SETUP}plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container`,
    what: /no free address/,
  },
  {
    who: "calico's pools",
    from: "projectcalico/calico libcalico-go/lib/ipam/ipam.go",
    code: "PS-D028",
    error: `${SETUP}plugin type="calico" failed (add): failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No IPs available in pools: [192.168.0.0/24]`,
    what: /no free address/,
  },
  {
    who: "cilium's pools",
    from: "cilium/cilium#42369",
    code: "PS-D028",
    error: `${CILIUM}"No more IPs available"`,
    what: /no free address/,
  },
  {
    who: "cilium's range",
    from: "cilium/cilium#10627",
    code: "PS-D028",
    error: `${CILIUM}"range is full"`,
    what: /no free address/,
  },
  {
    who: "cilium's later pools",
    from: "cilium/cilium pkg/ipam, cilium/cilium#48717",
    code: "PS-D028",
    error: `${CILIUM}"all CIDR ranges are exhausted"`,
    what: /no free address/,
  },
  {
    who: "cilium's cloud",
    from: "cilium/cilium#42369",
    code: "PS-D028",
    error: `${CILIUM}"No more IPs available, allocation will be retried once Cilium Operator allocates more IPs"`,
    what: /no free address/,
  },
  {
    who: "calico's blocks",
    from: "projectcalico/calico libcalico-go/lib/ipam/ipam_test.go",
    code: "PS-D028",
    error: `${SETUP}plugin type="calico" failed (add): failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free affine blocks and strict affinity enabled`,
    what: /no free address/,
  },
  {
    who: "bridge, also below flannel",
    from: "containernetworking/plugins plugins/main/bridge/bridge.go",
    code: "PS-D041",
    error: `${SETUP}plugin type="flannel" failed (add): failed to delegate add: failed to set bridge addr: "cni0" already has an IP address different from 10.244.3.1/24`,
    what: /bridge cni0 is left over from another network/,
  },
  {
    who: "bridge after a failure",
    from: "a node of the lab",
    code: "PS-D041",
    error: `${SETUP}plugin type="bridge" failed (add): failed to set bridge addr: could not set bridge's mac: invalid argument`,
    what: /left over from a failure/,
  },
  {
    who: "containerd without runc",
    from: "a node of the lab",
    code: "PS-D029",
    error: `${CREATE}unable to retrieve OCI runtime error (open /run/containerd/io.containerd.runtime.v2.task/k8s.io/1/log.json: no such file or directory): exec: "runc": executable file not found in $PATH: unknown`,
    what: /cannot start runc/,
  },
  {
    who: "containerd whose runc cannot be executed",
    from: "a node of the lab",
    code: "PS-D029",
    error: `${CREATE}unable to retrieve OCI runtime error (open /run/x/log.json: no such file or directory): fork/exec /usr/local/sbin/runc: permission denied: unknown`,
    what: /\/usr\/local\/sbin\/runc.*permission denied/,
  },
  {
    who: "containerd without its shim",
    from: "containerd/containerd docs/runtime-v2.md",
    code: "PS-D029",
    error: `${TASK}failed to start shim: failed to resolve runtime path: runtime "io.containerd.runc.v2" binary not installed "containerd-shim-runc-v2": file does not exist: unknown`,
    what: /containerd-shim-runc-v2/,
  },
  {
    who: "runc of the other cgroup driver",
    from: "opencontainers/runc libcontainer/specconv/spec_linux.go",
    code: "PS-D030",
    error: `${CREATE}runc create failed: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/kubepods/besteffort/pod1/2" instead: unknown`,
    what: /different cgroup drivers/,
  },
  {
    who: "CRI-O of the other cgroup driver",
    from: "cri-o/cri-o internal/config/cgmgr",
    code: "PS-D030",
    error:
      "rpc error: code = Unknown desc = cri-o configured with systemd cgroup manager, but did not receive slice as parent: /kubepods/besteffort/pod1",
    what: /different cgroup drivers/,
  },
  {
    who: "a full disk",
    from: "a node of the lab",
    code: "PS-D031",
    error:
      "rpc error: code = Unknown desc = failed to create pod sandbox directory: mkdir /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/1: no space left on device",
    what: /no space or no inodes/,
  },
  {
    who: "a full disk at the pull",
    from: "containerd/containerd",
    code: "PS-D031",
    error:
      'rpc error: code = Unknown desc = failed to get sandbox image "registry.example/pause:1": failed to pull image: failed to extract layer sha256:1: write /var/lib/containerd/x: no space left on device',
    what: /no space/,
  },
  {
    who: "a disk that cannot be written",
    from: "a node of the lab",
    code: "PS-D032",
    error:
      "rpc error: code = Unknown desc = failed to create sandbox root directory: mkdir /var/lib/containerd/x: read-only file system",
    what: /read-only file system/,
  },
  {
    who: "content that is gone",
    from: "containerd/containerd core/content",
    code: "PS-D032",
    error: `rpc error: code = NotFound desc = failed to create sandbox container: failed to get image: content digest sha256:${"a".repeat(64)}: not found`,
    what: /content digest/,
  },
  {
    who: "content that is gone from the disk",
    from: "a node of the lab",
    code: "PS-D032",
    error: `rpc error: code = NotFound desc = failed to pull image "registry.example/pause:1": failed to pull and unpack image "registry.example/pause:1": blob sha256:${"a".repeat(64)} expected at /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/${"a".repeat(64)}: blob not found: not found`,
    what: /blob not found/,
  },
  {
    who: "a snapshotter that is missing",
    from: "containerd/containerd plugins/services/snapshots/service.go",
    code: "PS-D032",
    error:
      "rpc error: code = Unknown desc = failed to create containerd container: snapshotter not loaded: stargz: invalid argument",
    what: /stargz/,
  },
  {
    who: "containerd without a handler",
    from: "containerd/containerd internal/cri/config/config.go",
    code: "PS-D033",
    error: 'rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "gvisor" is configured',
    what: /"gvisor"/,
  },
  {
    who: "CRI-O without a handler",
    from: "cri-o/cri-o internal/oci/oci.go",
    code: "PS-D033",
    error: "rpc error: code = Unknown desc = failed to find runtime handler kata from runtime list map[runc:0x1]",
    what: /"kata"/,
  },
  {
    who: "dockershim with a handler",
    from: "kubernetes/kubernetes 1.23 pkg/kubelet/dockershim",
    code: "PS-D033",
    error: 'RuntimeHandler "gvisor" not supported',
    what: /"gvisor"/,
  },
  {
    who: "a name that is taken",
    from: "containerd/containerd internal/registrar/registrar.go",
    code: "PS-D034",
    error:
      'rpc error: code = Unknown desc = failed to reserve sandbox name "a_b_c_0": name "a_b_c_0" is reserved for "0ab1"',
    what: /by the same name/,
  },
  {
    who: "a name that CRI-O has",
    from: "cri-o/cri-o internal/lib/container_server.go",
    code: "PS-D034",
    error: "rpc error: code = Unknown desc = error reserving pod name k8s_a_b_c_0 for id 0ab1",
    what: /by the same name/,
  },
  {
    who: "a name that docker has",
    from: "moby/moby daemon/names.go",
    code: "PS-D034",
    error:
      'rpc error: code = Unknown desc = failed to create a sandbox for pod "a": Error response from daemon: Conflict. The container name "/k8s_POD_a" is already in use by container "0ab1"',
    what: /by the same name/,
  },
  {
    who: "a limit of processes",
    from: "kubernetes/kubernetes#51903",
    code: "PS-D035",
    error: `${CREATE}runc create failed: unable to start container process: fork/exec /proc/self/exe: resource temporarily unavailable: unknown`,
    what: /limit of processes/,
  },
  {
    who: "a limit of threads",
    from: "opencontainers/runc#5332",
    code: "PS-D035",
    error: `${CREATE}runc create failed: runtime: failed to create new OS thread (have 2 already; errno=11)`,
    what: /limit of processes/,
  },
  {
    who: "a seccomp profile",
    from: "containerd/containerd contrib/seccomp/seccomp.go",
    code: "PS-D036",
    error:
      'rpc error: code = Unknown desc = failed to generate sandbox container spec options: failed to generate seccomp spec opts: cannot load seccomp profile "/var/lib/kubelet/seccomp/p.json": open /var/lib/kubelet/seccomp/p.json: no such file or directory',
    what: /\/var\/lib\/kubelet\/seccomp\/p\.json/,
  },
  {
    who: "a seccomp profile of CRI-O",
    from: "cri-o/cri-o internal/config/seccomp/seccomp.go",
    code: "PS-D036",
    error:
      "rpc error: code = Unknown desc = setup seccomp: open seccomp profile: open /var/lib/kubelet/seccomp/p.json: no such file or directory",
    what: /\/var\/lib\/kubelet\/seccomp\/p\.json/,
  },
  {
    who: "a runtime that takes too long",
    from: "grpc/grpc-go status",
    code: "PS-D037",
    error: "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
    what: /in time/,
  },
  {
    who: "a runtime that does not run",
    from: "grpc/grpc-go",
    code: "PS-D037",
    error:
      'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"',
    what: /\/run\/containerd\/containerd\.sock/,
  },
];

/** What a kubelet ended with. */
export const KUBELET_ERRORS: readonly (Recorded & { readonly remedy: RegExp })[] = [
  {
    who: "swap",
    from: "kubernetes/kubernetes pkg/kubelet/cm/container_manager_linux.go",
    error:
      "failed to run Kubelet: running with swap on is not supported, please disable swap or set --fail-swap-on flag to false",
    what: /swap is on/,
    remedy: /swapoff/,
  },
  {
    who: "a flag",
    from: "kubernetes/kubernetes cmd/kubelet/app/server.go",
    error: "failed to parse kubelet flag: unknown flag: --network-plugin",
    what: /--network-plugin/,
    remedy: /Take --network-plugin out/,
  },
  {
    who: "a CA",
    from: "kubernetes/kubernetes cmd/kubelet/app/server.go",
    error:
      "failed to construct kubelet dependencies: unable to load client CA file /etc/kubernetes/pki/ca.crt: open /etc/kubernetes/pki/ca.crt: no such file or directory",
    what: /\/etc\/kubernetes\/pki\/ca\.crt/,
    remedy: /clientCAFile/,
  },
  {
    who: "a certificate",
    from: "kubernetes/kubernetes pkg/kubelet/certificate/bootstrap/bootstrap.go",
    error:
      "failed to run Kubelet: unable to load bootstrap kubeconfig: stat /etc/kubernetes/bootstrap-kubelet.conf: no such file or directory",
    what: /certificate/,
    remedy: /join/,
  },
  {
    who: "a configuration",
    from: "kubernetes/kubernetes cmd/kubelet/app/server.go",
    error:
      "failed to load kubelet config file, path: /var/lib/kubelet/config.yaml, error: failed to load Kubelet config file /var/lib/kubelet/config.yaml, error failed to read kubelet config file: open /var/lib/kubelet/config.yaml: no such file or directory",
    what: /\/var\/lib\/kubelet\/config\.yaml/,
    remedy: /kubeadm join/,
  },
  {
    who: "cgroup drivers",
    from: "kubernetes/kubernetes 1.23 pkg/kubelet/dockershim/docker_service.go",
    error:
      'failed to run Kubelet: misconfiguration: kubelet cgroup driver: "systemd" is different from docker cgroup driver: "cgroupfs"',
    what: /systemd.*cgroupfs/,
    remedy: /equal/,
  },
  {
    who: "a runtime",
    from: "kubernetes/cri-client pkg/remote_runtime.go",
    error:
      'failed to run Kubelet: validate service connection: validate CRI v1 runtime API for endpoint "unix:///run/crio/crio.sock": rpc error: code = Unavailable',
    what: /\/run\/crio\/crio\.sock/,
    remedy: /container-runtime-endpoint/,
  },
  {
    who: "cgroup v1",
    from: "kubernetes/kubernetes pkg/kubelet/apis/config/validation/validation_linux.go",
    error:
      "failed to run Kubelet: kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is in maintenance mode",
    what: /cgroup v1/,
    remedy: /failCgroupV1/,
  },
  {
    who: "a port",
    from: "golang/go net",
    error: "failed to run Kubelet: failed to listen: listen tcp 0.0.0.0:10250: bind: address already in use",
    what: /10250/,
    remedy: /ss -ltnp/,
  },
];
