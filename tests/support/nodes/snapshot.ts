/** What a run may change on a node, file by file, with mode, owner and hash. */
import { inContainer } from "../../../lab/cluster/docker";

/** One entry a path: kind, mode, owner, link target, and the hash of a file. */
export type Snapshot = Map<string, string>;

/** Docker writes the first; a host may be reinstalled; `stat` holds change times, which are different after each run. */
const UNSTABLE = [
  "/etc/hosts",
  "/etc/hostname",
  "/etc/resolv.conf",
  "/etc/mtab",
  "/etc/ssh/ssh_host_ed25519_key",
  "/var/lib/pause-sandbox/stat",
];

/**
 * `ours` in the state says which names of images were there before a run: a name that a Pod still ran on stays, so a later run to the same image
 * finds it. tests/node/images has these names; here they are left out of the hash.
 */
const STABLE_STATE = `cd /var/lib/pause-sandbox 2>/dev/null && [ -e state ] || exit 0
printf '%s  %s\\n' "$(grep -v '^ours ' state | sha256sum | cut -c1-64)" "$PWD/state"`;

const LIST = `
files() { find /etc /var/lib/pause-sandbox "$@" 2>/dev/null; find /var/lib -maxdepth 1 -name '.*' "$@"; find /var/lib/kubelet -maxdepth 1 -name '*.env*' "$@"; }
files -printf '%p\\t%y %m %U:%G %l\\n'
echo
files -type f ! -path '/var/lib/pause-sandbox/state' -exec sha256sum {} + || true
${STABLE_STATE}`;

export async function snapshot(container: string): Promise<Snapshot> {
  const [entries = "", hashes = ""] = (await inContainer(container, ["sh", "-c", LIST])).split("\n\n");
  const found: Snapshot = new Map();
  for (const line of entries.split("\n")) {
    const [path = "", what = ""] = line.split("\t");
    found.set(path, what);
  }
  for (const line of hashes.split("\n").filter(Boolean)) {
    const path = line.slice(66);
    if (!UNSTABLE.includes(path)) found.set(path, `${found.get(path) ?? ""} ${line.slice(0, 64)}`);
  }
  return found;
}

/** Paths that are not the same in both, sorted. */
export function differing(one: Snapshot, other: Snapshot): string[] {
  const paths = new Set([...one.keys(), ...other.keys()]);
  return [...paths].filter((path) => one.get(path) !== other.get(path)).sort();
}

/** Is it one of the transaction's own files: its notes, and what lies beside a file until the commit? */
const isOwn = (path: string): boolean => path.startsWith("/var/lib/pause-sandbox") || path.includes(".pause-sandbox");

/** Configuration files that are neither wholly as before nor wholly as wanted: there must be none at any instant. */
export function torn(now: Snapshot, before: Snapshot, wanted: Snapshot[]): string[] {
  const paths = differing(now, before).filter((path) => !isOwn(path) && !now.get(path)?.startsWith("d "));
  return paths.filter((path) => wanted.every((look) => now.get(path) !== look.get(path)));
}
