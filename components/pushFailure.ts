/** What a push that fails means and what to do: plugins give a reason alone, which may name neither registry nor reference. */
import * as pulumi from "@pulumi/pulumi";
import { AsyncResource } from "node:async_hooks";

import { registryOf } from "./reference";

/** Who pushes: the docker engine a platform's image, the plugin an index. */
export type Pusher = "engine" | "plugin";

interface Push {
  by: Pusher;
  registry: string;
}

/** Reasons in the words of engines, plugins and registries, the more telling first, and the way out of each. */
const WAYS_OUT: readonly (readonly [RegExp, (push: Push) => string])[] = [
  [/no basic auth credentials/, ({ registry }) => `give a login, or run: docker login ${registry}`],
  [
    /x509|certificate/,
    ({ by, registry }) =>
      by === "engine"
        ? `put the registry's authority into /etc/docker/certs.d/${registry}/ca.crt, where the docker engine runs`
        : "have this machine trust the registry's authority: its trust store, or the file that SSL_CERT_FILE names",
  ],
  [
    /HTTP response to HTTPS client|wrong version number/,
    () => "give the registry TLS, or set insecureRegistry where its docker engine may speak HTTP",
  ],
  [
    /sha256:[0-9a-f]{64}.*not found|does not have .*@sha256:/,
    () => "the registry lost images that the index names; push all again: pulumi up --replace '**PauseImage$**'",
  ],
  [
    /not found|does not have/,
    () => "check name and tag of mirrorOf; a registry may hide what it does not show without docker login",
  ],
  [/unauthorized|authentication required|\b401\b/, () => "give another login; for a mirror's source, docker login"],
  [/denied|forbidden|\b403\b/i, () => "give this login the right to push to the repository, or another login"],
  [
    /connection refused|ECONNREFUSED|no such host|ENOTFOUND|timeout|timed out|unreachable/,
    () => "check host and port of the reference, and the way there from this machine and its docker engine",
  ],
  [/HTTP status: 5\d\d|\b50[0-4]\b/, () => "look into the registry's own log, then run pulumi up again"],
];

/**
 * Names registry, reference, reason and way out.
 * @param reference What was to be pushed, `host[:port]/repository:tag`.
 * @param reason What the plugin said, as it is.
 */
export function pushFailure(by: Pusher, reference: string, reason: string): string {
  const registry = registryOf(reference);
  const [, wayOut] = WAYS_OUT.find(([words]) => words.test(reason)) ?? [];
  const next = wayOut?.({ by, registry }) ?? "docs/image.md lists reasons and what to do";
  return `${reference} was not pushed to registry ${registry} (${reason.trim().replace(/\s+/g, " ")}). What to do: ${next}`;
}

let hooks = 0;

/**
 * Has the engine say so, under the component, when a push fails; nothing is tried again. Where no hooks can be had, as
 * under mocks, a resource goes without.
 * @param component Whose push it is.
 * @param name The component's name.
 */
export function explainedPush(component: pulumi.Resource, name: string, by: Pusher): pulumi.CustomResourceOptions {
  const monitor = pulumi.runtime.getMonitor();
  if (!monitor || !("registerErrorHook" in monitor)) return {};
  const say = async ({ newInputs, errors }: pulumi.ErrorHookArgs): Promise<boolean> => {
    const reference: unknown = newInputs?.["imageName"] ?? newInputs?.["tag"];
    if (typeof reference === "string" && errors[0] !== undefined) {
      await pulumi.log.error(pushFailure(by, reference, errors[0]), component);
    }
    return false;
  };
  // The engine wants other names for other hooks, whatever the names of two components are. An inline program's engine is
  // known in its own context only, which the engine does not call in.
  const hook = new pulumi.ErrorHook(`pause-sandbox-push-${name}-${++hooks}`, AsyncResource.bind(say));
  return { hooks: { onError: [hook] } };
}
