import { strict as assert } from "node:assert";

import { causeOf, isOfImage, kubeletCause } from "../../doctor/causes";
import { judgeKubelet } from "../../doctor/judge/kubelet";
import { CLOCK, factsOf, journal, runtime } from "./nodeFacts";

const SETUP = 'rpc error: code = Unknown desc = failed to setup network for sandbox "0ab1": ';
const TASK = "rpc error: code = Unknown desc = failed to create containerd task: ";

/** What a sandbox failed with, in the words of the program that is named; and what has to stand in the finding. */
const SANDBOX: readonly (readonly [string, string, string, RegExp])[] = [
  ["go-cni", "PS-D025", `${SETUP}cni plugin not initialized`, /no network configuration/],
  [
    "ocicni",
    "PS-D025",
    "rpc error: code = Unknown desc = failed to create pod network sandbox k8s_a_b_0(1): No CNI configuration file in /etc/cni/net.d/. Has your network provider started?",
    /no network configuration/,
  ],
  [
    "libcni",
    "PS-D026",
    `${SETUP}failed to find plugin "cilium-cni" in path [/opt/cni/bin]`,
    /"cilium-cni".* \/opt\/cni\/bin/,
  ],
  [
    "calico without its agent",
    "PS-D027",
    `${SETUP}plugin type="calico" failed (add): stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/`,
    /calico/,
  ],
  [
    "calico without rights",
    "PS-D027",
    `${SETUP}plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized`,
    /calico/,
  ],
  [
    "cilium",
    "PS-D027",
    `${SETUP}plugin type="cilium-cni" failed (add): unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds timeout: Get "http://localhost/v1/config": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory\nIs the agent running?`,
    /cilium/,
  ],
  [
    "an older cilium",
    "PS-D027",
    'NetworkPlugin cni failed to teardown pod "a_b" network: unable to connect to Cilium daemon: failed to create cilium agent client after 30.000000 seconds timeout',
    /cilium/,
  ],
  [
    "flannel",
    "PS-D027",
    `${SETUP}plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory`,
    /flannel/,
  ],
  [
    "a later flannel",
    "PS-D027",
    `${SETUP}plugin type="flannel" failed (add): failed to load flannel 'subnet.env' file: open /run/flannel/subnet.env: no such file or directory. Check the flannel pod log for this node.`,
    /flannel/,
  ],
  [
    "aws-cni",
    "PS-D027",
    `${SETUP}plugin type="aws-cni" name="aws-cni" failed (add): add cmd: Error received from AddNetwork gRPC call: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial tcp 127.0.0.1:50051: connect: connection refused"`,
    /aws-cni/,
  ],
  [
    "calico that does not reach the API server",
    "PS-D038",
    `${SETUP}plugin type="calico" failed (add): error getting ClusterInformation: Get "https://10.96.0.1:443/apis/crd.projectcalico.org/v1/clusterinformations/default": dial tcp 10.96.0.1:443: i/o timeout`,
    /10\.96\.0\.1:443/,
  ],
  [
    "host-local",
    "PS-D028",
    `${SETUP}plugin type="bridge" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.1.1-10.244.1.254`,
    /10\.244\.1\.1-10\.244\.1\.254/,
  ],
  [
    "aws-cni without addresses",
    "PS-D028",
    `${SETUP}plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container`,
    /no free address/,
  ],
  [
    "calico's pools",
    "PS-D028",
    `${SETUP}plugin type="calico" failed (add): failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free IPs in configured pools`,
    /no free address/,
  ],
  [
    "cilium's pools",
    "PS-D028",
    `${SETUP}plugin type="cilium-cni" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure "No more IPs available"`,
    /no free address/,
  ],
  [
    "cilium's range",
    "PS-D028",
    `${SETUP}plugin type="cilium-cni" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure "range is full"`,
    /no free address/,
  ],
  [
    "containerd without runc",
    "PS-D029",
    `${TASK}failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error (open /run/containerd/io.containerd.runtime.v2.task/k8s.io/1/log.json: no such file or directory): exec: "runc": executable file not found in $PATH: unknown`,
    /cannot start runc/,
  ],
  [
    "containerd whose runc cannot be executed",
    "PS-D029",
    `${TASK}failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error (open /run/x/log.json: no such file or directory): fork/exec /usr/local/sbin/runc: permission denied: unknown`,
    /\/usr\/local\/sbin\/runc.*permission denied/,
  ],
  [
    "containerd without its shim",
    "PS-D029",
    `${TASK}failed to start shim: failed to resolve runtime path: runtime "io.containerd.runc.v2" binary not installed "containerd-shim-runc-v2": file does not exist: unknown`,
    /containerd-shim-runc-v2/,
  ],
  [
    "runc of the other cgroup driver",
    "PS-D030",
    `${TASK}failed to create shim task: OCI runtime create failed: runc create failed: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/kubepods/besteffort/pod1/2" instead: unknown`,
    /different cgroup drivers/,
  ],
  [
    "CRI-O of the other cgroup driver",
    "PS-D030",
    "rpc error: code = Unknown desc = cri-o configured with systemd cgroup manager, but did not receive slice as parent: /kubepods/besteffort/pod1",
    /different cgroup drivers/,
  ],
  [
    "a full disk",
    "PS-D031",
    "rpc error: code = Unknown desc = failed to create pod sandbox directory: mkdir /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/1: no space left on device",
    /no space or no inodes/,
  ],
  [
    "a full disk at the pull",
    "PS-D031",
    'rpc error: code = Unknown desc = failed to get sandbox image "registry.example/pause:1": failed to pull image: failed to extract layer sha256:1: write /var/lib/containerd/x: no space left on device',
    /no space/,
  ],
  [
    "a disk that cannot be written",
    "PS-D032",
    "rpc error: code = Unknown desc = failed to create sandbox root directory: mkdir /var/lib/containerd/x: read-only file system",
    /read-only file system/,
  ],
  [
    "content that is gone",
    "PS-D032",
    `rpc error: code = NotFound desc = failed to create sandbox container: failed to get image: content digest sha256:${"a".repeat(64)}: not found`,
    /content digest/,
  ],
  [
    "a snapshotter that is missing",
    "PS-D032",
    "rpc error: code = Unknown desc = failed to create containerd container: snapshotter not loaded: stargz: invalid argument",
    /stargz/,
  ],
  [
    "containerd without a handler",
    "PS-D033",
    'rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "gvisor" is configured',
    /"gvisor"/,
  ],
  [
    "CRI-O without a handler",
    "PS-D033",
    "rpc error: code = Unknown desc = failed to find runtime handler kata from runtime list map[runc:0x1]",
    /"kata"/,
  ],
  [
    "a name that is taken",
    "PS-D034",
    'rpc error: code = Unknown desc = failed to reserve sandbox name "a_b_c_0": name "a_b_c_0" is reserved for "0ab1"',
    /by the same name/,
  ],
  [
    "a name that CRI-O has",
    "PS-D034",
    "rpc error: code = Unknown desc = error reserving pod name k8s_a_b_c_0 for id 0ab1",
    /by the same name/,
  ],
  [
    "a name that docker has",
    "PS-D034",
    'rpc error: code = Unknown desc = failed to create a sandbox for pod "a": Error response from daemon: Conflict. The container name "/k8s_POD_a" is already in use by container "0ab1"',
    /by the same name/,
  ],
  [
    "a limit of processes",
    "PS-D035",
    `${TASK}failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: fork/exec /proc/self/exe: resource temporarily unavailable: unknown`,
    /limit of processes/,
  ],
  [
    "a seccomp profile",
    "PS-D036",
    'rpc error: code = Unknown desc = failed to generate sandbox container spec options: failed to generate seccomp spec opts: cannot load seccomp profile "/var/lib/kubelet/seccomp/p.json": open /var/lib/kubelet/seccomp/p.json: no such file or directory',
    /\/var\/lib\/kubelet\/seccomp\/p\.json/,
  ],
  [
    "a seccomp profile of CRI-O",
    "PS-D036",
    "rpc error: code = Unknown desc = setup seccomp: open seccomp profile: open /var/lib/kubelet/seccomp/p.json: no such file or directory",
    /\/var\/lib\/kubelet\/seccomp\/p\.json/,
  ],
  [
    "an AppArmor profile",
    "PS-D036",
    "rpc error: code = Unknown desc = failed to generate apparmor spec opts: apparmor profile not found k8s-deny",
    /k8s-deny/,
  ],
  [
    "a runtime that takes too long",
    "PS-D037",
    "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
    /in time/,
  ],
  [
    "a runtime that does not run",
    "PS-D037",
    'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"',
    /\/run\/containerd\/containerd\.sock/,
  ],
];

