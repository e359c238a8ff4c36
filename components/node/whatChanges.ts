/** The text of a preview for each node, and the meaning of a node's failed run. */
import * as pulumi from "@pulumi/pulumi";
import { AsyncResource } from "node:async_hooks";

import { type Asked, readCommand } from "./nodeCommand";
import { BOOT_NAMES, NONE, type NodeSettings, TOLD, type Words } from "./nodeSettings";
import { hookableMonitor } from "../engine";
import { known } from "../inputs";
import * as log from "../log";

/** A node's inputs in a preview; undefined means not known yet. */
export interface NodeInputs {
  readonly create?: string;
  readonly stdin?: string;
}

const MOST_ASKED: readonly (keyof NodeSettings)[] = ["image", "digest", "ca", "mirrors", "plainHttp", "login"];

/** The most important setting comes first; name and owner come last. */
const ORDER = [...new Set([...MOST_ASKED, ...BOOT_NAMES, ...(Object.keys(TOLD) as (keyof NodeSettings)[])])];

const SETTINGS: readonly (readonly [string, Words])[] = [
  ...ORDER.map((name) => [TOLD[name].key, TOLD[name].words] as const),
  ["recheck", () => "looked at again"],
];
const HIDDEN = Object.values(TOLD).flatMap(({ key, place }) => (place === "stdin" ? [key] : []));
/** The settings in the text of a new node: all but name and owner. */
const OF_A_NEW_NODE = BOOT_NAMES.map((name) => TOLD[name].key);

/** The text for a new node. */
export function whatComes(now: NodeInputs): string {
  if (now.create === undefined) return "will be changed; to what is not known yet";
  const asked = readCommand(now.create, now.stdin ?? "");
  const parts = SETTINGS.filter(([key]) => OF_A_NEW_NODE.includes(key)).flatMap(([key, words]) => {
    const values = asked.settings.get(key) ?? [];
    return values.length > 0 || key === TOLD.image.key ? [words([], values).replace(`${NONE} → `, "")] : [];
  });
  return sentence(asked, now, parts);
}

/**
 * The changes that a run will make on a node, the most important one first.
 * @returns Undefined if the settings did not change.
 */
export function whatChanges(before: NodeInputs, now: NodeInputs): string {
  if (now.create === undefined) return "will be changed; to what is not known yet";
  const was = readCommand(before.create ?? "", before.stdin ?? "");
  const asked = readCommand(now.create, now.stdin ?? "");
  // A dry run has changed nothing: all of it comes now.
  if (was.verb === "plan" && asked.verb === "apply") return `${whatComes(now)}; the last run only looked at the node`;
  const hidden: string[] = now.stdin === undefined ? HIDDEN : [];
  const parts = SETTINGS.filter(([key]) => !hidden.includes(key)).flatMap(([key, words]) => {
    const [old = [], values = []] = [was.settings.get(key), asked.settings.get(key)];
    return old.join("\n") === values.join("\n") ? [] : [words(old, values)];
  });
  // A dry run has a file of its own.
  if (was.script !== asked.script && was.verb === asked.verb)
    parts.push(`script ${was.script ?? "of 0.1.0"} → ${asked.script ?? "in the command"}`);
  if (was.verb !== asked.verb) parts.push("only looked at");
  return sentence(asked, now, parts);
}

function sentence(asked: Asked, now: NodeInputs, parts: readonly string[]): string {
  const known = now.stdin === undefined ? [...parts, "digest not known yet"] : parts;
  const what = known.length === 0 ? "nothing changes on the node, only how it is reached" : known.join(", ");
  return asked.verb === "plan" && parts.length > 0 ? `${what} (dry run)` : what;
}

/** The engine creates no node whose host is gone. */
function refusedIfNew(options: pulumi.CustomResourceOptions, name: string): pulumi.CustomResourceOptions {
  const refuse = (): void => {
    throw new Error(neverHealed(name));
  };
  const hook = new pulumi.ResourceHook(`pause-sandbox-gone-${++count}`, refuse, { onDryRun: true });
  return { ...options, hooks: { ...options.hooks, beforeCreate: [...(options.hooks?.beforeCreate ?? []), hook] } };
}

/** A hook for all nodes of one program: a hook per node would be another request per node. */
const hooks = new WeakMap<object, pulumi.ResourceHook>();
let count = 0;

/** The message for a gone node that is not in the state. */
export const neverHealed = (name: string): string =>
  `${name} is marked as gone, but no run has healed a node of this name, so there is nothing to keep: take it out of gone and of the ` +
  "nodes, or its host out of the group of the inventory or the selector";

/**
 * Makes a preview print the changes as text. Without hooks, as under mocks, it prints nothing.
 * @param gone Name of the node if its host is gone: a preview that would create it fails, as `pulumi up` does.
 */
export function explained(options: pulumi.CustomResourceOptions, gone?: string): pulumi.CustomResourceOptions {
  const monitor = hookableMonitor("registerResourceHook");
  if (!pulumi.runtime.isDryRun() || !monitor) return options;
  if (gone !== undefined) return refusedIfNew(options, gone);
  const hook = hooks.get(monitor) ?? newHook();
  hooks.set(monitor, hook);
  const { beforeCreate = [], beforeUpdate = [], ...others } = options.hooks ?? {};
  return {
    ...options,
    hooks: { ...others, beforeCreate: [...beforeCreate, hook], beforeUpdate: [...beforeUpdate, hook] },
  };
}

function newHook(): pulumi.ResourceHook {
  const say = async ({ urn, oldInputs, newInputs }: pulumi.ResourceHookArgs): Promise<void> => {
    const now = await inputsOf(newInputs);
    const text = oldInputs === undefined ? whatComes(now) : whatChanges(await inputsOf(oldInputs), now);
    // The log needs only the URN of the resource.
    await log.info(text, { urn: pulumi.output(urn) } as pulumi.Resource);
  };
  // The engine of an inline program is known only in the program's context, but the engine calls hooks outside of it.
  return new pulumi.ResourceHook(`pause-sandbox-preview-${++count}`, AsyncResource.bind(say), { onDryRun: true });
}

/** The inputs of a node's command, as hooks get them. */
export async function inputsOf(inputs: Record<string, unknown> = {}): Promise<NodeInputs> {
  return {
    create: await textWhenKnown(inputs.create),
    stdin: inputs.stdin === undefined ? "" : await textWhenKnown(inputs.stdin),
  };
}

/** Secrets arrive as Outputs, unknown values as values that are not text. */
export async function textWhenKnown(value: unknown): Promise<string | undefined> {
  const text: unknown = pulumi.Output.isInstance(value) ? await known(value) : value;
  return typeof text === "string" ? text : undefined;
}
