/** The stack's file that would heal what was found. */
import { stringify } from "yaml";

import type { Diagnosis } from "./finding";

const HEAD = `# What pause-sandbox doctor found, as the settings of a stack. Read them before you use them: a certificate
# that a network shows may be anybody's. Check its fingerprint with whoever runs the registry.
`;

/**
 * One file for all nodes: they are to have the same image.
 * @returns the text of stacks/Pulumi.<stack>.yaml
 */
export function healingConfig(diagnoses: readonly Diagnosis[]): string {
  const found = diagnoses.flatMap(({ findings }) => findings);
  const has = (code: string) => found.some((one) => one.code === code);
  const ca = [...new Set(found.flatMap((one) => one.ca ?? []))].join("");
  const settings: Record<string, unknown> = {
    reference: diagnoses.find(({ image }) => image !== "")?.image,
    // An image that the registry has needs no push.
    imageSource: has("PS-D012") || has("PS-D013") ? "build" : "existing",
    registryCa: ca === "" ? undefined : ca,
    registryPlainHttp: has("PS-D006") ? true : undefined,
    pullUsername: has("PS-D009") ? "a user that may pull; then: pulumi config set --secret pullPassword" : undefined,
    knownHosts: "~/.ssh/known_hosts",
    nodes: diagnoses.map(({ node, host }) => ({ name: node, host })),
  };
  const named = Object.entries(settings).map(([name, value]) => ({ [`pause-sandbox:${name}`]: value }));
  return HEAD + stringify({ config: Object.assign({}, ...named) as object }, { lineWidth: 0 });
}
