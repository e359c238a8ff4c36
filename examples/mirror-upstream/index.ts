/** Upstream's pause, copied into the own registry: byte for byte, with every platform, Windows among them. */
import * as pulumi from "@pulumi/pulumi";
import { hostKeyOf, PauseImageSource, PauseSandbox } from "pause-sandbox";

const config = new pulumi.Config();
const knownHosts = config.require("knownHosts");

const connection = (host: string) => ({ host, user: "admin", hostKey: hostKeyOf(knownHosts, host) });

const sandbox = new PauseSandbox("pause", {
  image: {
    reference: "registry.example.com:5000/mirror/pause:3.10",
    source: PauseImageSource.Mirror,
    mirrorOf: "registry.k8s.io/pause:3.10",
  },
  nodes: [
    { name: "worker-1", canary: true, connection: connection("10.40.0.11") },
    { name: "worker-2", connection: connection("10.40.0.12") },
  ],
});

export const digest = sandbox.digest;
export const nodes = sandbox.nodes;
