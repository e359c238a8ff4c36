/** What log-ins to a node do there, system call by system call. */
import { resolve } from "node:path/posix";

import { waitFor } from "../../../lab/cluster/wait";
import type { Target } from "../../support/nodes/target";

/** Calls that change a file's system beside `open`, and those that begin a program or reach somebody. */
const CALLS = [
  ...["?open", "openat", "?creat", "truncate", "?rename", "?renameat", "renameat2", "?link", "linkat", "?symlink"],
  ...["symlinkat", "?unlink", "unlinkat", "?mkdir", "mkdirat", "?rmdir", "?mknod", "mknodat", "?chmod", "fchmodat"],
  ...["?chown", "?lchown", "fchownat", "utimensat", "setxattr", "lsetxattr", "mount", "umount2"],
  ...["chdir", "execve", "connect", "sendto", "kill", "?tkill", "reboot"],
].join(",");

const TRACE = "/run/doctor-watch";

export interface Watched {
  /** Command lines that were begun, with their arguments in JSON's form. */
  readonly programs: readonly string[][];
  /** `10.0.0.1:5000`, or the path of a socket. */
  readonly peers: readonly string[];
  /** Absolute paths that were opened for writing, made, moved or taken away. */
  readonly written: readonly string[];
  /** Processes that were sent a signal by somebody else. */
  readonly signalled: readonly string[];
}

/** Watches sshd on a node, and all that it starts, while `act` goes on. */
export async function watched(target: Target, act: () => Promise<void>): Promise<Watched> {
  const sshd = (await target.sh("pgrep -o -x sshd")).trim();
  await target.sh(
    `rm -f ${TRACE}; setsid strace -f -y -s 400 -o ${TRACE} -e trace=${CALLS} -p ${sshd} >/dev/null 2>&1 &`,
  );
  const tracer = async (): Promise<boolean> => /^TracerPid:\s*[1-9]/m.test(await target.sh(`cat /proc/${sshd}/status`));
  const settled = (what: string, wanted: boolean) =>
    waitFor({ what, timeoutSeconds: 60, missing: async () => ((await tracer()) === wanted ? undefined : "not yet") });
  await settled("strace to watch sshd", true);
  try {
    await act();
  } finally {
    await target.sh("pkill -INT -x strace");
    await settled("strace to let sshd go", false);
  }
  return read(await target.sh(`cat ${TRACE}`));
}

function read(trace: string): Watched {
  const done = callsIn(trace).filter((call) => !/ = -1 /.test(call) || call.includes("EINPROGRESS"));
  const of = (name: RegExp) => done.filter((call) => name.test(call));
  const opened = of(/^(open|openat|creat)\(/).filter((call) => /O_(WRONLY|RDWR|CREAT|TRUNC)|^creat/.test(call));
  const changed = of(
    /^(truncate|rename|link|symlink|unlink|mkdir|rmdir|mknod|chmod|chown|lchown|fchmodat|fchownat|utimensat|l?setxattr|u?mount)/,
  );
  return {
    programs: of(/^execve\(/).map((call) => textsIn(/\[(.*)\]/.exec(call)?.[1] ?? "")),
    peers: [...new Set(of(/^(connect|sendto)\(/).flatMap(peerOf))].sort(),
    written: [...new Set([...opened, ...changed].flatMap(pathsOf))].sort(),
    signalled: of(/^(kill|tkill|reboot)\(/),
  };
}

/**
 * Each call in one line, without its process; one that was interrupted by another's is put together. Behind each stands the folder
 * that its process has changed to.
 */
function callsIn(trace: string): string[] {
  const [begun, folders] = [new Map<string, string>(), new Map<string, string>()];
  return trace.split("\n").flatMap((line) => {
    const [, pid = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.endsWith("<unfinished ...>")) {
      begun.set(pid, text.slice(0, -"<unfinished ...>".length));
      return [];
    }
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    const call = rest === undefined ? text : `${begun.get(pid) ?? ""}${rest}`;
    const [, to] = /^chdir\("(.*)"\) += 0$/.exec(call) ?? [];
    if (to !== undefined) folders.set(pid, resolve(folders.get(pid) ?? "/", to));
    return /^\w+\(/.test(call) ? [`${call} <${folders.get(pid) ?? "."}>`] : [];
  });
}

const textsIn = (list: string): string[] => [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text);

function peerOf(call: string): string[] {
  const [, port, address] =
    /sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"/.exec(call) ?? [];
  if (address !== undefined) return [`${address}:${port ?? ""}`];
  const path = /sun_path=@?"([^"]+)"/.exec(call)?.[1];
  return path === undefined ? [] : [path];
}

/** Of a path that is relative, with its folder; the result names the file of an open. */
function pathsOf(call: string): string[] {
  const opened = / = \d+<([^>]+)> <[^>]*>$/.exec(call)?.[1];
  if (opened !== undefined) return [opened];
  const folder = /<([^>]*)>/.exec(call)?.[1] ?? ".";
  return textsIn(call).map((text) => (text.startsWith("/") ? text : `${folder}/${text}`));
}
