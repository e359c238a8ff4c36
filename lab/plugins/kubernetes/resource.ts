import { createHash } from "crypto";

import { type Api, type KubeObject, Refused } from "./api";
import { type Kind, pathOf, type Settings } from "./kinds";
import { annotation, waitUntilGone, waitUntilReady } from "./wait";
import { messageOf } from "../../../components/errors";
import { type CheckCall, type ExistingCall, InitFailed, type Live, type ResourceType } from "../protocol/plugin";
import { type Failure, object } from "../protocol/shape";
import { containsUnknown, differences, isObject, type Props, UNKNOWN } from "../protocol/values";

const AUTONAMED = "pulumi.com/autonamed";

/** The provider's configuration, set before the first resource. */
export interface Target extends Settings {
  /** Undefined while a preview does not know the kubeconfig yet. */
  api: Api | undefined;
  namespace: string;
}

/** A kind as a resource: server-side apply, wait for readiness, wait for its end. */
export function resourceOf(kind: Kind, target: () => Target): ResourceType {
  const api = () => {
    const known = target().api;
    if (known) return known;
    throw new Error("the kubeconfig of the provider is not known yet");
  };
  return {
    inputs: object({
      ...{ apiVersion: "string", kind: "string", metadata: "any" },
      ...Object.fromEntries(kind.properties.map((property) => [property, "any"])),
    }),
    outputs: kind.hasStatus ? ["status"] : [],

    check: (call) => Promise.resolve(checked(kind, call, target().namespace)),

    diff({ oldInputs, inputs }) {
      const settings = target();
      const replaces = (path: string) =>
        ["metadata.name", "metadata.namespace"].includes(path) || kind.replaces(path, settings);
      const found = [...differences(oldInputs, inputs)].map(
        ([path, change]) => [path, { kind: change, replace: replaces(path) }] as const,
      );
      const sameName = idOf(kind, oldInputs) === idOf(kind, inputs);
      const autonamed = annotation(inputs, AUTONAMED) === "true";
      return { changes: new Map(found), deleteBeforeReplace: sameName && !autonamed };
    },

    async create(call) {
      const id = idOf(kind, call.inputs);
      if (call.preview) return { id, outputs: await foreseen(target().api, kind, call) };
      return { id, outputs: await applied(api(), kind, call) };
    },

    update: (call) => (call.preview ? foreseen(target().api, kind, call) : applied(api(), kind, call)),

    async read(call) {
      const live = await api().find(pathOf(kind, call.id), call.signal);
      if (!live) return undefined;
      const outputs = kept(live);
      // `stringData` is write-only: the server answers with `data`.
      const { stringData } = call.oldInputs;
      return { outputs, inputs: { ...(projected(outputs, call.oldInputs) as Props), stringData } };
    },

    delete: (call) => removed(api(), kind, call),
  };
}

/** Fills in the namespace, and a name that is the same in the preview and the run after it. */
function checked(kind: Kind, call: CheckCall, defaultNamespace: string): { inputs: Props; failures: Failure[] } {
  const { inputs, oldInputs, name, randomSeed } = call;
  if (inputs.metadata === UNKNOWN) return { inputs, failures: [] };
  if (inputs.metadata !== undefined && !isObject(inputs.metadata)) {
    return { inputs, failures: [{ property: "metadata", reason: "must be an object" }] };
  }
  const metadata: Props = { ...inputs.metadata };
  if (kind.namespaced) metadata.namespace ??= defaultNamespace;
  if (metadata.name === undefined) {
    const old = oldInputs && annotation(oldInputs, AUTONAMED) === "true" ? oldInputs.metadata : undefined;
    const suffix = createHash("sha256").update(randomSeed).update(call.urn).digest("hex").slice(0, 8);
    metadata.name = isObject(old) ? old.name : `${name}-${suffix}`;
    metadata.annotations = { ...(isObject(metadata.annotations) && metadata.annotations), [AUTONAMED]: "true" };
  }
  return { inputs: { ...inputs, metadata }, failures: [] };
}

function idOf(kind: Kind, inputs: Props): string {
  const { name, namespace } = isObject(inputs.metadata) ? inputs.metadata : {};
  return kind.namespaced ? `${String(namespace)}/${String(name)}` : String(name);
}

type Wanted = Pick<ExistingCall, "urn" | "signal"> & { inputs: Props };

function apply(api: Api, kind: Kind, { urn, inputs, signal }: Wanted, dryRun: boolean): Promise<KubeObject> {
  // One owner for each resource, so that two of them never take each other's fields unnoticed.
  const fieldManager = `pulumi-kubernetes-${createHash("sha256").update(urn).digest("hex").slice(0, 8)}`;
  const query = { fieldManager, fieldValidation: "Strict", ...(dryRun && { dryRun: "All" }) };
  const contentType = "application/apply-patch+yaml";
  const body = { apiVersion: "v1", kind: kind.kind, ...inputs };
  return api.ask(pathOf(kind, idOf(kind, inputs)), { method: "PATCH", query, contentType, body, signal });
}

async function applied(api: Api, kind: Kind, call: Parameters<ResourceType["create"]>[0]): Promise<Props> {
  const id = idOf(kind, call.inputs);
  const accepted = await apply(api, kind, call, false);
  try {
    await waitUntilReady(api, kind, id, call.inputs, call);
  } catch (error) {
    const reason = messageOf(error);
    const live: Live = { inputs: call.inputs, outputs: kept(accepted) };
    throw new InitFailed(reason, id, live, [reason]);
  }
  return kept((await api.find(pathOf(kind, id), call.signal)) ?? accepted);
}

/** What the API server says the object would be, as far as that is known. Nothing is touched. */
async function foreseen(api: Api | undefined, kind: Kind, call: Wanted): Promise<Props> {
  const { inputs } = call;
  if (!api || containsUnknown(inputs)) return inputs;
  try {
    const { metadata, ...rest } = kept(await apply(api, kind, call, true));
    // Chosen again by the real run.
    const volatile = ["uid", "resourceVersion", "creationTimestamp", "generation"];
    const stable = Object.entries(metadata as Props).filter(([key]) => !volatile.includes(key));
    return { ...rest, metadata: Object.fromEntries(stable), ...(kind.hasStatus && { status: UNKNOWN }) };
  } catch (error) {
    // Its namespace may be among what the run is going to create.
    if (error instanceof Refused && error.status === 404) return inputs;
    throw error;
  }
}

async function removed(api: Api, kind: Kind, call: ExistingCall): Promise<void> {
  const live = await api.find(pathOf(kind, call.id), call.signal);
  if (!live) return;
  const uid = live.metadata?.uid;
  const body = { propagationPolicy: "Foreground", preconditions: { uid } };
  try {
    await api.ask(pathOf(kind, call.id), { method: "DELETE", body, signal: call.signal });
  } catch (error) {
    if (!(error instanceof Refused && error.status === 404)) throw error;
  }
  await waitUntilGone(api, kind, call.id, uid, call);
}

/** What state keeps of an object: all but the bookkeeping of who owns which field. */
function kept(live: KubeObject): Props {
  return { ...live, metadata: { ...live.metadata, managedFields: undefined } };
}

/** The live values of those properties that the program had given: where they differ, someone else has changed them. */
function projected(live: unknown, given: unknown): unknown {
  if (isObject(live) && isObject(given)) {
    return Object.fromEntries(Object.entries(given).map(([key, inner]) => [key, projected(live[key], inner)]));
  }
  if (Array.isArray(live) && Array.isArray(given) && live.length === given.length) {
    return given.map((inner, i) => projected(live[i], inner));
  }
  return live;
}
