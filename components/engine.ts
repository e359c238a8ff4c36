/** What the engine tells a program of itself. */

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
