/**
 * The script and all that it starts are killed between two system calls that change the disk. Which calls those are is
 * traced, not guessed: each stops its process when it is done, and is counted before that goes on.
 */
import type { Attempt, Fault, Injected } from "./fault";
import { KILLED, PHASE } from "./killed";
import type { State, Target } from "../../support/nodes/target";

/** With a question mark: calls that not every architecture has. */
const CALLS = [
  ...["?open", "?creat", "openat", "write", "writev", "pwrite64", "?pwritev", "fallocate", "truncate", "ftruncate"],
  ...["?rename", "?renameat", "renameat2", "?link", "linkat", "?symlink", "symlinkat", "?unlink", "unlinkat"],
  ...["?mkdir", "mkdirat", "?rmdir", "?mknod", "mknodat", "?chmod", "fchmod", "fchmodat", "?fchmodat2"],
  ...["?chown", "?lchown", "fchown", "fchownat", "utimensat", "setxattr", "lsetxattr", "fsetxattr"],
].join(",");

/** A copy that the kernel makes never gets on while a signal waits: without these, `cp` reads and writes. */
const COPIES = "copy_file_range,sendfile";

/** What is on disk; a relative path of a call without a directory of its own may be. */
const PLACES = '[<"]/(etc|usr|opt|var)[/>"]|^[0-9]+ +[a-z0-9]+[(]"[^/"]';

/**
 * $1: the call after which all processes of this session are killed; 0 for none. The others: what is run. Each call is then a
 * line of /tmp/fault/trace. strace names a call that is not done in one line, and its result in another.
 */
const TRACE = `
last=$1
shift
mkdir -p /tmp/fault
rm -f /tmp/fault/*
mkfifo /tmp/fault/calls
gawk -v places='${PLACES}' -v last="$last" '
  / --- stopped by SIGSTOP ---$/ {
    if (done[$1] && call[$1] ~ places && (call[$1] !~ / open/ || call[$1] ~ /O_(WRONLY|RDWR|CREAT|TRUNC)/)) {
      print call[$1] >"/tmp/fault/trace"
      count++
    }
    # It goes on reading: strace without a reader would let all of them go.
    if (last && count == last) print "kill -KILL 0"
    else print "kill -CONT " $1
    fflush()
    next
  }
  / (---|\\+\\+\\+) / { next }
  !/ <\\.\\.\\. / { call[$1] = $0 }
  { done[$1] = /\\) += [0-9]/ }
' /tmp/fault/calls | sh 2>/dev/null &
status=0
strace -f -y -s 0 -o /tmp/fault/calls -e trace=${CALLS},${COPIES} \\
  -e inject=${CALLS}:signal=SIGSTOP -e inject=${COPIES}:error=ENOSYS "$@" || status=$?
wait
exit "$status"`;

const traced = (target: Target, to: State, last: number) =>
  target.run(to, { wrap: ["sh", "-euc", TRACE, "trace", String(last)] });

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
const ALL_GONE = "flock /var/lib true";

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

function killedFrom(from: State, to: State, what: string, short: number): Fault {
  return {
    name: `killed after each call that changes the disk, ${what}`,
    runs: { long: Infinity, short },
    turns: countCalls(from, to),
    from,
    to: () => to,
    inject: killAtCall(from),
  };
}

export const calls: Fault[] = [
  killedFrom("none", "A", "first apply", 2),
  killedFrom("A", "B", "another image", 0),
  killedFrom("A", "none", "restore", 1),
];
