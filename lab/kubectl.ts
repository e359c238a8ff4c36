/** Asks the lab's cluster, with the admin's certificate. */
import * as path from "node:path";

import type { LabInfo } from "./cluster";
import { exec } from "./cluster/exec";
import { TREE } from "./cluster/layout";

let binary: Promise<string> | undefined;

/** Standard output of `kubectl args…`. */
export async function kubectl(lab: LabInfo, args: string[], input?: string): Promise<string> {
  binary ??= exec(path.join(TREE, "lab/toolchain/get"), ["kubectl"]).then((out) => out.trim());
  return exec(await binary, ["--kubeconfig", lab.kubeconfig, ...args], { input });
}

/** The object or list that `kubectl get args… -o json` prints. */
export async function get<T>(lab: LabInfo, args: string[]): Promise<T> {
  return JSON.parse(await kubectl(lab, ["get", ...args, "-o", "json"])) as T;
}

/** As much of a Pod as the lab reads. */
export interface Pod {
  metadata: { name: string; uid: string };
  spec: { nodeName?: string; runtimeClassName?: string; containers: { image: string }[] };
  status: { podIP?: string; conditions?: { type: string; status: string }[]; containerStatuses?: unknown };
}

export function isReady(pod: Pod): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

/**
 * Waits until `check` returns something else than undefined, asking again every half second.
 * @throws Error naming what was waited for, once `timeoutSeconds` have passed.
 */
export async function until<T>(what: string, timeoutSeconds: number, check: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${timeoutSeconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
