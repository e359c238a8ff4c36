/** What goes wrong on nodes, made for real: how, what the doctor must say, and what heals the node. */
import type { Images } from "../../../support/nodes/images";
import type { Tier } from "../../../support/tier";
import type { Gates } from "../gates";

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
  /** Shell that takes back what CONFIGURE does not set again. It runs after {@link mend}, too. */
  readonly undo?: string;
  /** How far the clocks of everybody else are ahead of the node's, in seconds. Default: 0. */
  readonly lateSeconds?: number;
  /** From which tier on the stack that the doctor prints has to heal the node. Default: it cannot. */
  readonly heals?: Tier;
  /** What the remedy says, where it heals the node. A group in it is a command, which is run as it is printed. */
  readonly remedy?: RegExp;
  /** Shell behind that command: what the remedy asks a person to do. */
  readonly mend?: string;
  /**
   * From which tier on it is made. Default: all, where it is the one cause by which a fact of a real node shows. The others are judged
   * from facts that are simulated in tests/doctor, too.
   */
  readonly tier?: Tier;
  readonly code: string;
  readonly verdict: RegExp;
}

export const YEAR_SECONDS = 31_557_600;

export const DIR = "/etc/containerd/certs.d";
export const CONFIG = "/etc/containerd/config.toml";

/** Shell that names another sandbox image, and shell that makes containerd run with it. */
export const edited = (image: string): string =>
  `sed -i "s|sandbox_image = .*|sandbox_image = \\"${image}\\"|" ${CONFIG}`;
export const sandboxImage = (image: string): string => `${edited(image)}; systemctl restart containerd`;

/** Shell that describes a sandbox, and how it is started: each time as a new one of the same Pod. */
export const sandbox = (linux = "", options = ""): string =>
  `printf '{"metadata":{"name":"doctor","namespace":"lab","uid":"UID"},"log_directory":"/tmp","linux":{${linux}}}' >/run/doctor-one
  echo 'sed "s/UID/$(cat /proc/sys/kernel/random/uuid)/" /run/doctor-one >/run/doctor.json; crictl runp ${options} /run/doctor.json' >/run/doctor-again`;

/** Shell that has the runtime start a sandbox, which must fail. */
export const fails = (linux = "", options = ""): string => `${sandbox(linux, options)}; ${FAILS}`;
export const FAILS = "if sh /run/doctor-again >/dev/null 2>&1; then echo 'the sandbox has started' >&2; exit 1; fi";

/** Shell that removes a sandbox. The kubelet, which knows no such Pod, may have removed it a moment before. */
export const removed = (id: string): string =>
  `crictl rmp -f "${id}" >/dev/null || if crictl inspectp "${id}" >/dev/null 2>&1; then exit 1; fi`;

/** Shell that has the runtime start the sandbox that failed, else one as any, which must go well. */
export const STARTS = `[ -e /run/doctor-again ] || { ${sandbox()}; }
  id=$(sh /run/doctor-again); ${removed("$id")}`;

/** Shell that sets options of the handler runc. @param option A quoted line of TOML. */
export const runcOption = (option: string): string =>
  `printf '%s\\n' '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]' 'runtime_type = "io.containerd.runc.v2"' \
      '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]' ${option} >>${CONFIG}`;

/** Shell that restarts units. The causes come faster than the five starts in ten seconds that systemd allows. */
export const again = (units: string): string =>
  `systemctl reset-failed ${units} 2>/dev/null || true; systemctl restart ${units}`;
