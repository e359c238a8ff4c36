/** A cluster made by kubeadm, and a registry whose certificate a private authority has signed. */
import * as pulumi from "@pulumi/pulumi";
import { type ClusterNode, hostKeyOf, PauseSandbox, ProofScope } from "pause-sandbox";

const config = new pulumi.Config();
const knownHosts = config.require("knownHosts");
const privateKey = config.requireSecret("sshPrivateKey");

const node = (name: string, host: string, group: string): ClusterNode => ({
  name,
  group,
  connection: { host, hostKey: hostKeyOf(knownHosts, host), privateKey },
});

const sandbox = new PauseSandbox("pause", {
  image: {
    reference: "registry.internal.example:5000/platform/pause:1.0.0",
    login: { username: "platform-push", password: config.requireSecret("registryPassword") },
  },
  // Nodes trust it for this registry only.
  trust: { ca: config.require("registryCa") },
  nodes: [
    node("worker-1", "10.30.0.21", "workers"),
    node("worker-2", "10.30.0.22", "workers"),
    node("control-1", "10.30.0.11", "control-plane"),
  ],
  groups: [{ name: "workers", maxUnavailable: "25%" }, { name: "control-plane" }],
  proof: {
    scope: ProofScope.Every,
    nginxImage: "registry.internal.example:5000/library/nginx:1.29",
    appImage: "registry.internal.example:5000/platform/hello:1.0.0",
  },
});

export const digest = sandbox.digest;
export const nodes = sandbox.nodes;
export const pods = sandbox.pods;
