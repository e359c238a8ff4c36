/** The message for a failed node: the state of the node, and the reason if the script did not run. */
import * as pulumi from "@pulumi/pulumi";

import { known } from "../inputs";
import { loginFailure, type LoginFailure, type LoginPlace } from "../node/loginFailure";

/** A node that failed. */
export interface Failure {
  /** Undefined if the script ran, or if that is unknown. */
  readonly login?: LoginFailure;
  /** The state of the node after the failure: a sentence. */
  readonly became: string;
}

const UNTOUCHED = "Nothing was changed on that node.";
const RESTORED = "The node that failed has restored itself.";

/** The state of a node by exit code, as in docs/errors/README.md. */
const BECAME: Readonly<Record<string, string>> = {
  "2": UNTOUCHED,
  "3": UNTOUCHED,
  "4": RESTORED,
  "5": "The node that failed is not fully restored: its next run first tries the undo again.",
  "130": RESTORED,
  "143": RESTORED,
};

/** @param errors The errors of an error hook, the newest first. */
export async function failureOf(run: pulumi.ErrorHookArgs): Promise<Failure> {
  const [said = ""] = run.errors;
  const inputs = run.newInputs ?? run.oldInputs ?? {};
  const login = loginFailure(said, await placeOf(inputs["connection"]), run.type.endsWith(":CopyToRemote"));
  if (login !== undefined) return { login, became: UNTOUCHED };
  const status = /exited with status (\d+)/.exec(said)?.[1] ?? "";
  return { became: BECAME[status] ?? "The state of that node is unknown: its next run checks it first." };
}

interface Connection {
  readonly host?: unknown;
  readonly port?: unknown;
  readonly user?: unknown;
  readonly proxy?: Connection;
}

/** Where a command of the plugin logs in to. */
async function placeOf(connection: unknown): Promise<LoginPlace> {
  const given = ((await plain(connection)) ?? {}) as Connection;
  const proxy = (await plain(given.proxy)) as Connection | undefined;
  return { ...(await hostOf(given)), jump: proxy && (await hostOf(proxy)) };
}

async function hostOf({ host, port, user }: Connection): Promise<LoginPlace> {
  const [name, number, who] = [await plain(host), await plain(port), await plain(user)];
  return {
    host: typeof name === "string" ? name : "",
    port: typeof number === "number" ? number : undefined,
    user: typeof who === "string" ? who : undefined,
  };
}

/**
 * A connection is secret as a whole, since it may hold a key. The published plugin's provider marks it once more, and the SDK takes the
 * outer mark off only.
 */
async function plain(value: unknown): Promise<unknown> {
  const given = pulumi.Output.isInstance(value) ? await known(value) : value;
  return pulumi.runtime.isRpcSecret(given) ? plain(pulumi.runtime.unwrapRpcSecret(given)) : given;
}
