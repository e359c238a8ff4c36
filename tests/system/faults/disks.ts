/** Disks that take no more: each a small file system of the node's own, in the place of one directory. */
import type { Attempt, Fault, Injected } from "./fault";

/** What the transaction writes to. Not the kubelet's directory: Pods have their mounts in there. */
const PLACES = ["/var/lib/pause-sandbox", "/etc/containerd"];

/** As much as the fullest of the places holds, in pages and in inodes. */
const SIZE = "1m,nr_inodes=200";

/** Puts a file system of its own, with the same content, in the place of directory $1. */
const MOUNT = `
mkdir -p /run/small "$1"
mount -t tmpfs -o size=${SIZE},mode=755 small /run/small
cp -a "$1" /run/small/content
mount --bind /run/small/content "$1"`;

/** Puts the content where it would have been without the small file system. */
const UNMOUNT = `
umount "$1"
find "$1" -mindepth 1 -delete
cp -a /run/small/content/. "$1/"
umount /run/small
rmdir "$1" 2>/dev/null || true`;

/** Fills the file system up to $2 pages. */
const FILL = `
dd if=/dev/zero of=/run/small/.filler bs=4096 2>/dev/null || true
truncate -s "-$(($2 * 4096))" /run/small/.filler`;

/** Uses up all inodes but $2. */
const FILL_INODES = `
mkdir /run/small/.filler
while true >"/run/small/.filler/$((i = \${i:-0} + 1))"; do :; done 2>/dev/null || true
while [ "$2" -gt 0 ] && [ "$i" -gt 1 ]; do i=$((i - 1)); rm -f "/run/small/.filler/$i"; set -- "$1" "$(($2 - 1))"; done`;

const READ_ONLY = 'mount -o remount,bind,ro "$1"';

/** @param room Up to how much is left free, so that the disk is full at one step or another. */
function smallDisk(breakIt: string, repair: string, room: number) {
  return async ({ target, random, to, afterwards }: Attempt): Promise<Injected> => {
    const place = random.pick(PLACES);
    const left = Math.floor(random.next() * (room + 1));
    await target.sh(MOUNT, place);
    afterwards(() => target.sh(UNMOUNT, place));
    await target.sh(breakIt, place, String(left));
    afterwards(() => target.sh(repair, place));
    const run = await target.run(to);
    // The place is there as long as something is mounted on it, although nothing of ours may be left in it.
    return { run, exempt: [place], note: `${place}: ${run.status === 0 ? "done" : `exit ${run.status}`}` };
  };
}

const EMPTY = "rm -rf /run/small/.filler";

export const disks: Fault[] = [
  { name: "disk full", runs: { long: 30, short: 4 }, inject: smallDisk(FILL, EMPTY, 8) },
  { name: "inodes exhausted", runs: { long: 30, short: 4 }, inject: smallDisk(FILL_INODES, EMPTY, 16) },
  {
    name: "read-only file system",
    runs: { long: 6, short: 2 },
    says: /PS-N013/,
    inject: smallDisk(READ_ONLY, 'mount -o remount,bind,rw "$1"', 0),
  },
];
