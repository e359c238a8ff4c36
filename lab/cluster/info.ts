/** What the lab tells the programs that use it: `lab.json` in the lab's directory. */
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { registryCaFile } from "./authorities";
import { writeAtomic } from "./files";
import { HOST_KEY_LABEL, labDir, nodePlans, registryHost } from "./layout";
import type { Ensured } from "./machine";
import { sshKeyFile } from "./nodes";

/** A node, with all that an SSH client needs to reach it and to know that it is the right one. */
export interface LabNode {
  name: string;
  host: string;
  port: number;
  /** `ssh-ed25519 AAAA…`, changed when the node was recreated. */
  hostKey: string;
  /** Name of the container that plays this node, for looking at it from outside. */
  container: string;
  /** Version of containerd. */
  containerd: string;
}

export interface LabInfo {
  registry: { host: string; caFile: string };
  kubeconfig: string;
  ssh: { user: string; privateKeyFile: string };
  nodes: LabNode[];
  /** References of the sample Pod's images in the lab's registry. */
  images: { nginx: string; app: string };
}

export function adminKubeconfigFile(): string {
  return path.join(labDir(), "admin.kubeconfig");
}

/** References of the images that Docker Hub would serve elsewhere. */
export function workloadReferences(): LabInfo["images"] {
  return { nginx: `${registryHost()}/lab/nginx:1`, app: `${registryHost()}/lab/${appImageName()}:1` };
}

/** Name of the sample app's image, also its directory under lab/images: `APP=spring` chooses the Spring Boot one. */
function appImageName(): "app" | "spring" {
  const chosen = process.env["APP"] ?? "";
  if (chosen !== "" && chosen !== "spring") {
    throw new Error(`APP is "${chosen}": leave it out, or choose the Spring Boot application with APP=spring`);
  }
  return chosen === "spring" ? "spring" : "app";
}

function labFile(): string {
  return path.join(labDir(), "lab.json");
}

export function labStands(): boolean {
  return existsSync(labFile());
}

/** Description of the lab that stands; fails with what to do when none does. */
export function readLab(): LabInfo {
  try {
    return JSON.parse(readFileSync(labFile(), "utf8")) as LabInfo;
  } catch (error) {
    throw new Error(`no lab stands here (${labFile()} cannot be read): run make up`, { cause: error });
  }
}

export async function writeLab(nodes: Ensured[]): Promise<LabInfo> {
  const info: LabInfo = {
    registry: { host: registryHost(), caFile: registryCaFile() },
    kubeconfig: adminKubeconfigFile(),
    ssh: { user: "root", privateKeyFile: sshKeyFile() },
    nodes: nodePlans().map((plan, index) => ({
      name: plan.name,
      host: plan.ip,
      port: 22,
      hostKey: nodes[index]?.labels[HOST_KEY_LABEL] ?? "",
      container: plan.container,
      containerd: plan.containerd.version,
    })),
    images: workloadReferences(),
  };
  await writeAtomic(labFile(), `${JSON.stringify(info, null, 2)}\n`, 0o644);
  return info;
}
