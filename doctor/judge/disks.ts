/** The disks on which sandboxes come to be: full, or not to be written. */
import type { Facts } from "../facts";
import type { Evidence, Finding } from "../finding";

/** Less than this is nothing: a sandbox writes some ten small files. */
const LEAST_KILOBYTES = 1024;
const LEAST_INODES = 16;

export function judgeDisks({ disks = [], runtime }: Facts): { findings: Finding[]; evidence: Evidence[] } {
  const stuck = disks.filter(({ writable }) => !writable);
  const full = disks.filter(({ writable, freeKilobytes }) => writable && freeKilobytes < LEAST_KILOBYTES);
  const noInodes = disks.filter(
    ({ writable, inodes, freeInodes }) => writable && inodes > 0 && freeInodes < LEAST_INODES,
  );
  const said: [readonly { path: string }[], Omit<Finding, "fatal" | "what">, string][] = [
    [stuck, READ_ONLY, "cannot be written: its file system is mounted read-only"],
    [full, FULL, "has no space left"],
    [noInodes, FULL, "has no inodes left"],
  ];
  const findings = said.flatMap(([some, finding, text]) => {
    const [first] = some;
    return first ? [{ ...finding, fatal: true, what: `the disk of ${first.path} ${text}` }] : [];
  });
  if (findings.length > 0 || disks.length === 0) return { findings, evidence: [] };
  const least = disks.reduce((a, b) => (b.freeKilobytes < a.freeKilobytes ? b : a));
  const text = `the disks of ${runtime?.name ?? "the runtime"} and the kubelet have room: at least ${sizeText(least.freeKilobytes)}, on ${least.path}`;
  return { findings, evidence: [{ is: "yes", text }] };
}

const FULL = {
  code: "PS-D031",
  kind: "a disk that is full",
  remedy:
    "Find what fills it: df -h, df -i, du -x. crictl rmi --prune removes images that no container uses; pinned ones stay",
};
const READ_ONLY = {
  code: "PS-D032",
  kind: "content that cannot be read or written",
  remedy: "The disk or its file system is at fault: dmesg. Repair it and mount it for writing again",
};

const sizeText = (kilobytes: number): string =>
  kilobytes >= 1 << 20 ? `${Math.floor(kilobytes / (1 << 20))} GiB` : `${Math.floor(kilobytes / 1024)} MiB`;
