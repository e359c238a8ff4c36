# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# Report: the one line on stdout.

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
