# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # variables are the script's, and it calls these functions
# The whole script on a simulated node: host.sh DIR apply|restore|plan <SETTINGS. Any command that such a node would not
# be asked ends it. What the test reads of it afterwards: DIR/root (its files), DIR/did (what was restarted and pulled).
#
# DIR/running: what a new sandbox runs on; DIR/running-UNIT: what that unit read at its last start.
# DIR/digest: by which it has the image, where that is not the wanted one. DIR/collected: it has none.
# DIR/reset: units whose start counter was reset. DIR/reloads: a line each time systemd read its files. DIR/units: units that are active. DIR/UNIT.show and DIR/UNIT.cat: what systemctl prints of them.
set -eu
node_dir=$1 verb=$2
script_id='test'
# shellcheck source=/dev/null # the parts, joined by the test
. "$node_dir/script.sh"
home=$node_dir/home plan=$home/plan journal=$home/journal commit=$home/commit backup=$home/backup new=$plan/new
os_release=$node_dir/os-release
own_unit=$node_dir/root/kubelet.service.d/zz-pause-sandbox.conf
cri_dockerd_unit=$node_dir/root/cri-docker.service.d/zz-pause-sandbox.conf
docker_certs=$node_dir/root/certs.d
asked=$verb script_file=$node_dir/script.sh
memory=${node_memory:-/dev/shm} unit_roots=$node_dir/root/systemd
boot_unit=$node_dir/root/systemd/pause-sandbox-boot.service
did() { echo "$*" >>"$node_dir/did"; }
unexpected() {
  echo "unexpected: $*" >&2
  exit 99
}
lock() { :; }
look_lock() { :; }

systemctl() {
  case "$1 ${2:-}" in
    '-q is-active')
      shift 2
      for asked; do ! grep -qxF "$asked" "$node_dir/units" || return 0; done
      return 3
      ;;
    'show cri-docker.socket') echo "Listen=$node_dir/cri.sock (Stream)" ;;
    'show '*)
      # Several units, then the properties.
      shift
      while [ $# -gt 0 ] && [ "$1" != -p ]; do
        if [ -e "$node_dir/$1.show" ]; then cat "$node_dir/$1.show"; else echo LoadState=not-found; fi
        shift
      done
      ;;
    'cat '*)
      cat "$node_dir/$2.cat"
      for file in "$node_dir/root/$2.service.d"/*.conf; do [ ! -e "$file" ] || printf '# %s\n%s\n' "$file" "$(cat "$file")"; done
      ;;
    'daemon-reload ') echo daemon-reload >>"$node_dir/reloads" ;;
    'disable '*) did "$@" ;;
    'stop pause-sandbox-retry.service') ;;
    'reset-failed '*) echo "$2" >>"$node_dir/reset" ;;
    'restart '* | 'reload '*)
      did "$*"
      started "$2"
      ;;
    *) unexpected systemctl "$@" ;;
  esac
}

# What the unit makes of its files at a start, as far as a sandbox runs on it.
started() {
  case $1 in
    k3s* | rke2*)
      mkdir -p "$node_dir/data/agent/etc/containerd"
      found=$(cat "$node_dir"/root/config.yaml "$node_dir"/root/config.yaml.d/*.yaml 2>/dev/null | sed -n 's/^pause-image: *//p' | tr -d '"' | tail -n 1)
      printf 'version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = "%s"\n' \
        "${found:-rancher/mirrored-pause:3.6}" >"$node_dir/data/agent/etc/containerd/config.toml"
      printf %s "${found:-rancher/mirrored-pause:3.6}" >"$node_dir/running"
      ;;
    cri-docker) exec_start_now cri-docker ;;
    containerd)
      # As its unit starts it: an undone run restarts it before it has looked around.
      line=$(sed -n 's/.*argv\[\]=\(.*\) ; }$/\1/p' "$node_dir/containerd.show")
      # shellcheck disable=SC2086 # words on purpose
      $line config dump | toml_list >"$node_dir/dump"
      our_values "$node_dir/dump"
      printf '%s\n' "$image_read" >"$node_dir/running"
      ;;
    kubelet) flag_now ;;
  esac
  # What each of them has come up with, whichever was the last.
  cp "$node_dir/running" "$node_dir/running-$1"
}
exec_start_now() {
  systemctl cat "$1" | sed -n 's/^ExecStart=\(..*\)/\1/p' | tail -n 1 | tr ' ' '\n' >"$node_dir/$1.argv"
  option_in "$(cat "$node_dir/$1.argv")" '' "${flag#--}" >"$node_dir/running"
}
flag_now() {
  flag_value <"$node_dir/root/kubelet/kubeadm-flags.env" >"$node_dir/running"
  {
    cat "$node_dir/kubelet.words" 2>/dev/null || echo kubelet
    printf '%s\n%s\n' "$flag" "$(cat "$node_dir/running")"
  } >"$node_dir/kubelet.argv"
}
# The command line of a unit that runs: DIR/UNIT.argv, one word per line.
argv_of() { cat "$node_dir/$1.argv" 2>/dev/null || :; }
kubelet_healthy() { :; }
# Nothing listens on such a node.
refuse_deaf() { :; }
uname() { if [ "$1" = -m ]; then echo x86_64; else echo Linux; fi; }

crictl() { unexpected crictl "$@"; }
cri() {
  case $1 in
    version) ;;
    pull)
      if [ -e "$node_dir/pull-error" ]; then
        cat "$node_dir/pull-error" >"$home/error"
        return 1
      fi
      did "pull $2"
      ;;
    pods | rmp) ;;
    runp) echo sandbox ;;
    inspectp) tr -d '\n' <"$node_dir/running" ;;
    inspecti)
      [ ! -e "$node_dir/collected" ] || return 1
      case $* in
        *architecture*) echo amd64 ;;
        *status.id*) echo "id of $5" ;;
        *pinned*) echo "true ${image%:*}@$(cat "$node_dir/digest" 2>/dev/null || printf %s "$digest")" ;;
        *) unexpected cri "$@" ;;
      esac
      ;;
    *) unexpected cri "$@" ;;
  esac
}
containerd_ctr() {
  case "$1 ${2:-}" in
    'images pull')
      did "ctr pull $5 by $(sed -n 's/^\[host\.\("[^"]*"\)\]$/\1/p' "$4/$registry/hosts.toml" | tr '\n' ' ')"
      ;;
    'images ls') printf 'REF\n%s type %s\n' "$image" "$digest" ;;
    *) unexpected ctr "$@" ;;
  esac
}
docker() {
  case "$1 ${2:-}" in
    'inspect -f') tr -d '\n' <"$node_dir/running" ;;
    'version -f') echo 20.10.24 ;;
    *) unexpected docker "$@" ;;
  esac
}

umask 077
trap finish_look EXIT
settings_read
fail=3
case $verb in
  plan) ;;
  *)
    trap finish EXIT
    recover
    ;;
esac
"$verb"
