/** The stack's file that would heal what was found. */
import { parseDocument, stringify } from "yaml";

import type { Diagnosis } from "./finding";
import type { Host } from "../components/host";
import { registryOf } from "../components/registry/reference";
import { askForCa } from "../settings/words";

const HEAD = `# What pause-sandbox doctor found, as the settings of a stack. Read them before you use them: a certificate
# that a network shows may be anybody's. Check its fingerprint with whoever runs the registry.
#
# \`proof: none\` starts no sample Pod. Choose one by nginxImage and appImage, and take that line out.
`;

/** How to log in to a host, in a stack's words. */
export interface SshLogin extends Host {
  /** Path of the file that has the host's key. */
  readonly knownHosts?: string;
}

/** What is known beside the diagnoses. */
export interface Healing {
  /** By the `host` of a diagnosis. Default: the host alone. */
  readonly logins?: ReadonlyMap<string, SshLogin>;
  /** An image of one's own. Default: the image that the nodes have. */
  readonly image?: string;
  /** Text of the stack's file, where there is one: what it has stays. */
  readonly stack?: string;
  /** Nodes that could not be looked at. Default: none. */
  readonly leftOut?: readonly string[];
}

/**
 * One file for all nodes: they are to have the same image.
 * @returns the text of stacks/Pulumi.<stack>.yaml
 */
export function healingConfig(diagnoses: readonly Diagnosis[], healing: Healing = {}): string {
  const settings = settingsOf(diagnoses, healing);
  if (healing.stack !== undefined) return extended(healing.stack, settings, healing.image);
  const named = Object.entries(settings).map(([name, value]) => ({ [`pause-sandbox:${name}`]: value }));
  const config = stringify({ config: Object.assign({}, ...named) as object }, { lineWidth: 0 });
  const source = settings["imageSource"];
  const head = HEAD + notLookedAt(healing.leftOut ?? []);
  if (source === "carried") return head + CARRIED + config;
  return head + (healing.image === undefined ? notOwn(diagnoses, source === undefined) : "") + config;
}

const notLookedAt = (nodes: readonly string[]): string =>
  nodes.length === 0
    ? ""
    : `#\n# NOT ALL NODES ARE IN THIS FILE. Nobody could look at ${nodes.join(", ")}. Find out why, and run this again.\n`;

const CARRIED = `#
# THE NODES REACH NO REGISTRY of their images. With \`imageSource: carried\` the image of this project goes to them over SSH, and no
# registry is asked. For an image in a registry that they reach, run this again with --image <host[:port]/repository:tag>.
`;

/** A registry that is not there for the node: unreachable, unknown, or behind a proxy that refuses. */
const NO_REGISTRY = ["PS-D007", "PS-D008", "PS-D042"];

/** What nobody may overlook: the file heals with an image that is not the user's own. */
function notOwn(diagnoses: readonly Diagnosis[], pushed: boolean): string {
  const images = diagnoses.filter(({ image }) => image !== "").map(({ node, image }) => `#   ${node}: ${image}\n`);
  const differ = new Set(images.map((line) => line.replace(/^.*?: /, ""))).size > 1;
  const whose = meantImage(diagnoses) === undefined ? "the nodes have now" : "the nodes' own configuration means";
  return (
    `#\n# NO IMAGE OF YOUR OWN IS NAMED HERE. \`reference\` is an image that ${whose}.\n` +
    (differ
      ? `# The nodes have different images, and this file gives all of them the one below:\n${images.join("")}`
      : "") +
    (pushed
      ? "# Its registry lacks it, so `pulumi up` builds the image of this project and pushes it under that name. For an image of your own,\n" +
        "# set reference to a name in a registry of yours, or run this again with --image <host[:port]/repository:tag>.\n"
      : "# For an image of your own, set reference to a name in a registry of yours, and take imageSource out; or run this again with\n" +
        "# --image <host[:port]/repository:tag>.\n")
  );
}

/** The image of a finding that names one: the node is to have it, and has it not. */
const meantImage = (diagnoses: readonly Diagnosis[]): string | undefined =>
  diagnoses.flatMap(({ findings }) => findings).find(({ image }) => image !== undefined)?.image;

