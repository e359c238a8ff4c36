/** A runtime or a kubelet that does not come back. All drop-ins lie in /run: a restart of the machine forgets them. */
import { type Attempt, type Fault, type Injected, withFlag } from "./fault";
import { FAULT_PATH } from "./killed";

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
  return (attempt: Attempt): Promise<Injected> => {
    const { image } = attempt.target.settings(attempt.to);
    return brokenUnit(attempt, unit, `ExecStartPre=/bin/sh -c "! grep -rqF ${image} ${file}"`);
  };
}

/** Does not start on anything until somebody repairs it. */
function neverStarts(unit: Unit) {
  return (attempt: Attempt): Promise<Injected> => brokenUnit(attempt, unit, "ExecStartPre=/bin/false");
}

async function brokenUnit(attempt: Attempt, unit: Unit, line: string): Promise<Injected> {
  const { target, to, afterwards } = attempt;
  await target.sh(DROPIN, unit, line);
  afterwards(() => target.sh(NO_DROPIN, unit));
  return { run: await target.run(to) };
}

/**
 * The unit is masked once the run has looked at it: before, the run would refuse and touch nothing. By this directory,
 * because it counts more than a unit file in /etc.
 */
const MASK_AT_RESTART = `
mkdir -p /tmp/fault /run/systemd/system.control
cat >/tmp/fault/systemctl <<'END'
#!/bin/sh
if [ "$1 $2" = 'restart containerd' ]; then
  ln -sf /dev/null /run/systemd/system.control/containerd.service
  /usr/bin/systemctl daemon-reload
fi
exec /usr/bin/systemctl "$@"
END
chmod +x /tmp/fault/systemctl`;

const UNMASK = `
rm -rf /run/systemd/system.control/containerd.service /tmp/fault
systemctl daemon-reload
systemctl is-active -q containerd || systemctl start containerd`;

async function masked({ target, to, afterwards }: Attempt): Promise<Injected> {
  await target.sh(MASK_AT_RESTART);
  afterwards(() => target.sh(UNMASK));
  return { run: await target.run(to, { wrap: ["env", FAULT_PATH] }) };
}

const SIGNAL_RUNTIME = 'kill "-$1" "$(systemctl show containerd -p MainPID --value)"';

/** It takes connections and never answers, as one that waits for a disk does. */
async function hungRuntime({ target, to, afterwards }: Attempt): Promise<Injected> {
  await target.sh(SIGNAL_RUNTIME, "STOP");
  afterwards(() => target.sh(SIGNAL_RUNTIME, "CONT"));
  return { run: await target.run(to) };
}

/** The same, from the instant on at which the run has restarted it: even the way back has to wait for its end. */
const HANG_AFTER_RESTART = `
mkdir -p /tmp/fault
cat >/tmp/fault/systemctl <<'END'
#!/bin/sh
/usr/bin/systemctl "$@" || exit
if [ "$1 $2" = 'restart containerd' ] && mkdir /tmp/fault/hung 2>/dev/null; then
  kill -STOP "$(/usr/bin/systemctl show containerd -p MainPID --value)"
fi
END
chmod +x /tmp/fault/systemctl`;

async function hangsAfterRestart({ target, to, afterwards }: Attempt): Promise<Injected> {
  await target.sh(HANG_AFTER_RESTART);
  afterwards(() => target.sh("rm -r /tmp/fault"));
  return { run: await target.run(to, { wrap: ["env", FAULT_PATH] }) };
}

const runs = { long: 4, short: 1 };

export const units: Fault[] = [
  {
    name: "runtime does not start on the new configuration",
    runs,
    says: /PS-N015/,
    inject: startsOnOldOnly("containerd", "/etc/containerd"),
  },
  { name: "runtime does not start at all", runs, says: /PS-N020/, lasting: true, inject: neverStarts("containerd") },
  { name: "runtime's unit is masked", runs, says: /PS-N020/, lasting: true, inject: masked },
  { name: "runtime that hangs", runs, says: /PS-N010/, inject: hungRuntime },
  // As long as systemd waits for a service to end.
  {
    name: "runtime that hangs after its restart",
    runs: { long: 2, short: 0 },
    says: /PS-N015/,
    inject: hangsAfterRestart,
  },
  {
    name: "kubelet does not start on the new flags",
    runs,
    on: withFlag,
    says: /PS-N018/,
    inject: startsOnOldOnly("kubelet", "/var/lib/kubelet/kubeadm-flags.env"),
  },
  {
    name: "kubelet does not start at all",
    runs,
    on: withFlag,
    says: /PS-N020/,
    lasting: true,
    inject: neverStarts("kubelet"),
  },
];
