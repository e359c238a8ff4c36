/** A machine of the lab whose runtime is docker behind cri-dockerd, with a kubelet that stands alone. */
import * as path from "node:path";

import { inContainer } from "../../../lab/cluster/docker";
import { ensureImage } from "../../../lab/cluster/images";
import { address, INTERCEPTED_HOSTS, KUBERNETES, NETWORK, registryIp, TREE } from "../../../lab/cluster/layout";
import { ensureCreated, type Machine, start } from "../../../lab/cluster/machine";
import { DOCKER_ROOTFS, rootFsImage } from "../../../lab/cluster/rootfs";
import { SYSTEMD_FLAGS } from "../../../lab/cluster/systemd";
import { waitFor } from "../../../lab/cluster/wait";
import type { Log } from "../../../lab/log";
import { HOSTS } from "../../support/nodes/machines";
import { getTools } from "./tools";

/** Beside the lab's nodes. @returns its container */
export async function dockerMachine(log: Log): Promise<string> {
  const bin = getTools("cri-dockerd@0.4.3", `kubelet@${KUBERNETES}`, "crictl@1.34.0");
  // runc's wrapper is the one of the node with CRI-O: what a machine in a container may not do is the same.
  const programs = { bin, shims: [path.join(TREE, "lab/images/crio/runc-lab")] };
  const base = await ensureImage({ name: "machine", base: await rootFsImage(DOCKER_ROOTFS, log) }, log);
  const machine: Machine = {
    container: `${NETWORK}-docker`,
    role: "node",
    image: await ensureImage({ name: "cri-dockerd", base, programs }, log),
    ip: address(HOSTS.docker),
    flags: [
      ...SYSTEMD_FLAGS,
      // Overlay on overlay does not work: images, containers and Pods need a plain file system.
      ...["/var/lib/docker", "/var/lib/kubelet"].flatMap((directory) => ["--volume", directory]),
      ...INTERCEPTED_HOSTS.flatMap((host) => ["--add-host", `${host}:${registryIp()}`]),
    ],
    files: [],
  };
  const { outcome } = await ensureCreated(machine);
  if (outcome !== "kept") await start(machine);
  await waitFor({
    what: "cri-dockerd answers",
    timeoutSeconds: 60,
    missing: () =>
      inContainer(machine.container, ["crictl", "version"]).then(
        () => undefined,
        () => "it does not yet",
      ),
    explain: () =>
      inContainer(machine.container, ["journalctl", "-u", "docker", "-u", "cri-docker", "--no-pager", "-n", "30"]),
  });
  return machine.container;
}
