/** Files and units that a machine gets before its first boot. With them its node is healed before any sandbox starts. */
import { createHash } from "node:crypto";

import { renderStdin } from "../node/nodeScript";
import { BOOT_NAMES, type NodeSettings } from "../node/nodeSettings";

/** What a machine that does not exist yet is to be. It has no name yet, and no stack that manages it. */
export interface BootSettings extends Omit<NodeSettings, "node" | "owner"> {
  /**
   * Put the login for the registry into user data, where whoever may read the instance's metadata reads it.
   * @default false
   */
  allowLoginInUserData?: boolean;
  /**
   * An https URL where the machine finds the program, for platforms whose user data has no room for it.
   * @default the program is a part of the payload
   */
  programUrl?: string;
}

export interface BootFile {
  path: string;
  mode: number;
  content: string;
}

/**
 * Where the program lies. Wherever machines are made from images, /etc is writable, and updates of the system keep it.
 * /usr is read-only on Flatcar, and /usr/local with it. /run goes at each boot. A file that `sh` reads needs no
 * place where programs may be executed.
 */
export const PROGRAM = "/etc/pause-sandbox/node";

export const BOOT_UNIT = "pause-sandbox-boot.service";
export const RETRY_UNIT = "pause-sandbox-retry.service";

/** What runs as root on the machine: the transaction and its settings. Names no node and no owner. */
export function bootProgram(settings: BootSettings): string {
  const { image } = settings;
  const own = Object.fromEntries(BOOT_NAMES.map((name) => [name, settings[name as keyof BootSettings]]));
  return renderStdin({ ...own, image }, { plans: false });
}

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The first line of the program. The script of later versions reads there what this one locks; a program of 0.1.0 has no such line. */
const LOCKS = "# Locks /run/pause-sandbox.";

/** The file that the units run, which only root reads: it may hold a login. */
export function programFile(settings: BootSettings): BootFile {
  const { programUrl } = settings;
  const program = bootProgram(settings);
  const content = programUrl === undefined ? program : fetcher(programUrl, program);
  return { path: PROGRAM, mode: 0o600, content: `${LOCKS}\n${content}` };
}

/** The two units. They are no secret, and hold none. */
export function unitFiles(): BootFile[] {
  const units: [string, string][] = [
    [BOOT_UNIT, bootUnit],
    [RETRY_UNIT, retryUnit],
  ];
  return units.map(([name, content]) => ({ path: `/etc/systemd/system/${name}`, mode: 0o644, content }));
}

/** Kept once it was fetched, so that no boot but the first needs the network for it. */
const fetcher = (
  url: string,
  program: string,
): string => `# Fetches the program that has this node use its own sandbox image, and runs it.
set -eu
umask 077
program=/etc/pause-sandbox/program
is_it() { echo "${sha256(program)}  $1" | sha256sum -c >/dev/null 2>&1; }
if ! is_it "$program"; then
  curl -fsS --connect-timeout 10 --max-time 60 -o "$program.$$" '${url}'
  if ! is_it "$program.$$"; then
    rm -f "$program.$$"
    echo 'programUrl gives another program than the one that this machine was made with: upload that one again' >&2
    exit 3
  fi
  mv "$program.$$" "$program"
fi
exec sh "$program" "$@"
`;

const runtimes = "containerd.service crio.service docker.service cri-docker.service";
/** They start kubelet and runtime as one, and have to run before their files can be changed. */
const distributions = "k3s.service k3s-agent.service rke2-server.service rke2-agent.service";

/**
 * Pulled in by each start of the kubelet, and ordered before it. So it needs to know nothing of when kubelet and runtime are
 * installed, or who joins the node. kubeadm and nodeadm write configuration, and then start the kubelet. What they wrote is
 * healed in between. The kubelet only wants it: it starts even if this fails.
 */
const bootUnit = `[Unit]
Description=Have this node use its own sandbox image
Wants=network-online.target
After=network-online.target ${runtimes} ${distributions}
Before=kubelet.service
OnFailure=${RETRY_UNIT}
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/sh ${PROGRAM} apply
# The kubelet does not wait longer than this; a run that is stopped undoes what it did.
TimeoutStartSec=180
TimeoutStopSec=90

[Install]
WantedBy=kubelet.service ${distributions}
`;

/**
 * A unit of its own, because nothing may wait for it, and because systemd before 244 restarts no oneshot.
 */
const retryUnit = `[Unit]
Description=Try again to have this node use its own sandbox image
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStart=/bin/sh ${PROGRAM} apply
Restart=on-failure
RestartSec=30
TimeoutStopSec=90
`;
