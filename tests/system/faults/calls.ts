/** The script and all that it starts are killed between two system calls that change the disk. */
import type { Attempt, Fault, Injected } from "./fault";
import { KILLED, PHASE } from "./killed";
import type { State, Target } from "../../support/nodes/target";
import { killedAfterCall } from "../../support/nodes/trace";

/** What is on disk. */
const PLACES = "/etc|/usr|/opt|/var";

const traced = (target: Target, to: State, last: number) =>
  target.run(to, { wrap: ["sh", "-euc", killedAfterCall("/tmp/fault", PLACES), "trace", String(last)] });

/** How many calls a whole run makes. */
function countCalls(from: State, to: State) {
  return async (target: Target): Promise<number> => {
    await target.converge(from);
    const run = await traced(target, to, 0);
    if (run.status !== 0) throw new Error(`traced, the run to ${to} ends with ${run.status}:\n${run.stderr}`);
    await target.converge(to);
    return Number(await target.sh("wc -l </tmp/fault/trace"));
  };
}

/** Whatever was killed holds the lock until it is gone. */
const ALL_GONE = "mkdir -p /run/pause-sandbox && flock /run/pause-sandbox true";

function killAtCall(from: State) {
  return async ({ target, random, to, turn, afterwards }: Attempt): Promise<Injected> => {
    const run = await traced(target, to, turn);
    afterwards(() => target.sh("rm -rf /tmp/fault"));
    await target.sh(ALL_GONE);
    // Where a run made fewer calls than the one that was counted, its end is judged.
    const note = run.status === KILLED ? (await target.sh(PHASE)).trim() : `exit ${run.status}`;
    // The next run goes on, or is asked for the state of before.
    return { run, next: random.chance(0.25) ? to : from, note };
  };
}

function killedFrom(from: State, to: State, what: string): Fault {
  return {
    name: `killed after each call that changes the disk, ${what}`,
    // tests/node/killCalls.test.ts does the same on a simulated node.
    runs: { long: Infinity, short: 0 },
    turns: countCalls(from, to),
    from,
    to: () => to,
    inject: killAtCall(from),
  };
}

export const calls: Fault[] = [
  killedFrom("none", "A", "first apply"),
  killedFrom("A", "B", "another image"),
  killedFrom("A", "none", "restore"),
];
