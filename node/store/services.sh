# shellcheck shell=sh
# Services: restarts and reloads that an undone run repeats.

# restart UNIT [reload]: marks a unit before it is restarted: an undone run does it again, on the files of before. Restarts
# UNIT. Sets $touched. Writes $journal/restart-UNIT or reload-UNIT.
restart() {
  verb=${2:-restart}
  : >"$journal/$verb-$1" || return 1
  touched="$touched $1"
  say "${verb}ing $1"
  manage "$verb" "$1"
}

# manage restart|reload UNIT: has systemd read its files again first. Restarts or reloads UNIT, in $starting seconds at most. The
# lock is not passed on.
manage() {
  # A start of the kubelet waits for our boot unit, which may be who runs this, or wait for the lock that this run holds.
  past=''
  if [ "$2" = kubelet ] && [ -e "$boot_unit" ]; then past=--job-mode=ignore-dependencies; fi
  bounded 120 systemctl daemon-reload && reset_starts "$2" && bounded "$starting" systemctl "$1" "$2" ${past:+"$past"}
} 8>&- 9>&-

# How long a restart or reload may take, in seconds. Units of k3s and RKE2 have no limit of their own.
starting=600

# Where a machine has our boot unit; docs/joining.md. It starts before each start of the kubelet.
boot_unit=/etc/systemd/system/pause-sandbox-boot.service

# A node that is given back stays so at the kubelet's next start. The unit's files stay: they came with the machine. Changes
# systemd's links to the units. Writes nothing else.
disable_boot() {
  [ -e "$boot_unit" ] || return 0
  bounded 120 systemctl stop pause-sandbox-retry.service || :
  systemctl disable pause-sandbox-boot.service pause-sandbox-retry.service 8>&- 9>&- ||
    say 'pause-sandbox-boot.service cannot be disabled: it would change this node again at the next boot'
}

# Starts the timer of a carried image where its file is there, and stops it where that is gone: systemd has it for failed then, once it
# has read its files again. Restarts or stops the timer. Reads systemd.
heal_timed() {
  bounded 120 systemctl daemon-reload || return
  if [ -e "$units_at/$heal.timer" ]; then
    bounded 60 systemctl restart "$heal.timer"
    return
  fi
  bounded 60 systemctl stop "$heal.timer" 2>/dev/null || :
  systemctl reset-failed "$heal.*" 2>/dev/null || :
  if is_active "$heal.timer"; then return 1; fi
} 8>&- 9>&-

# reset_starts UNIT: systemd counts starts, and after five in ten seconds refuses the next: not ours, which may be the one
# that brings a node back. What starts with the unit, such as its socket, has a counter of its own. Reads systemd. Changes
# these counters.
reset_starts() {
  with=$(systemctl show "$1" -p Requires -p BindsTo -p TriggeredBy)
  units=''
  for relation in Requires BindsTo TriggeredBy; do
    property "$relation" "$with"
    units="$units $property"
  done
  for starts in "$1" $units; do
    case $starts in "$1" | *.socket | *.service) systemctl reset-failed "$starts" 2>/dev/null || : ;; esac
  done
}
