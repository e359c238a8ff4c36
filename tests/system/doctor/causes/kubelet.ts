/** Why no kubelet asks for a sandbox. */
import { again, type Cause } from "./cause";

const kubeletAgain = again("kubelet");

/** Shell that starts the kubelet again, and waits until it has said that. */
const kubeletSays = (text: string): string =>
  `began=$(date +%s); ${kubeletAgain} || true
  until journalctl --no-pager -q -u kubelet --since "@$began" | grep -q "${text}"; do :; done`;

const CONFIG = "/var/lib/kubelet/config.yaml";
const kept = `cp -a ${CONFIG} /run/config-before`;
const given = `cp -a /run/config-before ${CONFIG}; ${kubeletAgain}`;
const PEM = "/var/lib/kubelet/pki/kubelet-client-current.pem";

export const KUBELET: Cause[] = [
  {
    what: "a flag that the kubelet does not know any more",
    heals: "all",
    last: `cp -a /usr/bin/kubelet /usr/bin/kubelet.own; cp -a /var/lib/kubelet/kubeadm-flags.env /run/flags-before
      cp /usr/bin/kubelet.newer /usr/bin/kubelet.new; mv -f /usr/bin/kubelet.new /usr/bin/kubelet; began=$(date +%s)
      ${kubeletAgain} || true
      until journalctl --no-pager -q -u kubelet --since "@$began" | grep -q "unknown flag: "; do :; done`,
    undo: `mv -f /usr/bin/kubelet.own /usr/bin/kubelet; cp -a /run/flags-before /var/lib/kubelet/kubeadm-flags.env
      ${kubeletAgain}`,
    code: "PS-D018",
    verdict: /kubeadm-flags\.env:\d+ has --pod-infra-container-image\. Kubelet 1\.\d+\.\d+ does not know this flag/,
  },
  {
    what: "a kubelet that does not run",
    node: 2,
    last: "systemctl stop kubelet",
    remedy: /^Run: (systemctl start kubelet)\./,
    code: "PS-D019",
    verdict: /kubelet is inactive/i,
  },
  {
    what: "a kubelet with a flag that it does not know",
    last: `cp -a /var/lib/kubelet/kubeadm-flags.env /run/flags-before
      sed -i 's|="|="--no-such-flag=1 |' /var/lib/kubelet/kubeadm-flags.env; ${kubeletSays("unknown flag: ")}`,
    remedy: /^Take --no-such-flag out where systemctl cat kubelet and its environment files have it/,
    mend: `sed -i 's|--no-such-flag=1 ||' /var/lib/kubelet/kubeadm-flags.env; ${kubeletAgain}`,
    undo: `cp -a /run/flags-before /var/lib/kubelet/kubeadm-flags.env; ${kubeletAgain}`,
    code: "PS-D019",
    verdict: /without it no Pod starts: it does not know the flag --no-such-flag/,
  },
  {
    what: "a kubelet with a configuration that it cannot read",
    node: 2,
    last: `${kept}; echo 'maxPods: many' >>${CONFIG}; ${kubeletSays("command failed")}`,
    remedy: /^Correct the line that it names/,
    mend: `sed -i '/^maxPods: many/d' ${CONFIG}; ${kubeletAgain}`,
    undo: given,
    code: "PS-D019",
    verdict: /it cannot read its configuration \/var\/lib\/kubelet\/config\.yaml/,
  },
  {
    what: "a kubelet whose CA is missing",
    tier: "long",
    last: `${kept}; sed -i 's|clientCAFile: .*|clientCAFile: /etc/kubernetes/pki/gone.crt|' ${CONFIG}; ${kubeletSays("command failed")}`,
    remedy: /^Put the cluster's CA there/,
    mend: `cp /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/gone.crt; ${kubeletAgain}`,
    undo: `rm -f /etc/kubernetes/pki/gone.crt; ${given}`,
    code: "PS-D019",
    verdict: /its CA \/etc\/kubernetes\/pki\/gone\.crt cannot be read/,
  },
  {
    what: "a kubelet without its certificate",
    tier: "long",
    node: 2,
    last: `mv ${PEM} /run/client.pem; ${kubeletSays("command failed")}`,
    remedy: /^Have the node join again, or renew/,
    mend: `cp -a /run/client.pem ${PEM}; ${kubeletAgain}`,
    undo: `mv -f /run/client.pem ${PEM}; ${kubeletAgain}`,
    code: "PS-D019",
    verdict: /its certificate cannot be used/,
  },
  {
    what: "a kubelet that wants no swap",
    // This machine may have none.
    last: `${kept}; sed -i 's|failSwapOn: false|failSwapOn: true|' ${CONFIG}
      printf 'Filename Type Size Used Priority\\n/swap.img file 1048572 0 -2\\n' >/run/swaps; mount --bind /run/swaps /proc/swaps
      ${kubeletSays("command failed")}`,
    remedy: /or set failSwapOn: false in the kubelet's configuration/,
    mend: `sed -i 's|failSwapOn: true|failSwapOn: false|' ${CONFIG}; ${kubeletAgain}`,
    undo: `umount /proc/swaps; ${given}`,
    code: "PS-D019",
    verdict: /without it no Pod starts: swap is on/,
  },
  {
    what: "a kubelet that asks at another socket",
    node: 2,
    last: `${kept}; sed -i 's|containerRuntimeEndpoint: .*|containerRuntimeEndpoint: unix:///run/other.sock|' ${CONFIG}; ${kubeletSays("command failed")}`,
    remedy: /./,
    mend: `sed -i 's|unix:///run/other.sock|unix:///run/containerd/containerd.sock|' ${CONFIG}; ${kubeletAgain}`,
    undo: given,
    code: "PS-D020",
    verdict: /\/run\/other\.sock/,
  },
  {
    what: "an API server that is not reached",
    last: `cp -a /etc/kubernetes/kubelet.conf /run/kubelet-before; sed -i 's|server: .*|server: https://127.0.0.1:1|' /etc/kubernetes/kubelet.conf
      ${kubeletSays("Unable to register node")}`,
    remedy: /whether this node reaches 127\.0\.0\.1:1: the server in the kubelet's kubeconfig/,
    mend: `cp -a /run/kubelet-before /etc/kubernetes/kubelet.conf; ${kubeletSays("Successfully registered node")}`,
    undo: `cp -a /run/kubelet-before /etc/kubernetes/kubelet.conf; ${kubeletAgain}`,
    code: "PS-D038",
    verdict: /The kubelet does not reach the API server/,
  },
];
