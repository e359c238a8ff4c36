# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# Apply: the order of things when the node gets our image.

leaving='' configured='' broken=''

apply() {
  ! nothing_to_do || return 0
  look_around
  say "$runtime_name $runtime_version, kubelet ${kubelet_version:-none}: sandbox image $image"
  "${runtime}_trust"
  "${runtime}_plan"
  plan_kubelet
  give_back
  begin
  swap "$reach"
  preflight
  swap '*'
  "${runtime}_check" "$image"
  configured=1
  settle
  write_state
  commit
  report
}

look_around() {
  detect
  mkdir -p "$plan"
  : >"$plan/changed"
  : >"$plan/wanted"
  "${runtime}_read"
  remember
}

# What was there before us, from our own notes when there are any.
remember() {
  previous=$(state_of previous)
  previous=${previous:-$sandbox_before}
  image_ours=$(state_of image)
}

changed_in() { grep -qE "$1" "$plan/changed"; }

# Restarts what changed, and checks what came of it.
settle() {
  ! runtime_changed || "${runtime}_restart"
  check_image
  check_sandbox
  # A file already as wanted proves nothing about the running daemon.
  if [ "$seen" != "$image" ] && ! runtime_changed; then
    "${runtime}_restart"
    check_image
    check_sandbox
  fi
  [ "$seen" = "$image" ] || die 017 "a sandbox runs on $seen instead of $image"
  settle_kubelet
  if systemctl -q is-active kubelet; then check_flag; fi
}

# certs.d is read at every pull; all else that is no file of the kubelet's is the runtime's configuration. The dockershim
# is a part of the kubelet.
runtime_changed() {
  if [ "$runtime" = dockershim ]; then changed_in kubelet; else grep -vE '/certs\.d/|kubelet' "$plan/changed" >/dev/null; fi
}

settle_kubelet() {
  changed_in kubelet && [ ! -e "$journal/restart-kubelet" ] || return 0
  restart kubelet || die 018 'the kubelet does not restart: see systemctl status kubelet'
  within 60 kubelet_healthy || die 018 'the kubelet is not healthy within 60 s of its restart: see journalctl -u kubelet'
}
