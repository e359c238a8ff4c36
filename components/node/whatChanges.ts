/** What a preview says of each node in words, and what a failed run of a node may mean. */
import * as pulumi from "@pulumi/pulumi";
import { AsyncResource } from "node:async_hooks";

import { type Asked, readCommand } from "./nodeCommand";
import { BOOT_NAMES, NONE, type NodeSettings, TOLD, type Words } from "./nodeSettings";
import { hookableMonitor } from "../engine";
import { known } from "../inputs";
import * as log from "../log";

/** A node's inputs as a preview shows them; undefined is not known yet. */
export interface NodeInputs {
  readonly create?: string;
  readonly stdin?: string;
}

const MOST_ASKED: readonly (keyof NodeSettings)[] = ["image", "digest", "ca", "mirrors", "plainHttp", "login"];

/** In the order in which people ask; the name and the owner come last. */
const ORDER = [...new Set([...MOST_ASKED, ...BOOT_NAMES, ...(Object.keys(TOLD) as (keyof NodeSettings)[])])];

const SETTINGS: readonly (readonly [string, Words])[] = [
  ...ORDER.map((name) => [TOLD[name].key, TOLD[name].words] as const),
  ["recheck", () => "looked at again"],
];
const HIDDEN = Object.values(TOLD).flatMap(({ key, place }) => (place === "stdin" ? [key] : []));
/** A new node has these said of it: neither its name nor who manages it. */
const OF_A_NEW_NODE = BOOT_NAMES.map((name) => TOLD[name].key);

/** What a new node will be. */
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
 * What another run will change on a node, in the order in which people ask.
 * @returns Undefined where the run is asked for what it was asked for before.
 */
export function whatChanges(before: NodeInputs, now: NodeInputs): string {
  if (now.create === undefined) return "will be changed; to what is not known yet";
  const was = readCommand(before.create ?? "", before.stdin ?? "");
  const asked = readCommand(now.create, now.stdin ?? "");
  const hidden: string[] = now.stdin === undefined ? HIDDEN : [];
  const parts = SETTINGS.filter(([key]) => !hidden.includes(key)).flatMap(([key, words]) => {
    const [old = [], values = []] = [was.settings.get(key), asked.settings.get(key)];
    return old.join("\n") === values.join("\n") ? [] : [words(old, values)];
  });
  if (was.script !== asked.script)
    parts.push(`script ${was.script ?? "of 0.1.0"} → ${asked.script ?? "in the command"}`);
  if (was.verb !== asked.verb) parts.push(asked.verb === "plan" ? "only looked at" : "changed, not only looked at");
  return sentence(asked, now, parts);
}

function sentence(asked: Asked, now: NodeInputs, parts: readonly string[]): string {
  const known = now.stdin === undefined ? [...parts, "digest not known yet"] : parts;
  const what = known.length === 0 ? "nothing changes on the node, only how it is reached" : known.join(", ");
  return asked.verb === "plan" && parts.length > 0 ? `${what} (dry run)` : what;
}

/** A hook for all nodes of one program: a hook per node would be another request per node. */
const hooks = new WeakMap<object, pulumi.ResourceHook>();
let count = 0;

/** Has a preview say in words what changes. Where no hooks can be had, as under mocks, it goes without. */
export function explained(options: pulumi.CustomResourceOptions): pulumi.CustomResourceOptions {
  const monitor = hookableMonitor("registerResourceHook");
  if (!pulumi.runtime.isDryRun() || !monitor) return options;
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
    // Only its URN is asked of the resource.
    await log.info(text, { urn: pulumi.output(urn) } as pulumi.Resource);
  };
  // An inline program's engine is known in its own context only, which the engine does not call in.
  return new pulumi.ResourceHook(`pause-sandbox-preview-${++count}`, AsyncResource.bind(say), { onDryRun: true });
}

async function inputsOf(inputs: Record<string, unknown> = {}): Promise<NodeInputs> {
  return {
    create: await textWhenKnown(inputs.create),
    stdin: inputs.stdin === undefined ? "" : await textWhenKnown(inputs.stdin),
  };
}

/** Secrets come as Outputs, what is not known yet as something that is no text. */
export async function textWhenKnown(value: unknown): Promise<string | undefined> {
  const text: unknown = pulumi.Output.isInstance(value) ? await known(value) : value;
  return typeof text === "string" ? text : undefined;
}
