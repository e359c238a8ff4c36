/** Machines of the lab whose runtime is docker: behind cri-dockerd, or behind the kubelet itself, as up to 1.23. */
import * as path from "node:path";

import { inContainer } from "../../../lab/cluster/docker";
import { ensureImage } from "../../../lab/cluster/images";
import { address, INTERCEPTED_HOSTS, NETWORK, registryIp, TREE } from "../../../lab/cluster/layout";
import { ensureCreated, type Machine, start } from "../../../lab/cluster/machine";
import { DOCKER_ROOTFS, rootFsImage } from "../../../lab/cluster/rootfs";
import { SYSTEMD_FLAGS } from "../../../lab/cluster/systemd";
import { waitFor } from "../../../lab/cluster/wait";
import type { Log } from "../../../lab/log";
import { KUBELET } from "../../../lab/toolchain/versions";
import { HOSTS } from "../../support/nodes/machines";
import { getTools } from "./tools";

export type DockerKind = "cri-dockerd" | "dockershim";

const KINDS: Record<DockerKind, { machine: string; host: number; tools: string[] }> = {
  "cri-dockerd": {
    machine: "docker",
    host: HOSTS.docker,
    tools: ["cri-dockerd", `kubelet@${KUBELET.flagged}`, "crictl"],
  },
  dockershim: {
    machine: "dockershim",
    host: HOSTS.dockershim,
    tools: [`kubelet@${KUBELET.dockershim}`, "crictl-v1alpha2"],
  },
};

/** Beside the lab's nodes. @returns its container */
export async function dockerMachine(log: Log, kind: DockerKind = "cri-dockerd"): Promise<string> {
  const { machine: name, host, tools } = KINDS[kind];
  const machine: Machine = {
    container: `${NETWORK}-${name}`,
    role: "node",
    image: await ensureImage({ name: kind, base: await dockerImage(log), programs: { bin: getTools(...tools) } }, log),
    ip: address(host),
    flags: [
      ...SYSTEMD_FLAGS,
      // Overlay on overlay does not work: images, containers and Pods need a plain file system.
      ...["/var/lib/docker", "/var/lib/kubelet"].flatMap((directory) => ["--volume", directory]),
      ...INTERCEPTED_HOSTS.flatMap((registry) => ["--add-host", `${registry}:${registryIp()}`]),
    ],
    files: [],
  };
  const { outcome } = await ensureCreated(machine);
  if (outcome !== "kept") await start(machine);
  await waitFor({
    what: `${kind} answers`,
    timeoutSeconds: 60,
    missing: () =>
      inContainer(machine.container, ["crictl", "version"]).then(
        () => undefined,
        () => "it does not yet",
      ),
    explain: () =>
      inContainer(machine.container, ["journalctl", "-u", "docker", "-u", "cri-docker", "-u", "kubelet", "-n", "30"]),
  });
  return machine.container;
}

async function dockerImage(log: Log): Promise<string> {
  const base = await ensureImage({ name: "machine", base: await rootFsImage(DOCKER_ROOTFS, log) }, log);
  // runc's wrapper is the one of the node with CRI-O: what a machine in a container may not do is the same.
  const programs = { shims: [path.join(TREE, "lab/images/crio/runc-lab")] };
  return ensureImage({ name: "docker", base, programs }, log);
}
