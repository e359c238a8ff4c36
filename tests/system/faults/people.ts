/** Other hands on the node: a second run, an editor, a clean-up that took too much, a clock. */
import { readdirSync } from "node:fs";
import * as path from "node:path";
import { docker } from "../../../lab/cluster/docker";
import type { Attempt, Fault, Injected } from "./fault";
import { differing } from "../../support/nodes/snapshot";
import type { State } from "../../support/nodes/target";

/** Both are told that they are done, and the node is as the later one asked, whichever that was. */
async function twoAtOnce({ target, to, random }: Attempt): Promise<Injected> {
  const other: State = random.pick(["none", "A", "B"]);
  const both = await Promise.all([target.run(to), target.run(other)]);
  const failed = both.find(({ status }) => status !== 0);
  if (failed) throw new Error(`one of two runs at once ends with ${failed.status}:\n${failed.stderr}`);
  const now = await target.snapshot();
  const looks = [to, other].map((state) => target.looks.get(state));
  if (!looks.some((look) => look && differing(now, look).length === 0))
    throw new Error(`neither as ${to} nor as ${other}`);
  return { orAs: other };
}

/** Appends to the runtime's file that our settings stand in, keeps its bytes of before, and prints its name. */
const EDIT = `
cd /var/lib/pause-sandbox
file=$(sed -n 's/^file [^ ]* //p' state | grep -v certs.d | grep 'toml$')
printf '\\n# mine\\n' >>"$file"
rm -f /tmp/before
[ ! -e "backup/root$file" ] || cp -p "backup/root$file" /tmp/before
printf %s "$file"`;

/** Whoever edited takes back what they did: the bytes of before, or nothing where there was no such file. */
const UNEDIT = `
if [ -e /tmp/before ]; then cp -p /tmp/before "$1"; else rm "$1"; rmdir "$(dirname "$1")"; fi`;

/** Someone's line stays, our image goes. */
async function editedBeforeDestroy({ target, afterwards }: Attempt): Promise<Injected> {
  const file = await target.sh(EDIT);
  afterwards(() => target.sh(UNEDIT, file));
  const run = await target.run("none");
  if (!run.stderr.includes(`${file} was edited since`)) throw new Error(`it does not say so:\n${run.stderr}`);
  const left = await target.sh('cat "$1"', file);
  if (!left.includes("\n# mine\n")) throw new Error(`the edit is lost:\n${left}`);
  if (left.includes(target.images.A.reference.replace(/:[^:]*$/, ""))) throw new Error(`our image is left:\n${left}`);
  return { run, exempt: [file] };
}

/** Our notes of the files before us are gone: nothing may be guessed, above all no file removed that was there. */
async function backupMissing({ target, afterwards }: Attempt): Promise<Injected> {
  await target.sh("mv /var/lib/pause-sandbox/backup /tmp/backup");
  afterwards(() => target.sh(BACKUP_BACK));
  const kept = (await target.sh(READ_BOTH)).split("\n");
  const run = await target.run("none");
  const now = await target.sh(READ_BOTH);
  const lost = kept.filter((line) => !/sandbox_image|pause|config_path/.test(line) && !now.includes(line));
  if (!now.includes("--node-ip")) lost.push("the kubelet's flags");
  if (lost.length > 0) throw new Error(`exit ${run.status}, and lost: ${lost.join(" | ")}\n${run.stderr}`);
  // Without a backup they can be as they should be but for the bytes of before.
  const exempt = (await target.sh("cat /tmp/backup/files")).split("\n");
  return { note: `exit ${run.status}`, exempt };
}

const READ_BOTH = "cat /etc/containerd/config.toml /var/lib/kubelet/kubeadm-flags.env || true";

/** Where the run refused: back to its place. Where it gave back what it could without: by hand, as the backup says. */
const BACKUP_BACK = `
if [ -e /var/lib/pause-sandbox/state ]; then mv /tmp/backup /var/lib/pause-sandbox/; exit; fi
mkdir -p /tmp/backup/root
cd /tmp/backup/root
while read -r file; do
  if [ -e "./$file" ]; then cp -p "./$file" "$file"; else rm -f "$file"; fi
done <../files
[ ! -e ../dirs ] || sort -ru ../dirs | while read -r dir; do rmdir "$dir" 2>/dev/null || true; done
rm -r /tmp/backup`;

const FAKETIME = "/run/libfaketime.so.1";

function hostFaketime(): string {
  for (const triple of readdirSync("/usr/lib")) {
    const file = path.join("/usr/lib", triple, "faketime/libfaketime.so.1");
    if (triple.includes("-linux-gnu") && readdirSync(path.join("/usr/lib", triple)).includes("faketime")) return file;
  }
  throw new Error("libfaketime is not on this machine: apt-get install faketime");
}

/** From one year to another while the run goes on; the machine's own clock stays right. */
async function clockJumps({ target, to, random }: Attempt): Promise<Injected> {
  await docker(["cp", hostFaketime(), `${target.node.container}:/etc/libfaketime.so.1`]);
  await target.sh(`mv /etc/libfaketime.so.1 ${FAKETIME}; echo +0 >/run/faketime`);
  const jump = "for o in $(seq 400 -37 -400); do sleep 0.3; echo \"${o}d\" | sed 's/^[0-9]/+&/' >/run/faketime; done";
  const variables = [`LD_PRELOAD=${FAKETIME}`, "FAKETIME_TIMESTAMP_FILE=/run/faketime", "FAKETIME_NO_CACHE=1"];
  const jumping = target.sh(jump);
  const run = await target.run(to, { wrap: ["env", ...variables] });
  await jumping;
  if (run.status !== 0) throw new Error(`with a clock that jumps it ends with ${run.status}:\n${run.stderr}`);
  return { run, next: random.chance(0.5) ? "none" : to };
}

export const people: Fault[] = [
  { name: "two runs at once", runs: { long: 10, short: 2 }, inject: twoAtOnce },
  { name: "clock that jumps", runs: { long: 6, short: 2 }, inject: clockJumps },
  { name: "file edited before destroy", runs: { long: 4, short: 2 }, to: () => "none", inject: editedBeforeDestroy },
  { name: "backup missing at destroy", runs: { long: 4, short: 2 }, to: () => "none", inject: backupMissing },
];
