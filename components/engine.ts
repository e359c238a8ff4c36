/** What the engine tells a program of itself. */
import * as pulumi from "@pulumi/pulumi";

import { messageOf } from "./errors";

/** The SDK's own store, of which it exports no type. */
interface Store {
  readonly settings?: { readonly options?: { readonly parallel?: number } };
  readonly supportsErrorHooks?: boolean;
}

/**
 * The oldest of Pulumi's CLI that runs here. It brings every error to error hooks: one from 3.217.1 to 3.231 brings only those of resources
 * that were made in part. A test compares it with the pages, and `make test-long` runs it.
 */
export const OLDEST_CLI = "3.245.0";

/** Where the SDK keeps both kinds. */
const kept = globalThis as unknown as {
  readonly asyncLocalStorage?: { getStore(): Store | undefined };
  readonly globalStore?: Store;
};

/** The options of an inline program, from the engine. The program of a project is told in its environment. */
const toldInline = (): Store | undefined => kept.asyncLocalStorage?.getStore();

/**
 * How many operations the engine runs at a time: `--parallel` of `pulumi up`, by default four times the cores.
 * @returns Undefined where no engine says so, as under mocks.
 */
export function parallelOperations(): number | undefined {
  const parallel = toldInline()?.settings?.options?.parallel ?? Number(process.env.PULUMI_NODEJS_PARALLEL ?? NaN);
  return parallel > 0 ? parallel : undefined;
}

const tooOld = (why: string): Error =>
  new Error(`a rollout needs Pulumi's CLI ${OLDEST_CLI} or later, to stop at its first failure: ${why}`);

/** @returns Rejects if Pulumi's CLI is older than {@link OLDEST_CLI}. */
export const cliIsNewEnough = (): Promise<void> =>
  pulumi.requirePulumiVersion(`>=${OLDEST_CLI}`).catch((error: unknown) => {
    throw tooOld(messageOf(error));
  });

/**
 * The engine's monitor, where hooks of this kind can be had: not under mocks.
 *
 * @throws Error if Pulumi's CLI is too old for error hooks. The SDK's own error comes later: an inline program then never ends.
 */
export function hookableMonitor(hooks: "registerErrorHook" | "registerResourceHook"): object | undefined {
  const monitor = pulumi.runtime.getMonitor() as object | undefined;
  if (!monitor || !(hooks in monitor)) return undefined;
  if ((toldInline() ?? kept.globalStore)?.supportsErrorHooks === false) {
    throw tooOld("this one has no error hooks");
  }
  return monitor;
}

let interruption: AbortController | undefined;

/**
 * Aborts when the engine interrupts the program of a project: Ctrl-C during `pulumi up`.
 *
 * Operations that run then are finished, and the engine calls hooks after them. So the program stays until the engine is done. The language
 * host ends it after 5 seconds, a second Ctrl-C at once. An inline program has its own handling of signals: there it never aborts.
 */
export function interrupted(): AbortSignal {
  if (toldInline() !== undefined || process.env.PULUMI_NODEJS_ENGINE === undefined) return new AbortController().signal;
  if (interruption === undefined) {
    const made = new AbortController();
    interruption = made;
    process.once("SIGINT", () => {
      made.abort(new Error("the run was interrupted"));
    });
  }
  return interruption.signal;
}

/**
 * Has the SDK note no stack traces, until what it returns is called.
 *
 * It notes one for each property of each resource, in case its promise is never kept. For a thousand nodes that is a third of the
 * program's CPU. Where a resource stands in the program, which state keeps, it notes all the same. To be called in place: a function
 * around the nodes would be in the state of each.
 */
export function withoutStacks(): () => void {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  return () => {
    Error.stackTraceLimit = limit;
  };
}
