/** An ssh that answers with facts instead of a connection. */
import * as fs from "node:fs";
import * as path from "node:path";

import type { Facts } from "../../doctor/facts";

/** Writes `ssh` into a folder that is to be in front of PATH. It notes its arguments in `args`, and gives `tried` only if it is asked. */
export function fakeSsh(dir: string, hosts: Readonly<Record<string, Facts>>): void {
  for (const [host, { failed, ...facts }] of Object.entries(hosts)) {
    const there = (Object.entries(facts) as [string, unknown][]).filter(([, value]) => value !== undefined);
    const lines = there.map(([fact, value]) => JSON.stringify({ fact, value }));
    const missing = Object.entries(failed).map(([fact, why]) => JSON.stringify({ fact, failed: why }));
    fs.writeFileSync(path.join(dir, `${host}.facts`), `${[...lines, ...missing].join("\n")}\n`);
  }
  const script = `#!/bin/sh
echo "$*" >>${dir}/args
if [ "$1" = -G ]; then
  while [ "$1" != -- ]; do shift; done
  printf 'user root\\nhostname %s\\nport 22\\n' "$2"
  [ ! -e "${dir}/$2.jump" ] || printf 'proxyjump %s\\n' "$(cat "${dir}/$2.jump")"
  exit
fi
# Nothing listens there: what waits for this stdin to end would wait for its own limit.
case " $* " in *' -W '*)
  echo 'channel 0: open failed: connect failed: Connection refused' >&2
  echo 'stdio forwarding failed' >&2
  exit 255
  ;;
esac
asked=$(cat)
while [ "$1" != -- ]; do shift; done
if [ -e "${dir}/$2.refuses" ]; then cat "${dir}/$2.refuses" >&2; exit 255; fi
if [ -e "${dir}/$2.sudo" ]; then cat "${dir}/$2.sudo" >&2; exit 1; fi
case $3 in *' -s -- plan'*)
  if [ -e "${dir}/$2.plan" ]; then cat "${dir}/$2.plan"; exit; fi
  echo "[$2] PS-N025 the file of somebody else stays" >&2
  exit 3
  ;;
esac
case $asked in *' pause-sandbox-doctor "$p" "$q" try '*) no='^$' ;; *) no='^{"fact":"tried"' ;; esac
if [ -e "${dir}/$2.facts" ]; then grep -v "$no" "${dir}/$2.facts"; else echo "ssh: connect to host $2 port 22: No route to host" >&2; exit 255; fi
`;
  fs.writeFileSync(path.join(dir, "ssh"), script, { mode: 0o755 });
}
