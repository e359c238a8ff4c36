/** What goes wrong on nodes, made for real: how, and what the doctor must say. */
import type { Images } from "../../support/nodes/images";
import type { Tier } from "../../support/tier";
import { type Gates, YEAR_SECONDS } from "./gates";

/** What the causes are made of. */
export interface World {
  readonly images: Images;
  /** host:port of the lab's registry. */
  readonly registry: string;
  /** host:port of one that wants a login, and of one without TLS. */
  readonly locked: string;
  readonly plain: string;
  readonly gates: Gates;
}

export interface Cause {
  readonly what: string;
  /** The image that containerd is told to use. Default: one that the registry has. */
  readonly image?: (world: World) => string;
  /** Whether the node trusts the registry, by a hosts.toml as it should be. Default: true. */
  readonly trusted?: false;
  /** What hosts.toml names as the authority of the registry, as PEM. Default: the lab's, which signed for its registry. */
  readonly ca?: (world: World) => string;
  /** Which node, from 1 on: containerd is of another line on each. Default: 1. */
  readonly node?: 1 | 2;
  /** Shell that goes on from there; `$1` is the image, `$2` its registry. containerd is restarted behind it. */
  readonly then?: string;
  /** Shell behind the restart of containerd. */
  readonly last?: string;
  /** Shell that takes back what CONFIGURE does not set again. */
  readonly undo?: string;
  /** How far the clocks of everybody else are ahead of the node's, in seconds. Default: 0. */
  readonly lateSeconds?: number;
  /** From which tier on the stack that the doctor prints has to heal the node. Default: it cannot. */
  readonly heals?: Tier;
  /**
   * From which tier on it is made. Default: all, where it is the one cause by which a fact of a real node shows. The others are judged
   * from facts that are simulated in tests/doctor/causes.test.ts, too.
   */
  readonly tier?: Tier;
  readonly code: string;
  readonly verdict: RegExp;
}

const DIR = "/etc/containerd/certs.d";
const CONFIG = "/etc/containerd/config.toml";

/** Shell that names another sandbox image, and shell that makes containerd run with it. */
const edited = (image: string): string => `sed -i "s|sandbox_image = .*|sandbox_image = \\"${image}\\"|" ${CONFIG}`;
const sandboxImage = (image: string): string => `${edited(image)}; systemctl restart containerd`;

/** Shell that has the runtime start a sandbox, which must fail. */
const fails = (linux = "", options = ""): string =>
  `printf '{"metadata":{"name":"doctor","namespace":"lab","uid":"%s"},"log_directory":"/tmp","linux":{${linux}}}' \
    "$(cat /proc/sys/kernel/random/uuid)" >/run/doctor.json
  ! crictl runp ${options} /run/doctor.json >/dev/null 2>&1`;

/** Shell that starts the kubelet again, and waits until it has said that. */
const kubeletSays = (text: string): string =>
  `began=$(date +%s); systemctl reset-failed kubelet 2>/dev/null || true; systemctl restart kubelet || true
  until journalctl --no-pager -q -u kubelet --since "@$began" | grep -q "${text}"; do :; done`;
const kubeletAgain = "systemctl reset-failed kubelet 2>/dev/null || true; systemctl restart kubelet";

