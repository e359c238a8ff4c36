import type { Api, KubeObject } from "./api";
import { type Kind, pathOf } from "./kinds";
import { messageOf } from "../../../components/errors";
import type { Call } from "../protocol/plugin";
import { isObject, type Props } from "../protocol/values";

const DEFAULT_TIMEOUT_SECONDS = 600;

/** Waits until the object is what it should become. @throws Error with what the cluster says about it, when it does not */
export async function waitUntilReady(api: Api, kind: Kind, id: string, inputs: Props, call: Call): Promise<void> {
  if (annotation(inputs, "pulumi.com/skipAwait") === "true") return;
  const { ready, readyBy } = kind;
  const name = id.split("/").at(-1) ?? id;
  if (ready) {
    await within(call, inputs, `${kind.kind} ${id} is not ready`, (signal) =>
      api.until(pathOf(kind, id, false), name, signal, (object) => object !== undefined && ready(object)),
    ).catch(async (error: unknown) => {
      throw new Error(await explained(error, api, kind, id));
    });
  }
  if (readyBy?.needed(inputs)) {
    const { plural } = readyBy;
    await within(call, inputs, `Service ${id} has no Pod that is ready`, (signal) =>
      api.until(pathOf({ plural, namespaced: true }, id, false), name, signal, (object) =>
        object === undefined ? false : readyBy.ready(object),
      ),
    );
  }
}

/** Waits until the very object is gone; another of the same name may stand in its place by then. */
export async function waitUntilGone(api: Api, kind: Kind, id: string, uid: unknown, call: Call): Promise<void> {
  const name = id.split("/").at(-1) ?? id;
  await within(call, {}, `${kind.kind} ${id} is still there`, (signal) =>
    api.until(pathOf(kind, id, false), name, signal, (object) => object === undefined || object.metadata?.uid !== uid),
  );
}

async function within(call: Call, inputs: Props, late: string, wait: (signal: AbortSignal) => Promise<void>) {
  const annotated = Number(annotation(inputs, "pulumi.com/timeoutSeconds"));
  const seconds = call.timeoutSeconds ?? (annotated > 0 ? annotated : DEFAULT_TIMEOUT_SECONDS);
  const timeout = AbortSignal.timeout(seconds * 1000);
  try {
    await wait(AbortSignal.any([call.signal, timeout]));
  } catch (error) {
    if (call.signal.aborted) throw new Error("cancelled while waiting");
    if (timeout.aborted) throw new Error(`${late} after ${seconds} s`);
    throw error;
  }
}

export function annotation(inputs: Props, key: string): unknown {
  const { metadata } = inputs;
  return isObject(metadata) && isObject(metadata.annotations) ? metadata.annotations[key] : undefined;
}

/** The error with the object's conditions, its containers' states and its events: where the reason usually is. */
async function explained(error: unknown, api: Api, kind: Kind, id: string): Promise<string> {
  const message = messageOf(error);
  // The caller's own signal may be aborted already; what is asked here is answered at once or not at all.
  const signal = AbortSignal.timeout(10_000);
  const object = await api.find(pathOf(kind, id), signal);
  if (!object) return `${message}: it is gone`;
  const fieldSelector = `involvedObject.uid=${object.metadata?.uid ?? ""}`;
  const events = await api.ask(pathOf({ ...kind, plural: "events" }, id, false), { query: { fieldSelector }, signal });
  return [message, ...reasonsOf(object), ...(events.items as Props[]).map(eventLine)].join("\n  ");
}

function eventLine({ type, reason, message, count }: Props): string {
  const times = typeof count === "number" && count > 1 ? ` (${count} times)` : "";
  return `event ${String(type)} ${String(reason)}${times}: ${String(message)}`;
}

interface Waiting {
  reason?: string;
  message?: string;
}

function reasonsOf(object: KubeObject): string[] {
  const status = isObject(object.status) ? object.status : {};
  const conditions = (status.conditions ?? []) as Props[];
  const containers = (status.containerStatuses ?? []) as { name: string; state?: { waiting?: Waiting } }[];
  const waiting = containers.filter(({ state }) => state?.waiting);
  return [
    ...conditions
      .filter((c) => c.status === "False" && c.message)
      .map((c) => `${String(c.type)}: ${String(c.message)}`),
    ...waiting.map(({ name, state }) =>
      `container ${name}: ${state?.waiting?.reason ?? ""} ${state?.waiting?.message ?? ""}`.trim(),
    ),
  ];
}
