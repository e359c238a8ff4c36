/** The proof, read back from the cluster, the nodes and the registry; nothing here asks the program what it did. */
import Table from "cli-table3";
import * as fs from "node:fs";
import * as https from "node:https";

import type { LabInfo } from "./cluster";
import { exec } from "./cluster/exec";
import { stuckPod } from "./failure";
import { get, isReady, kubectl, type Pod, until } from "./kubectl";
import { parseReference } from "../components/registry/reference";

/** What was seen on one node. */
export interface NodeProof {
  node: string;
  containerd: string;
  /** Image of the sample Pod's sandbox container, as the runtime has it. */
  sandboxImage: string;
  /** Digest of that image on the node. */
  digest: string;
  pinned: boolean;
  /** `v1.34.2`. */
  kubelet: string;
  /** As the running kubelet has it on its command line; empty where it has none. */
  kubeletFlag: string;
  stuckPodReady: boolean;
  samplePodReady: boolean;
  /** What nginx answers for the app. */
  answer: string;
  /** Process 1 in the app's container. */
  pid1: string;
}

type LabNode = LabInfo["nodes"][number];

const FLAG = "--pod-infra-container-image";

/** The flag is in no kubelet from 1.35 on, and one that finds it there does not start. */
const knowsFlag = (version: string): boolean => Number(version.split(".")[1]) < 35;

const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/** Looks at every node once its Pods are Ready. */
export async function prove(lab: LabInfo): Promise<NodeProof[]> {
  return Promise.all(lab.nodes.map((node) => proveNode(lab, node)));
}

async function proveNode(lab: LabInfo, node: LabNode): Promise<NodeProof> {
  const sample = await until(`the sample Pod on ${node.name} to be Ready`, 120, () => samplePod(lab, node.name));
  const stuck = await until(`Pod ${stuckPod(node.name)} to be Ready`, 120, async () => {
    const pod = await get<Pod>(lab, ["pod", stuckPod(node.name)]);
    return isReady(pod) ? pod : undefined;
  });
  const inApp = (...command: string[]): Promise<string> =>
    kubectl(lab, ["exec", sample.metadata.name, "-c", "app", "--", ...command]);
  const image = await sandboxImage(node, sample);
  const { status } = JSON.parse(await onNode(node, "crictl", "inspecti", image)) as {
    status: { repoDigests: string[]; pinned?: boolean };
  };
  const words = (await onNode(node, "sh", "-c", "tr '\\0' '\\n' < /proc/$(pidof kubelet)/cmdline")).split("\n");
  return {
    node: node.name,
    containerd: (await onNode(node, "containerd", "--version")).trim().split(/\s+/)[2] ?? "",
    sandboxImage: image,
    digest: status.repoDigests[0]?.split("@")[1] ?? "none",
    pinned: status.pinned === true,
    kubelet: (await onNode(node, "kubelet", "--version")).trim().split(/\s+/)[1] ?? "",
    kubeletFlag: words.filter((word) => word.startsWith(FLAG)).join(" "),
    stuckPodReady: isReady(stuck),
    samplePodReady: isReady(sample),
    answer: (await inApp("wget", "-q", "-O", "-", "http://127.0.0.1:80/")).trim(),
    pid1: (await inApp("cat", "/proc/1/cmdline")).replaceAll("\0", " ").trim(),
  };
}

function onNode(node: LabNode, ...command: string[]): Promise<string> {
  return exec("docker", ["exec", node.container, ...command]);
}

/** The image that a Pod's sandbox container runs on, as the node's runtime has it. */
export async function sandboxImage(node: LabNode, pod: Pod): Promise<string> {
  const sandbox = await onNode(node, "crictl", "pods", "-q", "--label", `io.kubernetes.pod.uid=${pod.metadata.uid}`);
  const { info } = JSON.parse(await onNode(node, "crictl", "inspectp", sandbox.trim())) as { info: { image: string } };
  return info.image;
}

async function samplePod(lab: LabInfo, node: string): Promise<Pod | undefined> {
  const { items } = await get<{ items: Pod[] }>(lab, ["pods", "-l", "app=pause-sandbox-localhost"]);
  return items.find((pod) => pod.spec.nodeName === node && isReady(pod));
}

/** The digest that the registry has for a reference, asked over TLS with the lab's authority. */
export function registryDigest(lab: LabInfo, reference: string): Promise<string> {
  const { registry, repository, tag } = parseReference(reference);
  const options = {
    method: "HEAD",
    ca: fs.readFileSync(lab.registry.caFile),
    headers: { Accept: MANIFESTS.join(", ") },
  };
  return new Promise((resolve, reject) => {
    const request = https.request(`https://${registry}/v2/${repository}/manifests/${tag}`, options, (response) => {
      const digest = response.headers["docker-content-digest"];
      response.resume();
      if (response.statusCode === 200 && typeof digest === "string") resolve(digest);
      else reject(new Error(`registry ${registry} answers ${response.statusCode ?? 0} for ${reference}`));
    });
    request.on("error", reject);
    request.end();
  });
}

/** What is wrong with the proof, one sentence each; empty if everything is as it should be. */
export function faults(proofs: NodeProof[], reference: string, digest: string): string[] {
  return proofs.flatMap((p) => {
    const wrong = (what: string, is: string, should: string): string[] =>
      is === should ? [] : [`${p.node}: ${what} is ${is}, not ${should}`];
    return [
      ...wrong("the sandbox image", p.sandboxImage, reference),
      ...wrong("its digest", p.digest, digest),
      ...wrong("pinned", String(p.pinned), "true"),
      ...wrong("the kubelet's flag", p.kubeletFlag, knowsFlag(p.kubelet) ? `${FLAG}=${reference}` : ""),
      ...wrong("the answer through nginx", p.answer, "Hello Docker World"),
      ...wrong("PID 1 in the app", p.pid1, "/pause"),
    ];
  });
}

/** The proof as a table, one column per node. */
export function proofTable(proofs: NodeProof[]): string {
  const table = new Table({ head: ["", ...proofs.map(({ node }) => node)], style: { head: [], border: [] } });
  const row = (title: string, value: (p: NodeProof) => string): number => table.push([title, ...proofs.map(value)]);
  row("containerd", (p) => p.containerd);
  row("sandbox image", (p) => p.sandboxImage);
  row("digest", (p) => `${p.digest.slice(0, 26)}…`);
  row("pinned", (p) => (p.pinned ? "yes" : "no"));
  row("kubelet", (p) => p.kubelet);
  row("the kubelet's flag", (p) => p.kubeletFlag.replace("=", "=\n") || "not in this kubelet (from 1.35)");
  row("Pod that was stuck", (p) => (p.stuckPodReady ? "Ready" : "not Ready"));
  row("sample Pod", (p) => (p.samplePodReady ? "Ready" : "not Ready"));
  row("through nginx", (p) => p.answer);
  row("PID 1 in the app", (p) => p.pid1);
  return table.toString();
}
