/** Who trusts whom in the lab: one authority for each circle, so that a certificate opens the door it was made for. */
import * as path from "node:path";
import { writeAtomic } from "./files";
import { labDir } from "./layout";
import { authority, signingKey, type Authority, type KeyPair } from "./pki";

export interface ClusterAuthorities {
  /** Signs the registry's certificate only; nodes learn of it from the program, which is what the lab is about. */
  registry: Authority;
  /** Signs the API server, the kubelets and all their clients. */
  kubernetes: Authority;
  /** Signs for etcd, apart: whoever holds a certificate of the cluster must not read its secrets from there. */
  etcd: Authority;
  serviceAccountKey: string;
  admin: KeyPair;
}

export async function clusterAuthorities(): Promise<ClusterAuthorities> {
  const directory = path.join(labDir(), "pki");
  const [registry, kubernetes, etcd, serviceAccountKey] = await Promise.all([
    authority(directory, "registry-ca"),
    authority(directory, "kubernetes-ca"),
    authority(directory, "etcd-ca"),
    signingKey(directory, "service-accounts"),
  ]);
  await writeAtomic(registryCaFile(), registry.cert, 0o644);
  // The group that RBAC cannot lock out: this kubeconfig repairs anything, and never leaves the machine.
  const admin = await kubernetes.issue({
    name: "admin",
    commonName: "lab-admin",
    organization: "system:masters",
    usages: ["client"],
  });
  return { registry, kubernetes, etcd, serviceAccountKey, admin };
}

export function registryCaFile(): string {
  return path.join(labDir(), "pki", "ca.crt");
}
