/** The stack's file that would heal what was found. */
import { stringify } from "yaml";

import type { Diagnosis } from "./finding";
import type { Host } from "../components/host";

const HEAD = `# What pause-sandbox doctor found, as the settings of a stack. Read them before you use them: a certificate
# that a network shows may be anybody's. Check its fingerprint with whoever runs the registry.
#
# \`proof: none\` starts no sample Pod. Choose one by nginxImage and appImage, and take that line out.
`;

/** No PEM, so that no run takes it for one. */
const ASK_FOR_CA = "the certificate of the registry's authority as PEM: ask the administrator of the registry";

/** How to log in to a host, in a stack's words. */
export interface SshLogin extends Host {
  /** Path of the file that has the host's key. */
  readonly knownHosts?: string;
}

/**
 * One file for all nodes: they are to have the same image.
 * @param logins By the `host` of a diagnosis. Default: the host alone.
 * @returns the text of stacks/Pulumi.<stack>.yaml
 */
export function healingConfig(
  diagnoses: readonly Diagnosis[],
  logins: ReadonlyMap<string, SshLogin> = new Map(),
): string {
  const ways = diagnoses.map(({ host }): SshLogin => logins.get(host) ?? { host });
  const found = diagnoses.flatMap(({ findings }) => findings);
  const has = (code: string) => found.some((one) => one.code === code);
  const seen = [...new Set(found.flatMap((one) => one.ca ?? []))].join("");
  const meant = found.find(({ image }) => image !== undefined)?.image;
  const settings: Record<string, unknown> = {
    reference: meant ?? diagnoses.find(({ image }) => image !== "")?.image,
    // An image that the registry has needs no push.
    imageSource: has("PS-D012") || has("PS-D013") ? "build" : "existing",
    registryCa: seen === "" && (has("PS-D001") || has("PS-D002")) ? ASK_FOR_CA : seen || undefined,
    registryPlainHttp: has("PS-D006") ? true : undefined,
    pullUsername: has("PS-D009") ? "a user that may pull; then: pulumi config set --secret pullPassword" : undefined,
    // A stack has one of each for all its nodes.
    knownHosts: ways.find(({ knownHosts }) => knownHosts)?.knownHosts ?? "~/.ssh/known_hosts",
    sshPrivateKeyFile: ways.find(({ keyFile }) => keyFile)?.keyFile,
    proof: "none",
    nodes: diagnoses.map(({ node }, i) => {
      const { host = "", port, user, bastion } = ways[i] ?? {};
      return { name: node, host, port, user, bastion };
    }),
  };
  const named = Object.entries(settings).map(([name, value]) => ({ [`pause-sandbox:${name}`]: value }));
  return HEAD + stringify({ config: Object.assign({}, ...named) as object }, { lineWidth: 0 });
}
