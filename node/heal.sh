# shellcheck shell=sh
# Heal: a carried image that is deleted comes back by itself. The archive stays on the node, and one unit imports it: before the kubelet
# starts, and every few minutes from a timer. All are files of ours like any other: planned, compared, undone and given back with them.
#
#   $heal_at/image.tar   the archive, as it came with the script
#   $heal_at/heal        what the unit runs: it looks for the image, checks the archive, and imports it
heal=pause-sandbox-heal
heal_at=/var/lib/pause-sandbox
units_at=/etc/systemd/system

# Plans these files, where the image is carried and may heal.
plan_heal() {
  if [ -z "$archive" ] || [ "$no_heal" ]; then return 0; fi
  "${runtime}_heal"
}

# want_heal THERE LINE…: plans the files. THERE is shell that succeeds where the image is there. The lines of shell import it from the
# archive, with an empty directory $unpacked for them, and fail with their last command. The drop-in takes the place of the links that
# `systemctl enable` makes: a link is no file to compare.
# Reads $plan/carried.tar. Writes $new.
want_heal() {
  cat "$plan/carried.tar" >"$new"
  want_for "$heal.timer" "$heal_at/image.tar"
  heal_program "$@" >"$new"
  want_for "$heal.timer" "$heal_at/heal"
  # systemd itself says of each start what nobody wants to read every few minutes.
  lines '[Unit]' 'Description=Import the sandbox image of this node where it is gone' \
    "After=$daemon.service pause-sandbox-boot.service" Before=kubelet.service '' \
    '[Service]' Type=oneshot "ExecStart=/bin/sh $heal_at/heal" TimeoutStartSec=120 SyslogLevel=notice LogLevelMax=notice >"$new"
  want_for "$heal.timer" "$units_at/pause-sandbox-heal.service"
  # With systemd's accuracy of a minute, five minutes at most.
  lines '[Unit]' 'Description=Look for the sandbox image of this node' '' '[Timer]' OnActiveSec=4min OnUnitInactiveSec=4min >"$new"
  want_for "$heal.timer" "$units_at/pause-sandbox-heal.timer"
  lines '[Unit]' "Wants=$heal.service $heal.timer" >"$new"
  want_for "$heal.timer" "$units_at/multi-user.target.d/zz-pause-sandbox.conf"
}

# shellcheck disable=SC2016 # the program's dollars
there_by_cri='crictl --timeout 60s --runtime-endpoint "unix://$socket" --image-endpoint "unix://$socket" inspecti "$image" >/dev/null 2>&1'

# heal_program THERE LINE…: what the unit runs. It needs nothing of this script, and restarts nothing.
heal_program() {
  there=$1
  shift
  # shellcheck disable=SC2016 # the program's dollars
  lines '# Imports the sandbox image of this node where it is gone. pause-sandbox wrote this: see its node/README.md.' \
    'set -eu' \
    'PATH=$PATH:/usr/local/sbin:/usr/local/bin:/opt/bin' \
    "set -- '$image' '$socket' $heal_at/image.tar $archive_sum" \
    'image=$1 socket=$2 archive=$3 sum=$4' \
    'set --' \
    '# Who holds this lock changes the node.' \
    "mkdir -p $locked" \
    "chmod 700 $locked" \
    "exec 9<$locked" \
    'flock -n 9 || exit 0' \
    "if $there; then exit 0; fi" \
    'if ! echo "$sum  $archive" | sha256sum -c >/dev/null 2>&1; then' \
    '  echo "$archive has another SHA-256 than $sum: nothing is imported, so run pulumi up" >&2' \
    '  exit 1' \
    'fi' \
    "unpacked=$locked/heal" \
    'rm -rf "$unpacked"' \
    'mkdir "$unpacked"' \
    "trap 'rm -rf \"\$unpacked\"' EXIT" \
    'if ! said=$({' \
    "$@" \
    '} 2>&1 >/dev/null); then' \
    '  echo "$image is not imported: $said" >&2' \
    '  exit 1' \
    'fi' \
    'echo "imported $image"'
}

# heals PATH: is it one of these files? They are ours alone, and go as they are where somebody edited them.
heals() {
  case $1 in
    "$heal_at"/* | "$units_at"/"$heal".* | "$units_at"/multi-user.target.d/* | */agent/images/pause-sandbox.tar) ;;
    *) return 1 ;;
  esac
}

# spared PATH: where it cannot be written and is one of these files, the node does without it. Sets $way_out, the end of a message.
spared() { if heals "$1"; then way_out=', or set selfHeal to false, which leaves this file out'; else way_out=; fi; }

# Is the timer to run, and does it not? Reads $plan/wanted, systemd.
heal_stopped() { listed "$units_at/$heal.timer" "$plan/wanted" && ! is_active "$heal.timer"; }

# Has systemd take the timer as its file is by now. Sets $touched. Dies with PS-N028.
settle_heal() {
  unit_changed "$heal.timer" || return 0
  [ ! -e "$units_at/$heal.timer" ] || touched="$touched $heal.timer"
  heal_timed || die 028 "$heal.timer does not start: see systemctl status $heal.timer, or set selfHeal to false"
}
