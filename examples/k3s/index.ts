/** A k3s cluster: its servers one after the other, then its agents. */
import * as pulumi from "@pulumi/pulumi";
import { type ClusterNode, hostKeyOf, PauseSandbox } from "pause-sandbox";

const config = new pulumi.Config();
const knownHosts = config.require("knownHosts");

const node = (name: string, host: string, group: string): ClusterNode => ({
  name,
  group,
  connection: { host, hostKey: hostKeyOf(knownHosts, host) },
});

const sandbox = new PauseSandbox("pause", {
  image: { reference: "registry.example.com:5000/platform/pause:1.0.0" },
  // Goes into registries.yaml. Leave it out where you have written that file yourself.
  trust: { mirrors: ["https://mirror.example.com:5000"] },
  nodes: [
    node("server-1", "10.70.0.11", "servers"),
    node("server-2", "10.70.0.12", "servers"),
    node("server-3", "10.70.0.13", "servers"),
    node("agent-1", "10.70.0.21", "agents"),
    node("agent-2", "10.70.0.22", "agents"),
  ],
  groups: [{ name: "servers" }, { name: "agents", maxUnavailable: "50%" }],
});

export const digest = sandbox.digest;
export const nodes = sandbox.nodes;
