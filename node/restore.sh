# shellcheck shell=sh
# Restore: the order of things when the node is given back as it was.

# The verb `restore`. Reads $home/state. Sets $leaving, $image, $got, $pinned. Writes $journal/forget.
restore() {
  if [ ! -e "$home/state" ]; then
    say 'nothing of ours is on this node'
    disable_boot
    report
    return 0
  fi
  managing=$(state_of owner)
  if [ "$managing" ] && [ "$managing" != "$owner" ]; then
    say "left as it is: '$managing' manages this node now, not '$owner'"
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
  sort_ours
  : >"$journal/forget"
  [ "$broken" ] || "${runtime}_read"
  image=$sandbox_before got='' pinned=false
  commit
  report
}

settle_restored() {
  if [ -z "$broken" ] && runtime_changed; then "${runtime}_restart"; fi
  settle_kubelet
  settle_heal
}
