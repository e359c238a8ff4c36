import * as fs from "fs";
import * as path from "path";

import * as pulumi from "@pulumi/pulumi";
import { type ClusterNode, hostKeyOf, PauseSandbox } from "pause-sandbox";

const config = new pulumi.Config();
const user = config.get("sshUser");
const privateKey = config.getSecret("sshPrivateKey");
const knownHosts = fs.readFileSync(path.resolve(__dirname, config.require("knownHosts")), "utf8");

const toNode = (entry: string): ClusterNode => {
  const [name = "", host = ""] = entry.trim().split("=");
  return { name, connection: { host, user, privateKey, hostKey: hostKeyOf(knownHosts, host) } };
};

const sandbox = new PauseSandbox("pause", {
  image: { reference: config.require("reference") },
  nodes: config.require("nodes").split(",").map(toNode),
});

export const digest = sandbox.digest;
export const nodes = sandbox.nodes; // the report of each node: what it found, changed and verified
