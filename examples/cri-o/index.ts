/** Nodes on CRI-O, and a registry that lets nobody pull without a login. */
import * as pulumi from "@pulumi/pulumi";
import { hostKeyOf, PauseSandbox } from "pause-sandbox";

const config = new pulumi.Config();
const knownHosts = config.require("knownHosts");

const connection = (host: string) => ({ host, user: "core", hostKey: hostKeyOf(knownHosts, host) });

const sandbox = new PauseSandbox("pause", {
  image: {
    reference: "registry.example.com:5000/platform/pause:1.0.0",
    login: { username: "platform-push", password: config.requireSecret("registryPassword") },
  },
  // A user that may pull this one image: the login lies on every node.
  trust: { login: { username: "platform-pull", password: config.requireSecret("pullPassword") } },
  nodes: [
    { name: "crio-1", canary: true, connection: connection("10.60.0.11") },
    { name: "crio-2", connection: connection("10.60.0.12") },
  ],
});

export const digest = sandbox.digest;
export const nodes = sandbox.nodes;
