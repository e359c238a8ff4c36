/** Why a sandbox gets no network. */
import { type Cause, FAILS, fails, removed, sandbox } from "./cause";

/** A stand-in for calico's plugin: it says what that says without its agent's file, and else does as `bridge`. */
const CALICO = String.raw`#!/bin/sh
[ "$CNI_COMMAND" != ADD ] || [ -e /var/lib/calico/nodename ] || {
  printf '{"cniVersion":"1.0.0","code":999,"msg":"%s"}' "stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/"
  exit 1
}
exec /usr/lib/cni/bridge`;

/** Edits of the network's file that give it a name and a bridge of its own, and shell that takes both back. */
const OTHER = 's|"cni0"|"cni9"|; s|"lab"|"lab9"|';
const BEFORE = `cp -a /run/cni-before/. /etc/cni/net.d; rm -rf /run/cni-before /var/lib/cni/networks/lab9
  ip link delete cni9 2>/dev/null || true`;

export const NETWORK: Cause[] = [
  {
    what: "a network that is not set up",
    last: `mkdir /run/cni-before; mv /etc/cni/net.d/* /run/cni-before
      until crictl info | grep -q NetworkPluginNotReady; do :; done`,
    remedy: /Install the cluster's network .*\/etc\/cni\/net\.d/,
    mend: `cp -a /run/cni-before/* /etc/cni/net.d; until ! crictl info | grep -q NetworkPluginNotReady; do :; done`,
    undo: "mv -f /run/cni-before/* /etc/cni/net.d; rmdir /run/cni-before",
    code: "PS-D025",
    verdict: /no Pod can start\. Containerd has no network for Pods: .*cni plugin not initialized/,
  },
  {
    what: "a network plugin that is missing",
    node: 2,
    last: `mv /usr/lib/cni/bridge /usr/lib/cni/bridge.own; ${fails()}`,
    remedy: /Install it there: bridge comes with the CNI plugins package/,
    mend: "cp -a /usr/lib/cni/bridge.own /usr/lib/cni/bridge",
    undo: "mv -f /usr/lib/cni/bridge.own /usr/lib/cni/bridge",
    code: "PS-D026",
    verdict: /The network plugin "bridge" is not in \/opt\/cni\/bin/,
  },
  {
    what: "a network plugin that cannot be executed",
    tier: "long",
    last: `chmod -x /usr/lib/cni/bridge; ${fails()}`,
    remedy: /^Run: (chmod 755 \S+bridge)$/,
    undo: "chmod 755 /usr/lib/cni/bridge",
    code: "PS-D026",
    verdict: /The network plugin \/usr\/lib\/cni\/bridge cannot be executed/,
  },
  {
    what: "an agent of the network that does not answer",
    last: `mkdir /run/cni-before; cp -a /etc/cni/net.d/. /run/cni-before; printf '%s\n' '${CALICO.replaceAll("'", `'\\''`)}' >/usr/lib/cni/calico
      chmod 755 /usr/lib/cni/calico; sed -i 's|"bridge",|"calico",|' /etc/cni/net.d/*; ${fails()}`,
    remedy: /kubectl -n calico-system get pods/,
    mend: "mkdir -p /var/lib/calico; echo node-1 >/var/lib/calico/nodename",
    undo: "cp -a /run/cni-before/. /etc/cni/net.d; rm -rf /run/cni-before /var/lib/calico /usr/lib/cni/calico",
    code: "PS-D027",
    verdict: /The agent of the network does not answer on the node \(calico\)/,
  },
  {
    what: "a network without free addresses",
    node: 2,
    // Room for one Pod.
    last: `mkdir /run/cni-before; cp -a /etc/cni/net.d/. /run/cni-before
      sed -i 's|"subnet": *"[^"]*"|"subnet":"10.99.0.0/30"|; ${OTHER}' /etc/cni/net.d/*
      ${sandbox()}; until sh /run/doctor-again >/run/doctor-first 2>/dev/null; do :; done; ${fails()}`,
    remedy: /^Free addresses.*host-local keeps them in \/var\/lib\/cni\/networks/,
    mend: removed("$(cat /run/doctor-first)"),
    undo: `crictl rmp -f "$(cat /run/doctor-first)" >/dev/null 2>&1 || true; ${BEFORE}`,
    code: "PS-D028",
    verdict: /no free address for another Pod \(10\.99\.0\.\d/,
  },
  {
    what: "a bridge with the address of an earlier network",
    last: `mkdir /run/cni-before; cp -a /etc/cni/net.d/. /run/cni-before; sed -i '${OTHER}' /etc/cni/net.d/*
      ip link add cni9 type bridge; ip addr add 10.98.0.1/24 dev cni9; ${fails()}`,
    remedy: /^Run: (ip link delete cni9)\./,
    undo: BEFORE,
    code: "PS-D041",
    verdict: /The bridge cni9 is left over from another network/,
  },
  {
    what: "a bridge that an earlier failure has left without an address",
    tier: "long",
    node: 2,
    last: `mkdir /run/cni-before; cp -a /etc/cni/net.d/. /run/cni-before; sed -i '${OTHER}' /etc/cni/net.d/*
      mv /usr/lib/cni/host-local /usr/lib/cni/host-local.own; ${fails()}; mv /usr/lib/cni/host-local.own /usr/lib/cni/host-local
      ${FAILS}`,
    remedy: /^Run: ip link delete cni0, or the bridge that \/etc\/cni\/net\.d names/,
    mend: "ip link delete cni9",
    undo: BEFORE,
    code: "PS-D041",
    verdict: /The bridge of the network is left over from a failure/,
  },
];
