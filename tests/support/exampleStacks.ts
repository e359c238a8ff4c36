/** The examples as stacks: their settings, as their READMEs say them, and what comes out under mocks. */
import * as assert from "assert";
import * as path from "path";

import * as pulumi from "@pulumi/pulumi";

import type { NodeReport } from "../../components";
import { type Registered, run } from "./mocks";
import { configure, type Settings } from "./stackFiles";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";

const CA = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/** A known_hosts file with a key for each of these hosts. */
const knownHosts = (...hosts: string[]): string => hosts.map((host) => `${host} ${KEY}\n`).join("");

/** Hosts `<network>.11` and so on. */
const inNetwork = (network: string, ...numbers: number[]) => knownHosts(...numbers.map((one) => `${network}.${one}`));

/** By the name of the example. */
export const SETTINGS: Record<string, Settings> = {
  "bare-metal": {
    knownHosts: knownHosts("bastion.example.com") + inNetwork("10.20.0", 11, 12, 13),
    sshPrivateKey: "a key",
  },
  "kubeadm-private-ca": {
    knownHosts: inNetwork("10.30.0", 11, 21, 22),
    sshPrivateKey: "a key",
    registryCa: CA,
    registryPassword: "a password",
  },
  "mirror-upstream": { knownHosts: inNetwork("10.40.0", 11, 12) },
  "existing-image": { knownHosts: inNetwork("10.50.0", 11, 12), digest: `sha256:${"1".repeat(64)}` },
  "cri-o": { knownHosts: inNetwork("10.60.0", 11, 12), registryPassword: "a password", pullPassword: "another" },
  k3s: { knownHosts: inNetwork("10.70.0", 11, 12, 13, 21, 22) },
  autoscaled: { registryCa: CA },
  "many-clusters": {
    knownHosts: inNetwork("10.80.0", 11) + inNetwork("10.90.0", 11, 12),
    sshPrivateKey: "a key",
  },
};

/** The outputs of an example, once they are known. */
export interface Outputs {
  nodes?: Record<string, NodeReport>;
  digest?: string;
  pods?: string[];
}

const previewed = new Map<string, ReturnType<typeof start>>();

/** What an example registers, and its outputs. A program runs when it is loaded, so it runs once for all tests. */
export function preview(name: string): ReturnType<typeof start> {
  const result = previewed.get(name) ?? start(name);
  previewed.set(name, result);
  return result;
}

async function start(name: string): Promise<{ registered: Registered[]; outputs: Outputs }> {
  let outputs: Outputs | undefined;
  const registered = await run(async () => {
    configure(SETTINGS[name] ?? {});
    const program = (await import(path.join(__dirname, "../../examples", name, "index.ts"))) as Outputs;
    return pulumi.output({ ...program }).apply((values) => (outputs = values as Outputs));
  });
  assert.ok(outputs, "the program ended with outputs");
  return { registered, outputs };
}
