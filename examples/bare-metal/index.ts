/** Bare-metal nodes behind a bastion. Their host keys come from a known_hosts file. */
import * as pulumi from "@pulumi/pulumi";
import { hostKeyOf, PauseSandbox, type SshHost } from "pause-sandbox";

const config = new pulumi.Config();
const knownHosts = config.require("knownHosts");
const privateKey = config.requireSecret("sshPrivateKey");

const login = (host: string): SshHost => ({
  host,
  user: "provisioner",
  privateKey,
  hostKey: hostKeyOf(knownHosts, host),
});

const bastion = login("bastion.example.com");

const sandbox = new PauseSandbox("pause", {
  image: { reference: "registry.example.com:5000/platform/pause:1.0.0" },
  nodes: [
    { name: "metal-1", canary: true, connection: { ...login("10.20.0.11"), bastion } },
    { name: "metal-2", connection: { ...login("10.20.0.12"), bastion } },
    { name: "metal-3", connection: { ...login("10.20.0.13"), bastion } },
  ],
  maxUnavailable: "2",
});

export const digest = sandbox.digest;
export const nodes = sandbox.nodes;
