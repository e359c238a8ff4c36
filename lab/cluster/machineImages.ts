/** The images that the lab's machines are made from, one after another: they share a base and two cores. */
import * as path from "node:path";
import type { Log } from "../log";
import { ensureImage } from "./images";
import { nodePlans, type NodePlan } from "./layout";
import { MACHINE_ROOTFS, rootFsImage } from "./rootfs";
import { clusterTools, containerdDirectory, kubeletProgram, type ClusterTools } from "./tools";

export interface MachineImages {
  registry: string;
  controlPlane: string;
  /** By the node's name. */
  nodes: Record<string, string>;
}

export async function machineImages(log: Log): Promise<MachineImages> {
  const tools = await clusterTools(log);
  const rootfs = await rootFsImage(MACHINE_ROOTFS, log);
  const base = await ensureImage({ name: "machine", base: rootfs }, log);
  const { apiServer, controllerManager, scheduler } = tools;
  const programs = { bin: [apiServer, controllerManager, scheduler] };
  const controlPlane = await ensureImage({ name: "control-plane", base, programs }, log);
  const nodes: Record<string, string> = {};
  for (const plan of nodePlans()) nodes[plan.name] = await nodeImage(plan, base, tools, log);
  // The registry is a plain process: it needs the file system only.
  return { registry: rootfs, controlPlane, nodes };
}

async function nodeImage(plan: NodePlan, base: string, { crictl }: ClusterTools, log: Log): Promise<string> {
  const bin = [await kubeletProgram(plan.kubelet, log), crictl];
  const programs = { bin, containerd: await containerdPrograms(plan.containerd, log) };
  return ensureImage({ name: "node", base, programs }, log);
}

/** None for Debian's own containerd: the base has it. */
async function containerdPrograms({ version, source }: NodePlan["containerd"], log: Log): Promise<string[]> {
  if (source === "debian") return [];
  const directory = await containerdDirectory(version, log);
  return ["containerd", "containerd-shim-runc-v2", "ctr"].map((program) => path.join(directory, program));
}
