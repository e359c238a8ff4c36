/** Kubeconfigs: how a client of the API server says who it is and checks whom it talks to. */
import { stringify } from "yaml";
import { apiServerUrl } from "./layout";
import type { KeyPair } from "./pki";

/** A self-contained kubeconfig: certificate, key and authority are in it. */
export function kubeconfig(user: string, ca: string, pair: KeyPair, server = apiServerUrl()): string {
  return render(user, ca, server, {
    "client-certificate-data": base64(pair.cert),
    "client-key-data": base64(pair.key),
  });
}

/** The form kubeadm gives a kubelet: one file holds certificate and key, so that both change at once. */
export function kubeconfigWithFile(user: string, ca: string, file: string): string {
  return render(user, ca, apiServerUrl(), { "client-certificate": file, "client-key": file });
}

function render(user: string, ca: string, server: string, credentials: Record<string, string>): string {
  const name = "pause-sandbox-lab";
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": base64(ca) } }],
    users: [{ name: user, user: credentials }],
    contexts: [{ name: `${user}@${name}`, context: { cluster: name, user } }],
    "current-context": `${user}@${name}`,
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
