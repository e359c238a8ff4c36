/** The settings that there are: those that Pulumi.yaml declares. */
import * as pulumi from "@pulumi/pulumi";

import type { Problems } from "../components/problems";

/** Their names; a test compares them with Pulumi.yaml, which the package does not have. */
export const SETTINGS: readonly string[] = [
  "reference",
  "nodes",
  "nodesFrom",
  "gone",
  "requireAllNodes",
  "groups",
  "imageSource",
  "imageArchive",
  "mirrorOf",
  "imageDigest",
  "platforms",
  "alsoTags",
  "imagePublicKey",
  "imageSigningKey",
  "imageSigningPassword",
  "sourceUrl",
  "buildFromSource",
  "pushPlainHttp",
  "registryUsername",
  "registryPassword",
  "registryCa",
  "registryMirrors",
  "pullUsername",
  "pullPassword",
  "keepPullLogin",
  "registryPlainHttp",
  "sshUser",
  "sshPort",
  "sshPrivateKey",
  "sshPrivateKeyPassword",
  "sshPrivateKeyFile",
  "sshConfig",
  "knownHosts",
  "bastion",
  "maxUnavailable",
  "soakSeconds",
  "kubeletFlag",
  "selfHeal",
  "recheck",
  "reconcile",
  "dryRun",
  "bootSetup",
  "proof",
  "nginxImage",
  "appImage",
  "appPort",
  "namespace",
  "runtimeClasses",
  "kubeconfig",
  "kubeContext",
];

/** Notes each setting that nobody reads: a misspelt one would change nothing, without a word. */
export function checkNames(problems: Problems, config: pulumi.Config): void {
  const prefix = `${config.name}:`;
  const given = Object.keys(pulumi.runtime.allConfig()).filter((key) => key.startsWith(prefix));
  for (const name of given.map((key) => key.slice(prefix.length))) {
    if (!SETTINGS.includes(name)) problems.add(name, name, `the name of a setting; ${meant(name)}`);
  }
}

function meant(name: string): string {
  const [nearest] = SETTINGS.map((setting) => ({
    setting,
    far: distance(name.toLowerCase(), setting.toLowerCase()),
  })).sort((a, b) => a.far - b.far);
  return nearest !== undefined && nearest.far <= 3 ? `perhaps ${nearest.setting} is meant` : "Pulumi.yaml lists them";
}

/** How many letters to change, to add and to remove (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
