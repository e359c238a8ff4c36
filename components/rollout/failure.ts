/** The message for a failed node: the state of the node, and the reason if the script did not run. */
import * as pulumi from "@pulumi/pulumi";

import { known } from "../inputs";
import { called, loginFailure, type LoginFailure, type LoginPlace } from "../node/loginFailure";

/** A node that failed. */
export interface Failure {
  /** Undefined if the script ran, or if that is unknown. */
  readonly login?: LoginFailure;
  /** The remedy, where the script's own words have none: a sentence or more. */
  readonly wayOut?: string;
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
  const place = await placeOf(inputs["connection"]);
  const login = loginFailure(said, place, run.type.endsWith(":CopyToRemote"));
  if (login !== undefined) return { login, became: UNTOUCHED };
  const status = /exited with status (\d+)/.exec(said)?.[1] ?? "";
  const became = BECAME[status] ?? "The state of that node is unknown: its next run checks it first.";
  // At the start of a line: the command itself, which the plugin prints too, has the words in it.
  return /^PS-N027 /m.test(said) ? { became, wayOut: notWhole(run, place) } : { became };
}

/** The node knows no name of a resource. */
function notWhole({ name, failedOperation }: pulumi.ErrorHookArgs, place: LoginPlace): string {
  const again = `pulumi up --replace '**${name}-script'`;
  const what =
    failedOperation === "delete" ? `put the node back, copy it again with ${again}, and remove the node` : again;
  return `The script on ${called(place)} is not whole. What to do: ${what}. See docs/errors/PS-N027.md.`;
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