export const CAUSES: Cause[] = [
  {
    what: "an unknown root",
    tier: "test",
    heals: "all",
    trusted: false,
    code: "PS-D001",
    verdict: /chain ends at "pause-sandbox lab .*" ?.*does not trust|chain ends at/,
  },
  {
    what: "a network that signs for upstream's registry",
    tier: "long",
    image: () => "k8s.gcr.io/pause:3.5",
    trusted: false,
    code: "PS-D001",
    verdict: /does not trust for k8s\.gcr\.io:443/,
  },
  {
    what: "host.toml instead of hosts.toml",
    node: 2,
    heals: "long",
    then: `mv "${DIR}/$2/hosts.toml" "${DIR}/$2/host.toml"`,
    code: "PS-D014",
    verdict: /host\.toml is not read/,
  },
  {
    what: "a directory for another port",
    tier: "long",
    heals: "long",
    then: `mv "${DIR}/$2" "${DIR}/\${2%:*}:5443"`,
    code: "PS-D014",
    verdict: /:5443 is not read for/,
  },
  {
    what: "a ca outside of a host",
    tier: "long",
    then: `sed -i '/^\\[host/d' "${DIR}/$2/hosts.toml"`,
    code: "PS-D014",
    verdict: /ca outside of a \[host\] table/,
  },
  {
    what: "no config_path",
    heals: "long",
    then: `sed -i '/config_path = /d' ${CONFIG}`,
    code: "PS-D014",
    verdict: /config_path is not set/,
  },
  {
    what: "a certificate for another name",
    tier: "long",
    image: ({ registry }) => `wrong-name.example:${registry.split(":")[1] ?? ""}/faults/pause:1.0.0`,
    then: `echo "$3 wrong-name.example" >>/etc/hosts`,
    code: "PS-D005",
    verdict: /certificate for another name/,
  },
  {
    what: "a registry without TLS",
    tier: "long",
    heals: "long",
    trusted: false,
    image: ({ plain }) => `${plain}/faults/pause:1.0.0`,
    code: "PS-D006",
    verdict: /without TLS/,
  },
  {
    what: "a port that nobody listens on",
    node: 2,
    image: ({ registry }) => registry.replace(/:.*/, ":5999/faults/pause:1.0.0"),
    code: "PS-D007",
    verdict: /Connection refused/,
  },
  {
    what: "a host that is not there",
    tier: "long",
    image: ({ registry }) => registry.replace(/\.\d+:.*/, ".250:5000/faults/pause:1.0.0"),
    code: "PS-D007",
    verdict: /no answer|No route to host/,
  },
  {
    what: "an unknown host name",
    node: 2,
    image: () => "registry.invalid:5000/faults/pause:1.0.0",
    code: "PS-D008",
    verdict: /name registry\.invalid is unknown/,
  },
  {
    what: "a login",
    node: 2,
    heals: "long",
    trusted: false,
    image: ({ locked }) => `${locked}/faults/pause:1.0.0`,
    // As on a node whose owner has given it his authority.
    then: 'cp -a /etc/ssl/certs/ca-certificates.crt /run/roots-before; echo "$4" >>/etc/ssl/certs/ca-certificates.crt',
    undo: "cp -a /run/roots-before /etc/ssl/certs/ca-certificates.crt; systemctl restart containerd",
    code: "PS-D009",
    verdict: /wants a login .*401/,
  },
  {
    what: "a tag that is not there",
    tier: "long",
    image: ({ registry }) => `${registry}/faults/pause:9.9.9`,
    code: "PS-D012",
    verdict: /does not have faults\/pause:9\.9\.9 \(404\)/,
  },
  {
    what: "an image for another architecture",
    node: 2,
    image: ({ images }) => images.foreign.reference,
    code: "PS-D013",
    verdict: /exists for \w+, but the node is/,
  },
  {
    what: "a key in a table that does not count",
    tier: "long",
    heals: "long",
    trusted: false,
    then: `sed -i '/sandbox_image/d' ${CONFIG}; printf '[plugins."io.containerd.cri.v1.images".pinned_images]\\nsandbox = "%s"\\n' "$1" >>${CONFIG}`,
    code: "PS-D015",
    verdict: /config\.toml:\d+ sets .* does not read it from there/,
  },
  {
    what: "a runtime that was not restarted",
    heals: "long",
    // The start of a process is known to the second.
    last: `${sandboxImage("k8s.gcr.io/pause:3.5")}; touch /run/began
      until [ "$(stat -c %Z ${CONFIG})" -gt "$(($(stat -c %Z /run/began) + 3))" ]; do ${edited("$1")}; done`,
    code: "PS-D016",
    verdict: /was edited after containerd was started/,
  },
  {
    what: "a CRI plugin that is disabled",
    then: `sed -i '1i disabled_plugins = ["io.containerd.grpc.v1.cri"]' ${CONFIG}`,
    code: "PS-D020",
    verdict: /disabled_plugins holds "io\.containerd\.grpc\.v1\.cri"/,
  },
  {
    what: "a configuration that cannot be read",
    tier: "long",
    last: `echo 'this is = = no TOML' >>${CONFIG}`,
    code: "PS-D020",
    verdict: /PS-N007/,
  },
  {
    what: "a reference without a tag",
    tier: "long",
    image: ({ registry }) => `${registry}/faults/pause`,
    code: "PS-D021",
    verdict: /cannot be used with every runtime/,
  },
  {
    what: "an image that is not pinned",
    heals: "long",
    // Pulled while another image was the sandbox image, as on a node that was switched by hand.
    last: `${sandboxImage("other.example/pause:1")}; crictl pull "$1" >/dev/null; ${sandboxImage("$1")}`,
    code: "PS-D022",
    verdict: /not pinned/,
  },
  {
    what: "a kubelet that does not run",
    node: 2,
    last: "systemctl stop kubelet",
    code: "PS-D019",
    verdict: /kubelet is inactive/i,
  },
  {
    what: "a missing intermediate certificate",
    tier: "long",
    image: ({ gates }) => `${gates.halfChain.host}/faults/pause:1.0.0`,
    ca: ({ gates }) => gates.halfChain.ca,
    code: "PS-D002",
    verdict: /does not send its intermediate certificate: "Bank Issuing CA 3"/,
  },
  {
    what: "a certificate that has expired",
    tier: "long",
    image: ({ gates }) => `${gates.expired.host}/faults/pause:1.0.0`,
    ca: ({ gates }) => gates.expired.ca,
    code: "PS-D003",
    verdict: /not valid now: "expired" was valid until/,
  },
  {
    what: "a clock that is years behind",
    node: 2,
    image: ({ gates }) => `${gates.early.host}/faults/pause:1.0.0`,
    ca: ({ gates }) => gates.early.ca,
    lateSeconds: 9 * YEAR_SECONDS,
    code: "PS-D004",
    verdict: /clock is 9 years behind .*"early" is valid from/,
  },
  {
    what: "a pull that is forbidden",
    tier: "long",
    image: ({ gates }) => `${gates.forbidding.host}/faults/pause:1.0.0`,
    ca: ({ gates }) => gates.forbidding.ca,
    code: "PS-D010",
    verdict: /forbids faults\/pause:1\.0\.0 \(403/,
  },
  {
    what: "a registry's limit for pulls",
    tier: "long",
    image: ({ gates }) => `${gates.tooBusy.host}/faults/pause:1.0.0`,
    ca: ({ gates }) => gates.tooBusy.ca,
    code: "PS-D011",
    verdict: /has reached the limit \(429\)/,
  },
  {
    what: "two directories in config_path",
    node: 2,
    heals: "long",
    then: `mkdir -p /etc/docker/certs.d; sed -i 's|config_path = .*|config_path = "${DIR}:/etc/docker/certs.d"|' ${CONFIG}`,
    undo: "rmdir /etc/docker/certs.d /etc/docker 2>/dev/null || true",
    code: "PS-D014",
    verdict: /which containerd takes for one directory/,
  },
  {
    what: "a drop-in that counts more",
    heals: "all",
    then: `mkdir -p /etc/containerd/conf.d; sed -i '1i imports = ["/etc/containerd/conf.d/*.toml"]' ${CONFIG}
      printf 'version = 2\\n[plugins."io.containerd.grpc.v1.cri"]\\n  sandbox_image = "k8s.gcr.io/pause:3.5"\\n  restrict_oom_score_adj = true\\n' >/etc/containerd/conf.d/99-vendor.toml`,
    undo: "rm -rf /etc/containerd/conf.d",
    code: "PS-D015",
    verdict:
      /config\.toml:\d+ sets .*faults\/pause:1\.0\.0, and .*99-vendor\.toml:3, which overrides it, sets k8s\.gcr\.io/,
  },
  {
    what: "a flag that the kubelet does not know any more",
    heals: "all",
    last: `cp -a /usr/bin/kubelet /usr/bin/kubelet.own; cp -a /var/lib/kubelet/kubeadm-flags.env /run/flags-before
      cp /usr/bin/kubelet.newer /usr/bin/kubelet.new; mv -f /usr/bin/kubelet.new /usr/bin/kubelet; began=$(date +%s)
      systemctl reset-failed kubelet 2>/dev/null || true; systemctl restart kubelet || true
      until journalctl --no-pager -q -u kubelet --since "@$began" | grep -q "unknown flag: "; do :; done`,
    undo: `mv -f /usr/bin/kubelet.own /usr/bin/kubelet; cp -a /run/flags-before /var/lib/kubelet/kubeadm-flags.env
      systemctl reset-failed kubelet 2>/dev/null || true; systemctl restart kubelet`,
    code: "PS-D018",
    verdict: /kubeadm-flags\.env:\d+ has --pod-infra-container-image\. Kubelet 1\.35\.4 does not know this flag/,
  },
  {
    what: "a network that is not set up",
    last: `mkdir /run/cni-before; mv /etc/cni/net.d/* /run/cni-before
      until crictl info | grep -q NetworkPluginNotReady; do :; done`,
    undo: "mv /run/cni-before/* /etc/cni/net.d; rmdir /run/cni-before",
    code: "PS-D025",
    verdict: /no Pod can start\. Containerd has no network for Pods: .*cni plugin not initialized/,
  },
  {
    what: "a network plugin that is missing",
    node: 2,
    last: `mv /usr/lib/cni/bridge /usr/lib/cni/bridge.own; ${fails()}`,
    undo: "mv /usr/lib/cni/bridge.own /usr/lib/cni/bridge",
    code: "PS-D026",
    verdict: /The network plugin "bridge" is not in \/opt\/cni\/bin/,
  },
  {
    what: "a network without free addresses",
    tier: "long",
    last: `cp -a /etc/cni/net.d /run/cni-before; sed -i 's|"subnet": *"[^"]*"|"subnet":"10.99.0.0/30"|' /etc/cni/net.d/*
      mkdir -p /var/lib/cni/networks/lab; echo x >/var/lib/cni/networks/lab/10.99.0.2; ${fails()}`,
    undo: "rm -f /var/lib/cni/networks/lab/10.99.0.*; cp -a /run/cni-before/. /etc/cni/net.d; rm -r /run/cni-before",
    code: "PS-D028",
    verdict: /no free address/,
  },
  {
    what: "a runc that is missing",
    last: `runc=$(command -v runc); mv "$runc" "$runc.own"; ${fails()}`,
    undo: 'runc=$(command -v runc.own); mv "$runc" "${runc%.own}"',
    code: "PS-D029",
    verdict: /Containerd cannot start runc, which starts containers/,
  },
  {
    what: "a runc that cannot be executed",
    node: 2,
    last: `chmod -x "$(command -v runc)"; ${fails()}`,
    undo: 'for one in /usr/bin/runc /usr/sbin/runc /usr/local/sbin/runc; do if [ -e "$one" ]; then chmod +x "$one"; fi; done',
    code: "PS-D029",
    verdict: /cannot start .*runc, which starts containers: .*(permission|not there)/,
  },
  {
    what: "cgroup drivers that differ",
    then: `printf '%s\n' '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]' 'runtime_type = "io.containerd.runc.v2"' \
      '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]' 'SystemdCgroup = true' >>${CONFIG}`,
    last: fails('"cgroup_parent":"/doctor"'),
    code: "PS-D030",
    verdict: /The kubelet and containerd have different cgroup drivers/,
  },
  {
    what: "a runtime class without its handler",
    node: 2,
    last: fails("", "--runtime gvisor"),
    code: "PS-D033",
    verdict: /Containerd has no handler "gvisor"/,
  },
  {
    what: "a seccomp profile that is missing",
    last: fails(
      '"security_context":{"seccomp":{"profile_type":2,"localhost_ref":"/var/lib/kubelet/seccomp/gone.json"}}',
    ),
    code: "PS-D036",
    verdict: /security profile of a Pod is not on the node: \/var\/lib\/kubelet\/seccomp\/gone\.json/,
  },
  {
    what: "a runtime that does not run",
    node: 2,
    last: "systemctl stop containerd",
    undo: "systemctl start containerd",
    code: "PS-D037",
    verdict: /Containerd does not run/,
  },
  {
    what: "a kubelet with a flag that it does not know",
    last: `cp -a /var/lib/kubelet/kubeadm-flags.env /run/flags-before
      sed -i 's|="|="--no-such-flag=1 |' /var/lib/kubelet/kubeadm-flags.env; ${kubeletSays("unknown flag: ")}`,
    undo: `cp -a /run/flags-before /var/lib/kubelet/kubeadm-flags.env; ${kubeletAgain}`,
    code: "PS-D019",
    verdict: /without it no Pod starts: it does not know the flag --no-such-flag/,
  },
  {
    what: "a kubelet with a configuration that it cannot read",
    node: 2,
    last: `cp -a /var/lib/kubelet/config.yaml /run/config-before; echo 'maxPods: many' >>/var/lib/kubelet/config.yaml
      ${kubeletSays("command failed")}`,
    undo: `cp -a /run/config-before /var/lib/kubelet/config.yaml; ${kubeletAgain}`,
    code: "PS-D019",
    verdict: /it cannot read its configuration \/var\/lib\/kubelet\/config\.yaml/,
  },
  {
    what: "a kubelet whose CA is missing",
    tier: "long",
    last: `cp -a /var/lib/kubelet/config.yaml /run/config-before
      printf 'authentication:\\n  x509:\\n    clientCAFile: /nowhere/ca.crt\\n' >>/var/lib/kubelet/config.yaml; ${kubeletSays("command failed")}`,
    undo: `cp -a /run/config-before /var/lib/kubelet/config.yaml; ${kubeletAgain}`,
    code: "PS-D019",
    verdict: /certificate or its CA cannot be used|cannot read its configuration/,
  },
  {
    what: "an API server that is not reached",
    node: 2,
    last: `cp -a /etc/kubernetes/kubelet.conf /run/kubelet-before; sed -i 's|server: .*|server: https://127.0.0.1:1|' /etc/kubernetes/kubelet.conf
      ${kubeletSays("Unable to register node")}`,
    undo: `cp -a /run/kubelet-before /etc/kubernetes/kubelet.conf; ${kubeletAgain}`,
    code: "PS-D038",
    verdict: /The kubelet does not reach the API server/,
  },
];
