import { type Plugin, versionOf } from "../protocol/plugin";
import { object } from "../protocol/shape";
import { Api } from "./api";
import { KINDS } from "./kinds";
import { clusterOf } from "./kubeconfig";
import { resourceOf, type Target } from "./resource";

const target: Target = {
  api: undefined,
  namespace: "default",
  enableConfigMapMutable: false,
  enableSecretMutable: false,
};

/** Switches come as booleans or as their JSON text, depending on the SDK. */
function isOn(value: unknown): boolean {
  return value === true || value === "true";
}

export const plugin: Plugin = {
  name: "kubernetes",
  version: versionOf("@pulumi/kubernetes"),
  config: object({
    kubeconfig: "string",
    context: "string",
    namespace: "string",
    enableServerSideApply: "any",
    enableConfigMapMutable: "any",
    enableSecretMutable: "any",
  }),
  configure(config) {
    if (!isOn(config.enableServerSideApply ?? true)) {
      throw new Error("enableServerSideApply: the lab's stand-in for the kubernetes plugin can only apply server-side");
    }
    target.enableConfigMapMutable = isOn(config.enableConfigMapMutable);
    target.enableSecretMutable = isOn(config.enableSecretMutable);
    const cluster = clusterOf(config as { kubeconfig?: string; context?: string; namespace?: string });
    target.api = new Api(cluster);
    target.namespace = cluster.namespace;
    return Promise.resolve();
  },
  resources: Object.fromEntries(
    KINDS.map((kind) => [`kubernetes:core/v1:${kind.kind}`, resourceOf(kind, () => target)]),
  ),
};
