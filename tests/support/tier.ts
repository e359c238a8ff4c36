/** How far a run of the tests goes: `make check`, `make test`, `make test-all` and `make test-long` each set a wider one. */

/** From the narrowest to the widest. Each has all that the one before it has. */
export const TIERS = ["check", "test", "all", "long"] as const;

export type Tier = (typeof TIERS)[number];

/** Says whether a run of tier `current` has what belongs to `wanted`. */
export const includes = (current: Tier, wanted: Tier): boolean => TIERS.indexOf(current) >= TIERS.indexOf(wanted);

/** Tier of this run. A test that is started by hand has all but what takes hours. */
export function currentTier(): Tier {
  const name = process.env.PAUSE_SANDBOX_TIER ?? "all";
  const tier = TIERS.find((known) => known === name);
  if (!tier) throw new Error(`PAUSE_SANDBOX_TIER is ${name}; it may be ${TIERS.join(", ")}`);
  return tier;
}

/**
 * Says whether this run has what belongs to `tier`: `const shells = atLeast("all") ? ["dash", "bash", "busybox sh"] : ["dash"]`.
 * Leave out inputs of a test by it, or whole tests. Do not skip by it: a skipped test fails `make test-all`.
 */
export const atLeast = (tier: Tier): boolean => includes(currentTier(), tier);

/** `it` for a test that belongs to `tier`: it is left out of a narrower run. */
export const itFrom =
  (tier: Tier) =>
  (title: string, body: Mocha.Func | Mocha.AsyncFunc): void => {
    if (atLeast(tier)) it(title, body);
  };
