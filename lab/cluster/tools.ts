/** Programs that Debian does not have, as lab/toolchain/get provides them. */
import * as path from "node:path";
import type { Log } from "../log";
import { exec } from "./exec";
import { TREE } from "./layout";

export interface ClusterTools {
  apiServer: string;
  controllerManager: string;
  scheduler: string;
  kubectl: string;
  crictl: string;
}

/** Programs of the Kubernetes cluster; what is not there yet gets downloaded or built, which may take minutes. */
export async function clusterTools(log: Log): Promise<ClusterTools> {
  const wanted = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "crictl"];
  const [apiServer, controllerManager, scheduler, kubectl, crictl] = await get(wanted, log);
  return {
    apiServer: need(apiServer),
    controllerManager: need(controllerManager),
    scheduler: need(scheduler),
    kubectl: need(kubectl),
    crictl: need(crictl),
  };
}

/** The kubelet of that version. */
export async function kubeletProgram(version: string, log: Log): Promise<string> {
  const [program] = await get([`kubelet@${version}`], log);
  return need(program);
}

/** Directory with containerd, its shim and ctr in that version. */
export async function containerdDirectory(version: string, log: Log): Promise<string> {
  const [directory] = await get([`containerd@${version}`], log);
  return need(directory);
}

async function get(tools: string[], log: Log): Promise<string[]> {
  const program = path.join(TREE, "lab", "toolchain", "get");
  const output = await exec(program, tools, {
    onStderr: (line) => {
      log.info(line);
    },
  });
  return output.split("\n").filter(Boolean);
}

function need(file: string | undefined): string {
  if (!file) throw new Error("lab/toolchain/get printed fewer paths than tools were asked for");
  return file;
}