/** Settings that describe the stack itself: a stack that is there has them, or has others instead. */
const OF_THE_STACK = ["reference", "imageSource", "knownHosts", "sshPrivateKeyFile", "proof", "nodes"];

/** The stack's own file, with what it lacks. Comments and encrypted values stay. */
function extended(stack: string, settings: Record<string, unknown>, image?: string): string {
  const file = parseDocument(stack);
  const at = (name: string) => ["config", `pause-sandbox:${name}`];
  if (image !== undefined) {
    const before = file.getIn(at("reference"));
    file.setIn(at("reference"), image);
    for (const name of OF_ANOTHER_IMAGE) file.deleteIn(at(name));
    if (typeof before === "string" && registryOf(before) !== registryOf(image)) {
      const hadCa = file.hasIn(at("registryCa"));
      for (const name of OF_THE_REGISTRY) file.deleteIn(at(name));
      if (hadCa) file.setIn(at("registryCa"), settings["registryCa"] ?? askForCa(registryOf(image)));
    }
  }
  // With a carried image no registry is asked, and a stack may say nothing of one.
  const carries = image === undefined && file.getIn(at("imageSource")) === "carried";
  const others = [...OF_THE_STACK, ...(carries ? OF_THE_REGISTRY : [])];
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined || others.includes(name) || file.hasIn(at(name))) continue;
    file.setIn(at(name), value);
  }
  return file.toString({ lineWidth: 0 });
}

/** Settings that say where another image comes from, which is not built here, and what it is. */
const OF_ANOTHER_IMAGE = ["imageSource", "imageDigest", "imageArchive", "mirrorOf", "selfHeal"];

/** Settings that hold for one registry: another one must not get its logins, nor be trusted by its authority. */
const OF_THE_REGISTRY = [
  ...["registryCa", "registryMirrors", "registryPlainHttp", "pushPlainHttp"],
  ...["pullUsername", "pullPassword", "keepPullLogin", "registryUsername", "registryPassword"],
];

function settingsOf(diagnoses: readonly Diagnosis[], { logins = new Map(), image }: Healing): Record<string, unknown> {
  const ways = diagnoses.map(({ host }): SshLogin => logins.get(host) ?? { host });
  const found = diagnoses.flatMap(({ findings }) => findings);
  const has = (code: string) => found.some((one) => one.code === code);
  // What was seen of one registry says nothing of another.
  const same = diagnoses.filter((one) => image === undefined || registryOf(one.image) === registryOf(image));
  const ofRegistry = same.flatMap(({ findings }) => findings);
  const registryHas = (code: string) => ofRegistry.some((one) => one.code === code);
  const seen = [...new Set(ofRegistry.flatMap((one) => one.ca ?? []))].join("");
  const without = ({ findings }: Diagnosis) => findings.some(({ code }) => NO_REGISTRY.includes(code));
  const reference = image ?? meantImage(diagnoses) ?? diagnoses.find((one) => one.image !== "")?.image;
  const carried = image === undefined && diagnoses.length > 0 && diagnoses.every(without);
  const asked = askForCa(registryOf(reference ?? ""));
  return {
    reference: carried ? undefined : reference,
    imageSource: carried ? "carried" : image !== undefined || has("PS-D012") || has("PS-D013") ? undefined : "existing",
    registryCa: seen === "" && (has("PS-D001") || has("PS-D002")) ? asked : seen || undefined,
    registryPlainHttp: registryHas("PS-D006") ? true : undefined,
    pullUsername: registryHas("PS-D009")
      ? "a user that may pull; then: pulumi config set --secret pullPassword"
      : undefined,
    // A stack has one of each for all its nodes.
    knownHosts: ways.find(({ knownHosts }) => knownHosts)?.knownHosts ?? "~/.ssh/known_hosts",
    sshPrivateKeyFile: ways.find(({ keyFile }) => keyFile)?.keyFile,
    proof: "none",
    nodes: diagnoses.map(({ node }, i) => {
      const { host = "", port, user, bastion } = ways[i] ?? {};
      return { name: node, host, port, user, bastion };
    }),
  };
}
