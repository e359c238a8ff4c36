/**
 * Runs a script so that it, and all that it starts, is killed between two system calls that change the disk. Which calls those are
 * is traced, not guessed: each stops its process when it is done, and is counted before that goes on.
 */

/** With a question mark: calls that not every architecture has. */
const CALLS = [
  ...["?open", "?creat", "openat", "write", "writev", "pwrite64", "?pwritev", "fallocate", "truncate", "ftruncate"],
  ...["?rename", "?renameat", "renameat2", "?link", "linkat", "?symlink", "symlinkat", "?unlink", "unlinkat"],
  ...["?mkdir", "mkdirat", "?rmdir", "?mknod", "mknodat", "?chmod", "fchmod", "fchmodat", "?fchmodat2"],
  ...["?chown", "?lchown", "fchown", "fchownat", "utimensat", "setxattr", "lsetxattr", "fsetxattr"],
].join(",");

/** A copy that the kernel makes never gets on while a signal waits: without these, `cp` reads and writes. */
const COPIES = "copy_file_range,sendfile";

/**
 * The program of `sh -euc PROGRAM trace LAST COMMAND…`: after call LAST all processes of this session are killed; 0: none is. Each call
 * is then a line of `<folder>/trace`.
 *
 * strace names a call that is not done in one line, and its result in another. It prints that a process has stopped before it lets that
 * one wait for a signal, and ends if the signal is faster. So a process goes on only when strace sleeps, which it does in wait4 alone.
 *
 * @param folder Is made empty, and holds the trace.
 * @param places An extended regular expression of folders: a change to a file below one of them counts. So does a relative path of a
 *   call without a directory of its own.
 */
export function killedAfterCall(folder: string, places: string): string {
  return `
last=$1
shift
mkdir -p ${folder}
rm -f ${folder}/*
mkfifo ${folder}/calls ${folder}/strace
gawk -v places='[<"](${places})[/>"]|^[0-9]+ +[a-z0-9]+[(]"[^/"]' -v last="$last" '
  / --- stopped by SIGSTOP ---$/ {
    if (done[$1] && call[$1] ~ places && (call[$1] !~ / open/ || call[$1] ~ /O_(WRONLY|RDWR|CREAT|TRUNC)/)) {
      print call[$1] >"${folder}/trace"
      count++
    }
    # It goes on reading: strace without a reader would let all of them go.
    if (last && count == last) print "kill -KILL 0"
    else print "goOn " $1
    fflush()
    next
  }
  / (---|\\+\\+\\+) / { next }
  !/ <\\.\\.\\. / { call[$1] = $0 }
  { done[$1] = /\\) += [0-9]/ }
' ${folder}/calls | sh -c 'read -r strace <${folder}/strace
goOn() {
  while read -r _ _ state _ <"/proc/$strace/stat" && [ "$state" != S ]; do :; done
  kill -CONT "$1"
}
while read -r command; do eval "$command"; done' 2>/dev/null &
status=0
sh -c 'echo "$$" >${folder}/strace; exec "$@"' strace strace -f -y -s 0 -o ${folder}/calls -e trace=${CALLS},${COPIES} \\
  -e inject=${CALLS}:signal=SIGSTOP -e inject=${COPIES}:error=ENOSYS "$@" || status=$?
wait
exit "$status"`;
}
