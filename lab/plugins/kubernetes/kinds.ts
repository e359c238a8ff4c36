import { isObject, type Props } from "../protocol/values";
import type { KubeObject } from "./api";

/** What the plugin knows of one kind. */
export interface Kind {
  kind: "Namespace" | "ConfigMap" | "Pod" | "Service" | "Secret";
  plural: string;
  namespaced: boolean;
  /** Properties beside apiVersion, kind and metadata that a program may give. */
  properties: readonly string[];
  /** Whether the cluster reports a status of it. */
  hasStatus: boolean;
  /** Whether a change at this path needs another object. Names and namespaces always do. */
  replaces: (path: string, settings: Settings) => boolean;
  /** Object to watch until it is ready, where it is another than the object itself. */
  readyBy?: { plural: string; ready: (object: KubeObject) => boolean; needed: (inputs: Props) => boolean };
  /** Whether the object is what it should become; always so without. @throws Error when it never will be */
  ready?: (object: KubeObject) => boolean;
}

/** What of the provider's configuration decides how resources change. */
export interface Settings {
  enableConfigMapMutable: boolean;
  enableSecretMutable: boolean;
}

/** The few properties of a Pod's spec that the API server lets change. */
const MUTABLE_IN_POD = /^spec\.((initC|c)ontainers\[\d+\]\.image|activeDeadlineSeconds|tolerations\b.*)$/;

export const KINDS: Kind[] = [
  {
    kind: "Namespace",
    plural: "namespaces",
    namespaced: false,
    properties: ["spec"],
    hasStatus: true,
    replaces: () => false,
    ready: (object) => statusOf(object).phase === "Active",
  },
  {
    kind: "ConfigMap",
    plural: "configmaps",
    namespaced: true,
    properties: ["data", "binaryData", "immutable"],
    hasStatus: false,
    // Replaced even where it could be changed, so that what uses it by name gets the new content and restarts.
    replaces: (path, settings) => /^(data|binaryData|immutable)\b/.test(path) && !settings.enableConfigMapMutable,
  },
  {
    kind: "Secret",
    plural: "secrets",
    namespaced: true,
    properties: ["data", "stringData", "immutable", "type"],
    hasStatus: false,
    replaces: (path, settings) =>
      path === "type" || (/^(data|stringData|immutable)\b/.test(path) && !settings.enableSecretMutable),
  },
  {
    kind: "Pod",
    plural: "pods",
    namespaced: true,
    properties: ["spec"],
    hasStatus: true,
    replaces: (path) => path.startsWith("spec") && !MUTABLE_IN_POD.test(path),
    ready: podReady,
  },
  {
    kind: "Service",
    plural: "services",
    namespaced: true,
    properties: ["spec"],
    hasStatus: true,
    replaces: (path) => path === "spec.clusterIP",
    readyBy: {
      plural: "endpoints",
      needed: ({ spec }) => isObject(spec) && spec.selector !== undefined && spec.type !== "ExternalName",
      ready: (object) => Array.isArray(object.subsets) && object.subsets.some((set: Props) => set.addresses),
    },
  },
];

function podReady(pod: KubeObject): boolean {
  const { phase, conditions, message } = statusOf(pod);
  if (phase === "Failed") throw new Error(`the Pod has failed${typeof message === "string" ? `: ${message}` : ""}`);
  if (phase === "Succeeded") return true;
  return (
    Array.isArray(conditions) && conditions.some(({ type, status }: Props) => type === "Ready" && status === "True")
  );
}

function statusOf(object: KubeObject): Props {
  return isObject(object.status) ? object.status : {};
}

/** Path of the collection of a kind, or of one object in it. */
export function pathOf(
  { plural, namespaced }: { plural: string; namespaced: boolean },
  id: string,
  one = true,
): string {
  const [namespace = "", name = ""] = namespaced ? id.split("/") : ["", id];
  const scope = namespaced ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `/api/v1${scope}/${plural}${one ? `/${encodeURIComponent(name)}` : ""}`;
}
