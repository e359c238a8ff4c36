/** What goes wrong on nodes, made for real: how, and what the doctor must say. */
import type { Images } from "../../support/nodes/images";

/** What the causes are made of. */
export interface World {
  readonly images: Images;
  /** host:port of the lab's registry. */
  readonly registry: string;
  /** host:port of one that wants a login, and of one without TLS. */
  readonly locked: string;
  readonly plain: string;
}

export interface Cause {
  readonly what: string;
  /** The image that containerd is told to use. Default: one that the registry has. */
  readonly image?: (world: World) => string;
  /** Whether the node trusts the registry, by a hosts.toml as it should be. Default: true. */
  readonly trusted?: false;
  /** Shell that goes on from there; `$1` is the image, `$2` its registry. containerd is restarted behind it. */
  readonly then?: string;
  /** Shell behind the restart of containerd. */
  readonly last?: string;
  readonly code: string;
  readonly verdict: RegExp;
}

const DIR = "/etc/containerd/certs.d";
const CONFIG = "/etc/containerd/config.toml";

/** Shell that makes containerd run with another sandbox image. */
const sandboxImage = (image: string): string =>
  `sed -i "s|sandbox_image = .*|sandbox_image = \\"${image}\\"|" ${CONFIG}; systemctl restart containerd`;

export const CAUSES: Cause[] = [
  {
    what: "an unknown root",
    trusted: false,
    code: "PS-D001",
    verdict: /chain ends at "pause-sandbox lab .*" ?.*does not trust|chain ends at/,
  },
  {
    what: "a network that signs for upstream's registry",
    image: () => "k8s.gcr.io/pause:3.5",
    trusted: false,
    code: "PS-D001",
    verdict: /does not trust for k8s\.gcr\.io:443/,
  },
  {
    what: "host.toml instead of hosts.toml",
    then: `mv "${DIR}/$2/hosts.toml" "${DIR}/$2/host.toml"`,
    code: "PS-D014",
    verdict: /host\.toml is not read/,
  },
  {
    what: "a directory for another port",
    then: `mv "${DIR}/$2" "${DIR}/\${2%:*}:5443"`,
    code: "PS-D014",
    verdict: /:5443 is not read for/,
  },
  {
    what: "a ca outside of a host",
    then: `sed -i '/^\\[host/d' "${DIR}/$2/hosts.toml"`,
    code: "PS-D014",
    verdict: /ca outside of a \[host\] table/,
  },
  {
    what: "no config_path",
    then: `sed -i '/config_path = /d' ${CONFIG}`,
    code: "PS-D014",
    verdict: /config_path is not set/,
  },
  {
    what: "a certificate for another name",
    image: ({ registry }) => `wrong-name.example:${registry.split(":")[1] ?? ""}/faults/pause:1.0.0`,
    then: `echo "$3 wrong-name.example" >>/etc/hosts`,
    code: "PS-D005",
    verdict: /certificate for another name/,
  },
  {
    what: "a registry without TLS",
    image: ({ plain }) => `${plain}/faults/pause:1.0.0`,
    code: "PS-D006",
    verdict: /without TLS/,
  },
  {
    what: "a port that nobody listens on",
    image: ({ registry }) => registry.replace(/:.*/, ":5999/faults/pause:1.0.0"),
    code: "PS-D007",
    verdict: /Connection refused/,
  },
  {
    what: "a host that is not there",
    image: ({ registry }) => registry.replace(/\.\d+:.*/, ".250:5000/faults/pause:1.0.0"),
    code: "PS-D007",
    verdict: /no answer|No route to host/,
  },
  {
    what: "a name that is not known",
    image: () => "registry.invalid:5000/faults/pause:1.0.0",
    code: "PS-D008",
    verdict: /name registry\.invalid means nothing/,
  },
  {
    what: "a login",
    image: ({ locked }) => `${locked}/faults/pause:1.0.0`,
    code: "PS-D009",
    verdict: /wants a login .*401/,
  },
  {
    what: "a tag that is not there",
    image: ({ registry }) => `${registry}/faults/pause:9.9.9`,
    code: "PS-D012",
    verdict: /does not have faults\/pause:9\.9\.9 \(404\)/,
  },
  {
    what: "an image for another architecture",
    image: ({ images }) => images.foreign.reference,
    code: "PS-D013",
    verdict: /is there for \w+, and the node is/,
  },
  {
    what: "a key in a table that does not count",
    trusted: false,
    then: `sed -i '/sandbox_image/d' ${CONFIG}; printf '[plugins."io.containerd.cri.v1.images".pinned_images]\\nsandbox = "%s"\\n' "$1" >>${CONFIG}`,
    code: "PS-D015",
    verdict: /config\.toml:\d+ sets .* does not take it from there/,
  },
  {
    what: "a runtime that was not restarted",
    // The start of a process is known to the second.
    last: `touch /run/began; until [ "$(stat -c %Z ${CONFIG})" -gt "$(($(stat -c %Z /run/began) + 3))" ]; do touch ${CONFIG}; done`,
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
    last: `echo 'this is = = no TOML' >>${CONFIG}`,
    code: "PS-D020",
    verdict: /PS-N007/,
  },
  {
    what: "a reference without a tag",
    image: ({ registry }) => `${registry}/faults/pause`,
    code: "PS-D021",
    verdict: /no reference that every runtime takes/,
  },
  {
    what: "an image that is not pinned",
    // Pulled while another image was the sandbox image, as on a node that was switched by hand.
    last: `${sandboxImage("other.example/pause:1")}; crictl pull "$1" >/dev/null; ${sandboxImage("$1")}`,
    code: "PS-D022",
    verdict: /not pinned/,
  },
  {
    what: "a kubelet that does not run",
    last: "systemctl stop kubelet",
    code: "PS-D019",
    verdict: /kubelet is inactive/i,
  },
];
