# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # variables and functions are those of host.sh and the script
# For host.sh: images are those of a real containerd, whose programs are on PATH. Nothing runs on them: a sandbox is as simulated as
# its node. DIR/no-sandbox: none starts. DIR/kill: `before N` or `after N`, where the script kills itself, counting calls that change
# images or restart something.
unset -f ctr crictl
eval "$(sed -n 's/^cri() {/real_cri() {/p; /^containerd_ctr() {/,/^}/p' "$node_dir/script.sh" | sed 's/^containerd_ctr()/real_ctr()/')"
calls=0
counted() {
  calls=$(($(cat "$node_dir/calls" 2>/dev/null || echo 0) + 1))
  echo "$calls" >"$node_dir/calls"
  kill=$(cat "$node_dir/kill" 2>/dev/null || :)
  [ "$kill" != "before $calls" ] || kill -9 $$
  done=0
  "$@" || done=$?
  [ "$kill" != "after $calls" ] || kill -9 $$
  return "$done"
}
containerd_ctr() {
  case "$*" in
    *--help | 'images ls'* | 'content get'* | 'content fetch-object'* | 'containers ls'*) real_ctr "$@" ;;
    *)
      did "ctr $2 $3 ${4:-}"
      counted real_ctr "$@"
      ;;
  esac
}
cri() {
  case $1 in
    pull)
      did "pull $2"
      counted real_cri "$@"
      ;;
    pods | rmp) ;;
    runp)
      if [ -e "$node_dir/no-sandbox" ]; then
        echo 'no runc' >"$error_file"
        return 1
      fi
      echo sandbox
      ;;
    inspectp) tr -d '\n' <"$node_dir/running" ;;
    *) real_cri "$@" ;;
  esac
}
started() {
  if [ "$1" = kubelet ]; then
    flag_now
    return 0
  fi
  counted restarted
  line=$(sed -n 's/.*argv\[\]=\(.*\) ; }$/\1/p' "$node_dir/containerd.show")
  # shellcheck disable=SC2086 # words on purpose
  $line config dump | toml_list >"$node_dir/dump"
  our_values "$node_dir/dump"
  printf '%s\n' "$image_read" >"$node_dir/running"
}
restarted() {
  daemon=$(cat "$node_dir/daemon/pid")
  kill "$daemon"
  while kill -0 "$daemon" 2>/dev/null; do sleep 0.1; done
  "$node_dir/daemon/start"
}
