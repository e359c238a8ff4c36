/** The files that a run edits are not what they were, or not what they look like. */
import { FAULT_PATH } from "./killed";
import type { Attempt, Fault, Injected } from "./fault";
import type { Snapshot } from "../../support/nodes/snapshot";
import type { State, Target } from "../../support/nodes/target";

/** The runtime's and the kubelet's files that our image stands in, one per line; they change with the image. */
const EDITED = "sed -n 's/^file [^ ]* //p' /var/lib/pause-sandbox/state | grep -v certs.d";

const edited = async (target: Target): Promise<string[]> => (await target.sh(EDITED)).split("\n").filter(Boolean);

/** In the place of crictl: when it is asked to pull, another file with one more line takes the place of $1. */
const REPLACE_AT_PULL = `
mkdir -p /tmp/fault
cat >/tmp/fault/crictl <<END
#!/bin/sh
case " \\$* " in
  *' pull '*)
    if [ ! -e /tmp/fault/before ]; then
      cp -p "$1" /tmp/fault/before
      cp -p "$1" "$1.theirs"
      echo '# theirs' >>"$1.theirs"
      cp -p "$1.theirs" /tmp/fault/theirs
      mv "$1.theirs" "$1"
    fi ;;
esac
exec $(command -v crictl) "\\$@"
END
chmod +x /tmp/fault/crictl`;

/** Their bytes, mode and owner. */
const THEIRS = `cmp /tmp/fault/theirs "$1" && [ "$(stat -c '%a %u %g' /tmp/fault/theirs)" = "$(stat -c '%a %u %g' "$1")" ]`;

async function replacedDuringPull({ target, to, random, afterwards }: Attempt): Promise<Injected> {
  const file = random.pick(await edited(target));
  await target.sh(REPLACE_AT_PULL, file);
  afterwards(() => target.sh('cp -p /tmp/fault/before "$1"; rm -r /tmp/fault', file));
  const run = await target.run(to, { wrap: ["env", FAULT_PATH] });
  if (!run.stderr.includes(`${file} was changed by somebody else`))
    throw new Error(`it does not say so:\n${run.stderr}`);
  await target.sh(THEIRS, file);
  return { run, exempt: [file], note: file };
}

/** Without lsattr the run learns of it only when it makes a second link. */
const HIDE_LSATTR = 'file=$(command -v lsattr); mv "$file" "$file.gone"';
const SHOW_LSATTR =
  'for gone in /usr/bin/lsattr.gone /bin/lsattr.gone; do [ ! -e "$gone" ] || mv "$gone" "${gone%.gone}"; done';

async function immutable({ target, to, random, afterwards }: Attempt): Promise<Injected> {
  const file = random.pick(await edited(target));
  await target.sh('chattr +i "$1"', file);
  afterwards(() => target.sh('chattr -i "$1"', file));
  const hidden = random.chance(0.5);
  if (hidden) {
    await target.sh(HIDE_LSATTR);
    afterwards(() => target.sh(SHOW_LSATTR));
  }
  const run = await target.run(to);
  if (!run.stderr.includes(file)) throw new Error(`it does not name ${file}:\n${run.stderr}`);
  return { run, note: `${hidden ? "without" : "with"} lsattr: exit ${run.status}` };
}

/** Of our files those that were there before us. */
const EDITED_BEFORE = `${EDITED} | while read -r file; do [ ! -e "/var/lib/pause-sandbox/backup/root$file" ] || echo "$file"; done`;

/** A relative and an absolute link, each to a directory of its own. */
const LINK = `
mkdir -p /etc/people
mv "$1" "/etc/people/$(basename "$1")"
case $2 in
  relative) ln -s "$(realpath -m --relative-to="$(dirname "$1")" /etc/people)/$(basename "$1")" "$1" ;;
  absolute) ln -s "/etc/people/$(basename "$1")" "$1" ;;
esac`;

const UNLINK = `
mv -f "/etc/people/$(basename "$1")" "$1"
rmdir /etc/people 2>/dev/null || true`;

const real = (file: string): string => `/etc/people/${file.replace(/.*\//, "")}`;

/** The links are the same ones, and what they lead to is what the files themselves are in that state. */
function checkLinks(now: Snapshot, links: Snapshot, look: Snapshot, state: State): void {
  for (const [file, link] of links) {
    if (now.get(file) !== link) throw new Error(`as ${state}, ${file} is ${now.get(file)} instead of ${link}`);
    const [is, wanted] = [now.get(real(file)), look.get(file)];
    if (is !== wanted) throw new Error(`as ${state}, ${real(file)} is ${is} instead of ${wanted}`);
  }
}

async function linked({ target, random, afterwards }: Attempt): Promise<Injected> {
  const files = (await target.sh(EDITED_BEFORE)).split("\n").filter(Boolean);
  await target.converge("none");
  const kind = random.pick(["relative", "absolute"]);
  for (const file of files) {
    await target.sh(LINK, file, kind);
    afterwards(() => target.sh(UNLINK, file));
  }
  const made = await target.snapshot();
  const links: Snapshot = new Map(files.map((file) => [file, made.get(file) ?? "not there"]));
  for (const state of ["A", "none"] as const) {
    const { status, stderr } = await target.run(state);
    if (status !== 0) throw new Error(`to ${state}, with links it ends with ${status}:\n${stderr}`);
    checkLinks(await target.snapshot(), links, target.looks.get(state) ?? new Map<string, string>(), state);
  }
  return { exempt: [...files, ...files.map(real)], note: `${kind}: ${files.join(" ")}` };
}

const runs = { long: 4, short: 1 };

export const files: Fault[] = [
  { name: "file replaced while the image is pulled", runs, from: "A", says: /PS-N026/, inject: replacedDuringPull },
  { name: "immutable file", runs, from: "A", says: /PS-N013/, inject: immutable },
  { name: "links where the files are", runs, from: "A", to: () => "none", inject: linked },
];
