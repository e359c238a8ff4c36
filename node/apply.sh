# shellcheck shell=sh
# Apply: the order of things when the node gets our image.

leaving='' configured='' broken='' kept=''

# The verb `apply`. Sets $configured.
apply() {
  if leave_to_owner || nothing_to_do; then return 0; fi
  tell_owner
  look_around
  say "$runtime_name $runtime_version, kubelet ${kubelet_version:-none}: sandbox image $image"
  "${runtime}_trust"
  "${runtime}_plan"
  plan_kubelet
  plan_heal
  give_back
  tell_drift
  begin
  swap "$reach"
  preflight
  swap '*'
  "${runtime}_check" "$image"
  configured=1
  settle
  sort_ours "$image"
  write_state
  commit
  say "well: new sandboxes run on $image"
  report
}

# The boot unit has no owner: the node stays its owner's, and one that the owner has on another image is left alone. Prints
# the report then. Reads $home/state. Sets $owner, $kept.
leave_to_owner() {
  managing=$(state_of owner)
  if [ "$owner" ] || [ -z "$managing" ]; then return 1; fi
  if [ "$(state_of image)" = "$image" ]; then
    owner=$managing kept=1
    return 1
  fi
  say "left as it is: '$managing' manages this node, with image $(state_of image)"
  tell "$(state_of report)"
}

# Says whose node this was, where another resource takes it. That one would take it back at its next run. Reads $home/state.
tell_owner() {
  managing=$(state_of owner)
  if [ -z "$managing" ] || [ -z "$owner" ] || [ "$managing" = "$owner" ]; then return 0; fi
  say "taken over from '$managing': '$owner' manages this node now. Remove the node from the other stack"
}

# Says which of our files somebody has changed since the last run, and with a diff how they become as wanted. Reads $home/state,
# $plan/changed.
tell_drift() {
  state_of file | while read -r was path; do
    if ! listed "$path" "$plan/changed"; then continue; fi
    if [ ! -e "$path" ]; then
      say "$path was removed since the last run: it is written again"
      continue
    fi
    sum "$path"
    if [ "$sum" = "$was" ]; then continue; fi
    say "$path was changed since the last run: its settings are restored"
    differences "$path"
  done
}

# What is there, before anything is planned. Sets $handlers. Writes $plan/changed, $plan/wanted, $plan/seen, $plan/units.
look_around() {
  detect
  mkdir -p "$plan"
  : >"$plan/changed"
  : >"$plan/wanted"
  : >"$plan/seen"
  state_units >"$plan/units"
  "${runtime}_read"
  handlers=$("${namer}_handlers")
  if [ -z "$leaving" ]; then
    refuse_other_socket
    refuse_carried
    refuse_login
  fi
  remember
}

# The image before us, and what we committed last. Our own notes count where there are any: what is in effect by then is ours.
# Reads $home/state. Sets $previous, $image_ours.
remember() {
  if [ -e "$home/state" ]; then previous=$(state_of previous); else previous=$sandbox_before; fi
  image_ours=$(state_of image)
}

changed_in() { grep -qE "$1" "$plan/changed"; }

# Restarts what changed, and checks what came of it. Dies with PS-N017.
settle() {
  # A file already as wanted proves nothing about the running daemon, which may run on what it read before.
  if runtime_changed || ! proven 2>/dev/null; then "${runtime}_restart"; fi
  check_image
  check_sandbox
  [ "$seen" = "$image" ] || die 017 "a sandbox runs on $seen instead of $image"
  settle_kubelet
  if is_active kubelet; then check_flag; else check_start; fi
  settle_heal
}

# All that is to be checked, without an end to the run. Changes the runtime as the checks do.
proven() (check_image && runs_on "$image")

# want_for UNIT PATH [MODE]: as `want`, for a file that UNIT reads at its start. A file that nobody says this of is the
# runtime's. Writes $plan/units.
want_for() {
  real "$2"
  printf '%s\t%s\n' "$1" "$real" >>"$plan/units"
  shift
  want "$@"
}

# The units whose files this run changes, the runtime's first. Nothing is restarted for certs.d, which is read at each pull, nor for an
# image that k3s imports. A timer that was stopped starts again.
units_changed() {
  awk -F '\t' -v own="$unit" '
    FILENAME == ARGV[1] { unit[$2] = $1; next }
    $0 in unit { hit[unit[$0]]; next }
    !/\/(certs\.d|agent\/images)\// { hit[own] }
    END {
      if (own in hit) print own
      for (name in hit) if (name != own) print name
    }' "$plan/units" "$plan/changed"
  if heal_stopped; then lines "$heal.timer"; fi
}

# unit_changed UNIT: is it one of them? They are the same for all of a run. Writes $plan/units-changed.
unit_changed() {
  [ -e "$plan/units-changed" ] || units_changed >"$plan/units-changed"
  listed "$1" "$plan/units-changed"
}
runtime_changed() { unit_changed "$unit"; }

# Restarts the kubelet where a file of its own changed. One that starts later reads its files then. Reads and changes what
# systemd knows of its unit.
settle_kubelet() {
  if [ -e "$journal/restart-kubelet" ] || ! unit_changed kubelet; then return 0; fi
  if kubelet_waits; then
    say 'the kubelet is not restarted: it has not started yet, or this node has not joined a cluster'
    bounded 120 systemctl daemon-reload
    return 0
  fi
  restart_kubelet
}

# Restarts the kubelet, and waits until it is healthy. Sets $health_pattern. Dies with PS-N018.
restart_kubelet() {
  health_pattern=''
  restart kubelet || die 018 'the kubelet does not restart: see systemctl status kubelet'
  within 60 kubelet_healthy || die 018 'the kubelet is not healthy within 60 s of its restart: see journalctl -u kubelet'
}
