/** Settings for the examples, as their READMEs say them. */
import type { Settings } from "./stackFiles";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";

export const CA = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

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
