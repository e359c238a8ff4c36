/** A machine of the lab is one container: made from an image and some files, kept as long as it is as wanted. */
import { createHash } from "node:crypto";
import { container, copyInto, docker, type LabFile } from "./docker";
import { LABEL, NETWORK, SPEC_LABEL } from "./layout";

export interface Machine {
  container: string;
  role: "registry" | "control-plane" | "node";
  /** Reference of a local image; its tag is a fingerprint of the image's content. */
  image: string;
  ip: string;
  /** Further flags of `docker create`. */
  flags: string[];
  /** Instead of the image's own command. */
  command?: string[];
  /** Everything put into the container before its first start; part of the fingerprint. */
  files: LabFile[];
  /**
   * What differs between two containers made for the same purpose, as an SSH host key does: put in and labelled once,
   * at creation, and not part of the fingerprint.
   */
  identity?: () => { files: LabFile[]; labels: Record<string, string> };
  /** What the machine's state depends on beyond itself: a node does not survive the control plane it joined. */
  joined?: string;
}

/** What had to be done to have the machine as wanted and running. */
export type Outcome = "kept" | "started" | "created";

export interface Ensured {
  id: string;
  outcome: Outcome;
  labels: Record<string, string>;
}

/**
 * Makes the container exist as described, without starting a new one: so that all machines can be created, with
 * dependencies between them, and then boot at the same time. A container made from anything else is replaced.
 */
export async function ensureCreated(machine: Machine): Promise<Ensured> {
  const spec = fingerprint(machine);
  const found = await container(machine.container);
  if (found?.labels[SPEC_LABEL] === spec) {
    return { id: found.id, outcome: found.running ? "kept" : "started", labels: found.labels };
  }
  if (found && !(LABEL in found.labels)) {
    throw new Error(`a container named ${machine.container} exists that the lab did not make: remove or rename it`);
  }
  if (found) await removeContainer(found.id);
  return create(machine, spec);
}

/** Made under another name and renamed when complete: an interrupted run leaves no half-made machine of that name. */
async function create(machine: Machine, spec: string): Promise<Ensured> {
  const unfinished = await container(`${machine.container}-unfinished`);
  if (unfinished) await removeContainer(unfinished.id);
  const identity = machine.identity?.() ?? { files: [], labels: {} };
  const labels = { ...identity.labels, [LABEL]: machine.role, [SPEC_LABEL]: spec };
  const output = await docker([
    "create",
    ...["--name", `${machine.container}-unfinished`, "--hostname", machine.container.replace(`${NETWORK}-`, "")],
    ...["--network", NETWORK, "--ip", machine.ip],
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...machine.flags,
    machine.image,
    ...(machine.command ?? []),
  ]);
  const id = output.trim();
  await copyInto(id, [...machine.files, ...identity.files]);
  await docker(["rename", id, machine.container]);
  return { id, outcome: "created", labels };
}

export async function start(machine: Machine): Promise<void> {
  await docker(["start", machine.container]);
}

/** With its anonymous volumes: nothing of a machine outlives it. */
export async function removeContainer(id: string): Promise<void> {
  await docker(["rm", "--force", "--volumes", id]);
}

function fingerprint(machine: Machine): string {
  const { container: name, role, image, ip, flags, command, files, joined } = machine;
  const description = JSON.stringify({ name, role, image, ip, flags, command, files, joined });
  return createHash("sha256").update(description).digest("hex").slice(0, 16);
}
