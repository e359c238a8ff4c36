/** An image that somebody else has pushed. Nothing is built or pushed, and every node checks the digest. */
import * as pulumi from "@pulumi/pulumi";
import { hostKeyOf, PauseImageSource, PauseSandbox } from "pause-sandbox";

const config = new pulumi.Config();
const knownHosts = config.require("knownHosts");

const connection = (host: string) => ({ host, user: "admin", hostKey: hostKeyOf(knownHosts, host) });

const sandbox = new PauseSandbox("pause", {
  image: {
    reference: "registry.example.com:5000/platform/pause:1.0.0",
    source: PauseImageSource.Existing,
    digest: config.require("digest"),
  },
  nodes: [
    { name: "worker-1", canary: true, connection: connection("10.50.0.11") },
    { name: "worker-2", connection: connection("10.50.0.12") },
  ],
});

export const digest = sandbox.digest;
export const nodes = sandbox.nodes;
