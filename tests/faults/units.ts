/** A runtime or a kubelet that does not come back. All drop-ins lie in /run: a restart of the machine forgets them. */
import type { Attempt, Fault, Injected } from "./fault";
import type { Target } from "./target";

const DROPIN = `
mkdir -p "/run/systemd/system/$1.service.d"
printf '[Service]\\n%s\\n' "$2" >"/run/systemd/system/$1.service.d/zz-fault.conf"
systemctl daemon-reload`;

const NO_DROPIN = `
rm -r "/run/systemd/system/$1.service.d/zz-fault.conf"
rmdir "/run/systemd/system/$1.service.d" 2>/dev/null || true
systemctl daemon-reload
systemctl reset-failed "$1" 2>/dev/null || true
systemctl is-active -q "$1" || systemctl start "$1"`;

type Unit = "containerd" | "kubelet";

/** Starts on the files of before only: whatever is asked for keeps the unit from starting. */
function startsOnOldOnly(unit: Unit, file: string) {
  return async ({ target, to }: Attempt): Promise<Injected> => {
    const { image } = target.settings(to);
    const refuse = `ExecStartPre=/bin/sh -c "! grep -rqF ${image} ${file}"`;
    return brokenUnit(target, to, unit, refuse);
  };
}

/** Does not start on anything until somebody repairs it. */
function neverStarts(unit: Unit) {
  return ({ target, to }: Attempt): Promise<Injected> => brokenUnit(target, to, unit, "ExecStartPre=/bin/false");
}

async function brokenUnit(target: Target, to: Attempt["to"], unit: Unit, line: string): Promise<Injected> {
  await target.sh(DROPIN, unit, line);
  const run = await target.run(to);
  return { run, repair: () => target.sh(NO_DROPIN, unit).then(() => undefined) };
}

/** In the place of the runtime: the same, but for a configuration that names the wanted image. */
const FUSSY = `
mkdir -p /run/fault
real=$(systemctl show containerd -p ExecStart | sed 's/.*path=\\([^ ;]*\\).*/\\1/')
cat >/run/fault/containerd <<END
#!/bin/sh
case "\\$*" in *dump*) if grep -rqF "$1" /etc/containerd; then echo 'containerd: invalid plugin config' >&2; exit 1; fi ;; esac
exec $real "\\$@"
END
chmod +x /run/fault/containerd
printf 'ExecStart=\\nExecStart=/run/fault/containerd'`;

async function refusesConfig({ target, to }: Attempt): Promise<Injected> {
  const { image } = target.settings(to);
  return brokenUnit(target, to, "containerd", await target.sh(FUSSY, image));
}

/** The unit is masked once the run has looked at it: before, the run would refuse and touch nothing. */
const MASK_AT_RESTART = `
mkdir -p /run/fault
cat >/run/fault/systemctl <<'END'
#!/bin/sh
if [ "$1 $2" = 'restart containerd' ] && [ ! -e /run/fault/unit ]; then
  at=$(/usr/bin/systemctl show -P FragmentPath containerd)
  case $at in /etc/*) mv "$at" /run/fault/unit ;; *) : >/run/fault/unit ;; esac
  ln -s /dev/null /etc/systemd/system/containerd.service
  /usr/bin/systemctl daemon-reload
fi
exec /usr/bin/systemctl "$@"
END
chmod +x /run/fault/systemctl`;

const UNMASK = `
rm /etc/systemd/system/containerd.service
if [ -s /run/fault/unit ]; then cp -p /run/fault/unit /etc/systemd/system/containerd.service; fi
rm -r /run/fault
systemctl daemon-reload`;

const FAULT_PATH = "PATH=/run/fault:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

async function masked({ target, to }: Attempt): Promise<Injected> {
  await target.sh(MASK_AT_RESTART);
  const run = await target.run(to, { wrap: ["env", FAULT_PATH] });
  return { run, repair: () => target.sh(UNMASK).then(() => undefined) };
}

const runs = { long: 4, short: 1 };

export const units: Fault[] = [
  { name: "runtime refuses the configuration", runs, says: /PS-N014/, inject: refusesConfig },
  {
    name: "runtime does not start on the new configuration",
    runs,
    says: /PS-N015/,
    inject: startsOnOldOnly("containerd", "/etc/containerd"),
  },
  { name: "runtime does not start at all", runs, says: /PS-N020/, lasting: true, inject: neverStarts("containerd") },
  { name: "runtime's unit is masked", runs, says: /PS-N020/, lasting: true, inject: masked },
  {
    name: "kubelet does not start on the new flags",
    runs,
    says: /PS-N018/,
    inject: startsOnOldOnly("kubelet", "/var/lib/kubelet/kubeadm-flags.env"),
  },
  { name: "kubelet does not start at all", runs, says: /PS-N020/, lasting: true, inject: neverStarts("kubelet") },
];