const KUBELET: readonly (readonly [string, RegExp, RegExp])[] = [
  [
    "failed to run Kubelet: running with swap on is not supported, please disable swap or set --fail-swap-on flag to false",
    /swap is on/,
    /swapoff/,
  ],
  ["failed to parse kubelet flag: unknown flag: --network-plugin", /--network-plugin/, /Take --network-plugin out/],
  [
    "failed to construct kubelet dependencies: unable to load client CA file /etc/kubernetes/pki/ca.crt: open /etc/kubernetes/pki/ca.crt: no such file or directory",
    /\/etc\/kubernetes\/pki\/ca\.crt/,
    /join/,
  ],
  [
    "failed to run Kubelet: unable to load bootstrap kubeconfig: stat /etc/kubernetes/bootstrap-kubelet.conf: no such file or directory",
    /certificate/,
    /join/,
  ],
  [
    "failed to load kubelet config file, path: /var/lib/kubelet/config.yaml, error: failed to load Kubelet config file /var/lib/kubelet/config.yaml, error failed to read kubelet config file: open /var/lib/kubelet/config.yaml: no such file or directory",
    /\/var\/lib\/kubelet\/config\.yaml/,
    /kubeadm join/,
  ],
  [
    'failed to run Kubelet: misconfiguration: kubelet cgroup driver: "systemd" is different from docker cgroup driver: "cgroupfs"',
    /systemd.*cgroupfs/,
    /equal/,
  ],
  [
    'failed to run Kubelet: validate service connection: validate CRI v1 runtime API for endpoint "unix:///run/crio/crio.sock": rpc error: code = Unavailable',
    /\/run\/crio\/crio\.sock/,
    /container-runtime-endpoint/,
  ],
  [
    "failed to run Kubelet: kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is in maintenance mode",
    /cgroup v1/,
    /failCgroupV1/,
  ],
  [
    "failed to run Kubelet: failed to listen: listen tcp 0.0.0.0:10250: bind: address already in use",
    /10250/,
    /ss -ltnp/,
  ],
];

