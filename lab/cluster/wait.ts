/** Waiting for a state: asks again until it is there, and says what was missing when the time is up. */
import { messageOf } from "../../components/errors";

/** Multiplies every time-out of the lab: `PAUSE_SANDBOX_TIMEOUT_SCALE=3` on a slow or busy machine. */
function timeoutScale(): number {
  const scale = Number(process.env["PAUSE_SANDBOX_TIMEOUT_SCALE"] ?? "1");
  if (!(scale > 0)) throw new Error("PAUSE_SANDBOX_TIMEOUT_SCALE must be a number above 0, e.g. 3");
  return scale;
}

export interface Wait {
  what: string;
  timeoutSeconds: number;
  /** Returns what is still missing, or undefined when the state is there; throwing counts as missing. */
  missing: () => Promise<string | undefined>;
  /** Added to the error: where to look, or the end of a log. */
  explain?: () => Promise<string>;
}

export async function waitFor({ what, timeoutSeconds, missing, explain }: Wait): Promise<void> {
  const allowedMs = timeoutSeconds * 1000 * timeoutScale();
  const started = Date.now();
  for (;;) {
    const reason = await missing().catch((error: unknown) => messageOf(error));
    if (reason === undefined) return;
    if (Date.now() - started > allowedMs) {
      const context = explain ? `\n${await explain().catch((error: unknown) => messageOf(error))}` : "";
      throw new Error(`${what}: not within ${allowedMs / 1000} s; ${reason}${context}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Results of all promises, once none is at work any more; if some failed, one error that says all that went wrong. */
export async function all<T>(promises: Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  const failures = settled.flatMap((result) => (result.status === "rejected" ? [messageOf(result.reason)] : []));
  // One cause may have failed several of them.
  if (failures.length > 0) throw new Error([...new Set(failures)].join("\n\n"));
  return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}
