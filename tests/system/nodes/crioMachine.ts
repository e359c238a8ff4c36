/** A machine of the lab whose runtime is CRI-O. */
import * as path from "node:path";

import { clusterAuthorities } from "../../../lab/cluster/authorities";
import { inContainer } from "../../../lab/cluster/docker";
import { ensureImage } from "../../../lab/cluster/images";
import { address, NETWORK } from "../../../lab/cluster/layout";
import { ensureCreated, type Machine, start } from "../../../lab/cluster/machine";
import { DOCKER_ROOTFS, rootFsImage } from "../../../lab/cluster/rootfs";
import { SYSTEMD_FLAGS } from "../../../lab/cluster/systemd";
import { waitFor } from "../../../lab/cluster/wait";
import type { Log } from "../../../lab/log";
import { CRIO } from "../../../lab/toolchain/versions";
import { HOSTS } from "../../support/nodes/machines";
import { getTools } from "./tools";

/** Beside the lab's nodes. @returns its container */
export async function crioMachine(log: Log, version = CRIO.newest): Promise<string> {
  await clusterAuthorities();
  const [directory = "", crictl = ""] = getTools(`crio@${version}`, "crictl");
  const programs = { bin: [path.join(directory, "crio"), path.join(directory, "pinns"), crictl] };
  const base = await ensureImage({ name: "machine", base: await rootFsImage(DOCKER_ROOTFS, log) }, log);
  const machine: Machine = {
    container: `${NETWORK}-crio`,
    role: "node",
    image: await ensureImage({ name: "crio", base, programs }, log),
    ip: address(HOSTS.crio),
    flags: [...SYSTEMD_FLAGS, "--volume", "/var/lib/containers"],
    files: [],
  };
  const { outcome } = await ensureCreated(machine);
  if (outcome !== "kept") await start(machine);
  await waitFor({
    what: "CRI-O answers",
    timeoutSeconds: 60,
    missing: () =>
      inContainer(machine.container, ["crictl", "version"]).then(
        () => undefined,
        () => "it does not yet",
      ),
    explain: () => inContainer(machine.container, ["journalctl", "-u", "crio", "--no-pager", "-n", "30"]),
  });
  return machine.container;
}
