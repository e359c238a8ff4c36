/** Other hands on the node: a second run, an editor, a clean-up that took too much, a clock. */
import { readdirSync } from "node:fs";
import * as path from "node:path";
import { docker } from "../../lab/cluster/docker";
import type { Attempt, Fault, Injected } from "./fault";
import type { State, Target } from "./target";

/** Both are told that they are done, and the node is as the later one asked, whichever that was. */
async function twoAtOnce({ target, to, random }: Attempt): Promise<Injected> {
  const other: State = random.pick(["none", "A", "B"]);
  const both = await Promise.all([target.run(to), target.run(other)]);
  const failed = both.find(({ status }) => status !== 0);
  if (failed) throw new Error(`one of two runs at once ends with ${failed.status}:\n${failed.stderr}`);
  const now = await target.snapshot();
  const looks = [to, other].map((state) => target.looks.get(state));
  if (!looks.some((look) => look && same(now, look))) throw new Error(`neither as ${to} nor as ${other}`);
  return {};
}

const same = (one: Map<string, string>, other: Map<string, string>): boolean =>
  one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);

/** The files that our settings stand in, as the report names them. */
const EDITED = `
cd /var/lib/pause-sandbox
sed -n 's/^file [^ ]* //p' state | grep -E 'toml$' | grep -v certs.d >/run/edited
while read -r file; do printf '\\n# mine\\n' >>"$file"; done </run/edited`;

/** Someone's line stays, our image goes; then they take their line back. */
async function editedBeforeDestroy({ target }: Attempt): Promise<Injected> {
  await target.sh(EDITED);
  const run = await target.run("none");
  if (run.status !== 0) throw new Error(`destroy ends with ${run.status}:\n${run.stderr}`);
  if (!/was edited since/.test(run.stderr)) throw new Error(`it does not say that a file was edited:\n${run.stderr}`);
  await target.sh('while read -r file; do grep -qx "# mine" "$file"; done </run/edited');
  const ours = await target.sh(
    'xargs grep -lF "$1" </run/edited || true',
    target.images.A.reference.split(":1.")[0] ?? "",
  );
  if (ours !== "") throw new Error(`our image is still in ${ours}`);
  return { run, repair: () => withoutEdit(target) };
}

/** Back to the bytes of before, a file that holds nothing but the edit (our drop-in's remainder) removed. */
async function withoutEdit(target: Target): Promise<void> {
  const look = target.looks.get("none");
  for (const file of (await target.sh("cat /run/edited")).split("\n").filter(Boolean)) {
    const undo = look?.has(file) ? String.raw`sed -i -e '$d' "$1"; sed -i -e '$d' "$1"` : 'rm "$1"';
    await target.sh(undo, file);
  }
}

/** Our notes of the files before us are gone: nothing may be guessed, above all no file removed. */
async function backupMissing({ target }: Attempt): Promise<Injected> {
  await target.sh("mv /var/lib/pause-sandbox/backup /run/backup");
  const kept = (await target.sh("cat /etc/containerd/config.toml /var/lib/kubelet/kubeadm-flags.env")).split("\n");
  const run = await target.run("none");
  const now = await target.sh("cat /etc/containerd/config.toml /var/lib/kubelet/kubeadm-flags.env || true");
  const lost = kept.filter((line) => !/sandbox_image|pause|config_path/.test(line) && !now.includes(line));
  if (!/node-ip/.test(now)) lost.push("the kubelet's flags");
  const back =
    "mkdir -p /var/lib/pause-sandbox; [ -e /var/lib/pause-sandbox/backup ] || mv /run/backup /var/lib/pause-sandbox/";
  if (lost.length > 0) {
    await target.sh(back);
    throw new Error(`destroy without a backup (exit ${run.status}) loses ${lost.join(" | ")}\n${run.stderr}`);
  }
  return { run, note: `exit ${run.status}`, repair: () => target.sh(back).then(() => undefined) };
}

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
