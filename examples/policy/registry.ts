/** No stack uses a sandbox image of another registry than the cluster's own, which is the setting `registry`. */
import type { PolicyConfigSchema, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import * as pulumi from "@pulumi/pulumi";

interface Settings {
  registry: string;
}

const configSchema: PolicyConfigSchema = {
  properties: { registry: { type: "string", minLength: 1 } },
  required: ["registry"],
};

const NODE = "command:remote:Command";
const WITH_REFERENCE = ["pause-sandbox:index:PauseSandbox", "pause-sandbox:index:PauseImage"];

type Props = Record<string, unknown>;

/** Stops a node before anybody logs in to it: looks at what the node is sent. */
export const beforeNodes: ResourceValidationPolicy = {
  name: "sandbox-image-before-nodes",
  description: "A node is only told to use a sandbox image of the cluster's own registry.",
  configSchema,
  validateResource: (node, report) => {
    if (node.type === NODE) check(askedOf(node.props as Props), node.getConfig<Settings>(), report);
  },
};

/** Looks at the whole stack, once all of it is known: the references of the components, and what nodes reported. */
export const wholeStack: StackValidationPolicy = {
  name: "sandbox-image-of-stack",
  description: "Components and nodes have a sandbox image of the cluster's own registry.",
  configSchema,
  validateStack: (stack, report) => {
    const settings = stack.getConfig<Settings>();
    for (const { type, props, urn } of stack.resources) {
      const violation = (message: string) => {
        report(message, urn);
      };
      if (WITH_REFERENCE.includes(type)) check(textOf(props.reference), settings, violation);
      // No report is known in a preview, and whoever asks for one ends the policy.
      if (type === NODE && !pulumi.runtime.isDryRun()) check(reportedBy(props as Props), settings, violation);
    }
  },
};

function check(image: string | undefined, { registry }: Settings, report: (message: string) => void): void {
  if (image === undefined || image.split("/")[0] === registry) return;
  report(`${image} is not allowed: the sandbox image must come from ${registry}`);
}

/** The image in the command that a node gets; nothing for a command that is no node. */
const askedOf = ({ create }: Props): string | undefined =>
  /pause-sandbox\S* (?:apply|plan) (?:.* )?image=(\S+)/.exec(textOf(create) ?? "")?.[1];

/** The image in the report of a node, which is one line of JSON; nothing for a command that is no node. */
function reportedBy({ stdout }: Props): string | undefined {
  const line = /^\{.*"image":.*\}$/m.exec(textOf(stdout) ?? "")?.[0];
  return line === undefined ? undefined : textOf((JSON.parse(line) as Props).image);
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
