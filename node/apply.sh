# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# Main: the order of things. `apply` makes the node use our image, `restore` gives it back as it was.

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

restore() {
  if [ ! -e "$home/state" ]; then
    say 'nothing of ours is on this node'
    report
    return 0
  fi
  managing=$(state_of owner)
  if [ "$managing" ] && [ "$managing" != "$owner" ]; then
    say "left as it is: '$managing' manages this node by now, and not '$owner'"
    report
    return 0
  fi
  leaving=1
  look_around
  give_back
  begin
  swap '*'
  "${runtime}_check" ''
  settle_restored
  : >"$journal/forget"
  [ "$broken" ] || "${runtime}_read"
  image=$sandbox_before got='' pinned=false
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

# state_of KEY: what was committed.
state_of() { [ ! -e "$home/state" ] || sed -n "s/^$1 //p" "$home/state"; }

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

settle_restored() {
  if [ -z "$broken" ] && runtime_changed; then "${runtime}_restart"; fi
  settle_kubelet
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

# The state that the next run compares with: a stat of everything that decides, the sums of what we wrote.
write_state() {
  {
    printf 'id %s\nowner %s\nprevious %s\nsocket %s\nimage %s\n' "$id" "$owner" "$previous" "$socket" "$image"
    sort -u "$plan/wanted" | while read -r path; do
      [ ! -e "$path" ] || printf 'file %s %s\n' "$(sum "$path")" "$path"
    done
    printf 'report %s\n' "$(report_line '' '' unchanged)"
  } >"$journal/state"
  {
    printf '%s\n' "$watched" ${kubelet:+"$kubelet"} /etc/systemd/system/kubelet.service.d | sed '/^$/d'
    sort -u "$plan/wanted"
    sort -u "$plan/wanted" | sed 's,/[^/]*$,,'
    [ ! -e "$plan/imports" ] || sed 's,/[^/]*$,,' "$plan/imports"
    [ ! -e "$plan/flags" ] || cat "$plan/flags"
  } | sort -u >"$journal/watch"
  look <"$journal/watch" >"$journal/stat"
}

# Inode, size and times, of what a link leads to: whoever touches a file changes its ctime, which nobody can set back.
look() {
  set --
  while IFS= read -r path; do set -- "$@" "$path"; done
  stat -Lc '%n %i %s %y %z %a %u %g' "$@" 2>/dev/null || :
}

# The cheap way out, which never lies: same request, no file that decides touched since, image still there and pinned.
nothing_to_do() {
  [ -e "$home/state" ] || return 1
  while IFS= read -r line; do
    case $line in
      'id '*) [ "${line#id }" = "$id" ] || return 1 ;;
      'socket '*) socket=${line#socket } ;;
      'report '*) line=${line#report } && break ;;
    esac
  done <"$home/state"
  [ "$(look <"$home/watch")" = "$(cat "$home/stat")" ] || return 1
  inspect_image || return 1
  case $line in
    *"\"digest\":\"$got\""*"\"pinned\":$pinned"*) ;;
    *) return 1 ;;
  esac
  say 'nothing to do'
  printf '%s\n' "$line"
}

# The one line on stdout.
report() {
  changed='' sep=''
  for path in ${changed_paths:-}; do
    changed=$changed$sep\"$path\" sep=,
  done
  restarted='' sep=''
  for unit in $touched; do
    restarted=$restarted$sep\"$unit\" sep=,
  done
  status=unchanged
  [ -z "$changed$restarted" ] || status=changed
  report_line "$changed" "$restarted" $status
}

report_line() {
  printf '{"changed":[%s],"digest":"%s","image":"%s","kubelet":"%s","node":"%s","pinned":%s,"previousImage":"%s","restarted":[%s],"runtime":"%s","runtimeVersion":"%s","status":"%s"}\n' \
    "$1" "${got:-}" "$image" "${kubelet_version:-}" "$node" "${pinned:-false}" "${previous:-}" "$2" "${runtime_name:-}" "${runtime_version:-}" "$3"
}
