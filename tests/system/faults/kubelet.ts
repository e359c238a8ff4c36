/** A kubelet with arguments of its owner's: all of them survive, in their order, and so does its environment. */
import { type Attempt, type Fault, type Injected, withFlag } from "./fault";
import { KUBELET_BEGUN } from "../../support/nodes/kubeletBegun";
import type { Target } from "../../support/nodes/target";

const DROPIN = "/etc/systemd/system/kubelet.service.d/20-people.conf";
const DEFAULTS = "/etc/default/kubelet";

/** In a unit: a variable that a file sets too, one that reaches the kubelet as it is, and words of the command line. */
const UNIT = `[Service]
Environment="KUBELET_EXTRA_ARGS=--v=9"
Environment=PEOPLE_ARGS="--node-labels=example.com/rack=r1,example.com/row=7 --max-pods=64"
Environment="GODEBUG=madvdontneed=1"
ExecStart=
ExecStart=/usr/bin/kubelet --event-qps=7 $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS \\
  $PEOPLE_ARGS $KUBELET_EXTRA_ARGS "--event-burst=14" --v=1
`;

const EXTRA = `# ours
KUBELET_EXTRA_ARGS="--registry-qps=3 --kube-reserved=cpu=10m,memory=16Mi"
`;

const ADD = `
mkdir -p "$(dirname "$1")" "$(dirname "$3")"
[ ! -e "$3" ] || cp -p "$3" /tmp/defaults
printf %s "$2" >"$1"
printf %s "$4" >"$3"
systemctl daemon-reload
systemctl restart kubelet`;

const TAKE_AWAY = `
rm "$1"
rmdir "$(dirname "$1")" 2>/dev/null || true
if [ -e /tmp/defaults ]; then mv /tmp/defaults "$2"; else rm "$2"; fi
systemctl daemon-reload
systemctl restart kubelet`;

const READ = 'tr "\\0" "\\n" <"/proc/$(systemctl show kubelet -p MainPID --value)/$1"';

/** What systemd gives each process again. */
const OWN = /^(INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MEMORY_PRESSURE_(WATCH|WRITE))=/;
const FLAG = / ?--pod-infra-container-image=[^ "']*/;

interface Running {
  argv: string[];
  environ: string[];
}

async function running(target: Target): Promise<Running> {
  const read = async (file: string) => (await target.sh(READ, file)).split("\n");
  const environ = (await read("environ")).filter((one) => !OWN.test(one)).sort();
  return { argv: await read("cmdline"), environ };
}

/** But for the flag. */
const bare = ({ argv, environ }: Running): string =>
  [
    ...argv.filter((word) => word.replace(FLAG, "") !== "" || word === ""),
    ...environ.map((one) => one.replace(FLAG, "")),
  ].join("\n");

async function ownArguments({ target, afterwards }: Attempt): Promise<Injected> {
  await target.sh(`${ADD}${KUBELET_BEGUN}`, DROPIN, UNIT, DEFAULTS, EXTRA);
  afterwards(() => target.sh(TAKE_AWAY, DROPIN, DEFAULTS));
  const before = await running(target);
  for (const word of ["--event-qps=7", "--max-pods=64", "--registry-qps=3", "--v=1"])
    if (!before.argv.includes(word)) throw new Error(`the kubelet runs without ${word}: ${before.argv.join(" ")}`);
  for (const state of ["A", "none"] as const) {
    const { status, stderr } = await target.run(state);
    if (status !== 0) throw new Error(`to ${state} it ends with ${status}:\n${stderr}`);
    const after = await running(target);
    const flags = after.argv.filter((word) => FLAG.test(word));
    const wanted = state === "none" ? before.argv.filter((word) => FLAG.test(word)) : [flagOf(target, state)];
    if (flags.join() !== wanted.join())
      throw new Error(`as ${state} it has ${flags.join()} instead of ${wanted.join()}`);
    if (bare(after) !== bare(before))
      throw new Error(`as ${state} it runs with\n${bare(after)}\ninstead of\n${bare(before)}`);
  }
  return { exempt: [DROPIN, DEFAULTS] };
}

const flagOf = (target: Target, state: "A" | "B"): string =>
  `--pod-infra-container-image=${target.images[state].reference}`;

export const kubelet: Fault[] = [
  {
    name: "kubelet with arguments of its owner's",
    runs: { long: 4, short: 1 },
    on: withFlag,
    from: "none",
    to: () => "A",
    inject: ownArguments,
  },
];
