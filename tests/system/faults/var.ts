/** /var is a file system of its own, so that no rename leads from there to /etc, and the disks are synced one by one. */
import type { Attempt, Fault, Injected } from "./fault";
import { killAfter, PHASE } from "./killed";

/** Mounts that lie below the path $1, the outermost ones. */
const BELOW = `below() { awk -v p="$1/" 'index($5, p) == 1 { print $5 }' /proc/self/mountinfo | sort -u | awk 'NR == 1 || index($0, last "/") != 1 { print; last = $0 }'; }`;

/** A copy of /var takes its place, with the same mounts below; /run/root shows what it hides. */
const MOUNT = `
${BELOW}
mkdir /run/root /run/var
mount --bind --make-private / /run/root
mount -t tmpfs -o mode=755 var /run/var
# Daemons write there: a file may go between the list and its copy.
cp -ax /var/. /run/var/ || cp -ax /var/. /run/var/
below /var | while read -r dir; do mount --rbind "$dir" "/run/var\${dir#/var}"; done
mount --rbind /run/var /var
[ "$(stat -c %d /var/lib)" != "$(stat -c %d /etc)" ]`;

/** Without a word to the mounts that are hidden: Pods have theirs there. */
const UNMOUNT = `
rm -rf /run/root/var/lib/pause-sandbox
[ ! -e /var/lib/pause-sandbox ] || cp -a /var/lib/pause-sandbox /run/root/var/lib/
for dir in /var /run/var /run/root; do
  mount --make-rprivate "$dir"
  umount -l "$dir"
done
rmdir /run/root /run/var`;

async function ownVar({ target, to, random, afterwards }: Attempt): Promise<Injected> {
  await target.sh(MOUNT);
  afterwards(() => target.sh(UNMOUNT));
  await target.converge(to);
  const next = to === "A" ? "B" : "A";
  const killed = await killAfter(target, next, random);
  const note = killed.status === 137 ? (await target.sh(PHASE)).trim() : `exit ${killed.status}`;
  await target.converge(next);
  await target.converge("none");
  return { note, next: to };
}

export const ownFileSystem: Fault[] = [
  { name: "/var on its own file system", runs: { long: 4, short: 1 }, from: "none", to: () => "A", inject: ownVar },
];