describe("what a sandbox failed with", () => {
  for (const [who, code, error, what] of SANDBOX) {
    it(`is known from ${who}`, () => {
      const found = causeOf(error, { runtime: runtime("registry.example/pause:1") });
      assert.equal(found?.code, code, JSON.stringify(found));
      assert.match(found.what, what);
      assert.ok(found.remedy.length > 20);
    });
  }

  it("is left to the way of the pull where it is of the image", () => {
    const error =
      'failed to get sandbox image "k8s.gcr.io/pause:3.5": failed to resolve reference: dial tcp: i/o timeout';
    assert.equal(isOfImage(error), true);
    assert.equal(causeOf(error, {}), undefined);
  });

  const OWN: Readonly<Record<string, { unit: string; foreign: RegExp }>> = {
    containerd: { unit: "containerd", foreign: /crio|daemon\.json|k3s/ },
    "cri-o": { unit: "crio", foreign: /containerd|daemon\.json|k3s|config\.toml/ },
    k3s: { unit: "k3s-agent", foreign: /crio|daemon\.json|config\.toml(?!\.tmpl)/ },
    rke2: { unit: "rke2-server", foreign: /crio|daemon\.json|k3s/ },
    "cri-dockerd": { unit: "cri-docker", foreign: /crio|config\.toml|plugins\.|k3s/ },
  };
  for (const [name, { unit, foreign }] of Object.entries(OWN)) {
    it(`has a remedy on ${name} that names no unit and no table of another runtime`, () => {
      for (const [, , error] of SANDBOX) {
        const found = causeOf(error, { runtime: { name, unit, socket: "/run/x.sock", version: "1.34.0" } });
        assert.doesNotMatch(found?.remedy ?? "", foreign);
      }
    });
  }
});

describe("a kubelet that does not run", () => {
  for (const [error, what, remedy] of KUBELET) {
    it(`says why: ${what.source}`, () => {
      const found = kubeletCause(error, { runtime: runtime("registry.example/pause:1") });
      assert.match(found?.what ?? "", what);
      assert.match(found?.remedy ?? "", remedy);
    });
  }

  const down = (text: string) =>
    judgeKubelet(
      factsOf("registry.example/pause:1", {
        kubelet: { version: "1.34.2", state: "activating", flagged: [] },
        events: [
          journal(CLOCK - 3, "kubelet", `E1129 10:00:00 1 run.go:72] "command failed" err=${JSON.stringify(text)}`),
        ],
      }),
    ).findings[0]?.what;

  it("is quoted where its last words are not known", () => {
    assert.equal(
      down("the moon is full"),
      "the kubelet is activating, and without it no Pod starts. It ended with: the moon is full",
    );
  });

  it("is told where systemd starts it again and again, and it is active for a moment", () => {
    const line = (at: number) => journal(at, "kubelet", 'E1129 1 run.go:72] "command failed" err="unknown flag: --x"');
    const found = (at: number, healthy: boolean) =>
      judgeKubelet(
        factsOf("registry.example/pause:1", {
          kubelet: { version: "1.34.2", state: "active", flagged: [], healthy },
          events: [line(at)],
        }),
      ).findings.map(({ what }) => what);
    assert.match(
      found(CLOCK - 5, false)[0] ?? "",
      /^the kubelet is started again and again.*does not know the flag --x$/,
    );
    assert.deepEqual(found(CLOCK - 5, true), []);
    assert.deepEqual(found(CLOCK - 600, false), []);
  });

  it("has its cause in the finding", () => {
    assert.match(down(KUBELET[0]?.[0] ?? "") ?? "", /no Pod starts: swap is on$/);
  });
});

describe("a kubelet that does not reach its API server", () => {
  const line = (at: number) =>
    journal(
      at,
      "kubelet",
      'E1129 1 controller.go:145] "Failed to ensure lease exists, will retry" err="Get \\"https://10.0.0.1:6443/apis/coordination.k8s.io\\": dial tcp 10.0.0.1:6443: connect: connection refused" interval="7s"',
    );
  const found = (at: number) => judgeKubelet(factsOf("registry.example/pause:1", { events: [line(at)] })).findings[0];

  it("is told where that is so now", () => {
    assert.equal(found(CLOCK - 5)?.code, "PS-D038");
    assert.match(found(CLOCK - 5)?.remedy ?? "", /reaches 10\.0\.0\.1:6443/);
  });

  it("is not told where that was so once", () => {
    assert.equal(found(CLOCK - 600), undefined);
  });
});
