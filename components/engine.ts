/** What the engine tells a program of itself. */
import * as pulumi from "@pulumi/pulumi";

/** The SDK's own store, of which it exports no type. */
interface Store {
  readonly settings?: { readonly options?: { readonly parallel?: number } };
}

/**
 * How many operations the engine runs at a time: `--parallel` of `pulumi up`, by default four times the cores.
 * @returns Undefined where no engine says so, as under mocks.
 */
export function parallelOperations(): number | undefined {
  // Only an inline program is told in the store. The program of a project has its environment.
  const { asyncLocalStorage } = globalThis as unknown as { asyncLocalStorage?: { getStore(): Store | undefined } };
  const told = asyncLocalStorage?.getStore()?.settings?.options?.parallel;
  const parallel = told ?? Number(process.env.PULUMI_NODEJS_PARALLEL ?? NaN);
  return parallel > 0 ? parallel : undefined;
}

/** The engine's monitor, where hooks of this kind can be had: not under mocks. */
export function hookableMonitor(hooks: "registerErrorHook" | "registerResourceHook"): object | undefined {
  const monitor = pulumi.runtime.getMonitor() as object | undefined;
  return monitor && hooks in monitor ? monitor : undefined;
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
