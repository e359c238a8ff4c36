# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # variables are the script's, and it calls these functions
# The whole script on a simulated node: host.sh DIR apply|restore|plan <SETTINGS. Any command that such a node would not
# be asked ends it. What the test reads of it afterwards: DIR/root (its files), DIR/did (what was restarted and pulled).
#
# DIR/running: what a new sandbox runs on; DIR/running-UNIT: what that unit read at its last start.
# DIR/images: what the runtime has under its names, as `name<TAB>digest<TAB>type<TAB>pinned or nothing` lines.
# DIR/registry: what a tag leads to, as `image digest` lines; else the digest that is asked for. DIR/missing: digests that are in no
# registry. DIR/arm64: digests of another architecture.
# DIR/familiar: the runtime leaves docker.io out of the names that it tells, as docker does.
# DIR/reset: units whose start counter was reset. DIR/reloads: a line each time systemd read its files. DIR/units: units that are active. DIR/UNIT.show and DIR/UNIT.cat: what systemctl prints of them.
set -eu
node_dir=$1 verb=$2
script_id='test'
# shellcheck source=/dev/null # the parts, joined by the test
. "$node_dir/script.sh"
# shellcheck source=/dev/null # the same
case $verb in apply | restore) ;; *) . "$node_dir/plan.sh" ;; esac
home=$node_dir/home plan=$home/plan journal=$home/journal commit=$home/commit backup=$home/backup new=$plan/new
# Functions stand for some of its programs.
bounded() {
  shift
  "$@"
}
# Scripts stand for others.
is_program() { :; }
os_release=$node_dir/os-release proc=$node_dir/proc
own_unit=$node_dir/root/kubelet.service.d/zz-pause-sandbox.conf
cri_dockerd_unit=$node_dir/root/cri-docker.service.d/zz-pause-sandbox.conf
docker_certs=$node_dir/root/certs.d
asked=$verb script_file=$node_dir/script.sh
memory=${node_memory:-/dev/shm} unit_roots=$node_dir/root/systemd
locked=$node_dir/lock error_file=$node_dir/error heal_at=$node_dir/root/pause-sandbox units_at=$node_dir/root/systemd
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
    'restart pause-sandbox-heal.timer' | 'stop pause-sandbox-heal.timer')
      did "$*"
      grep -vxF "$2" "$node_dir/units" >"$node_dir/units.new" || :
      [ "$1" = stop ] || echo "$2" >>"$node_dir/units.new"
      mv "$node_dir/units.new" "$node_dir/units"
      ;;
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
read_kubelet() {
  argv_of kubelet >"$plan/lines"
  : >"$plan/lines-environ"
}
# Nothing listens on such a node.
refuse_deaf() { :; }
uname() { if [ "$1" = -m ]; then echo x86_64; else echo Linux; fi; }

crictl() {
  [ "$*" = 'pull --help' ] || unexpected crictl "$@"
  # shellcheck disable=SC2016 # as it says so
  echo '[$CRICTL_AUTH] [$CRICTL_CREDS]'
}
ctr() { unexpected ctr "$@"; }
cri() {
  : >"$error_file"
  case $1 in
    version) ;;
    pull)
      pulled_by cri "$2" || return 1
      did "pull $2$([ "$limiter" = bounded ] || echo ' with the login')"
      ;;
    # Other namespaces may have Pods of the same name.
    pods) [ "$*" = 'pods -q --namespace ^kube-system$ --name ^pause-sandbox-check$' ] || unexpected cri "$@" ;;
    rmp) ;;
    runp) echo sandbox ;;
    inspectp) tr -d '\n' <"$node_dir/running" ;;
    inspecti)
      known=$(digest_of "$6")
      if [ -z "$known" ]; then
        echo "no such image \"$6\" present" >"$error_file"
        return 1
      fi
      case $* in
        # The dockershim tells an image's labels in its place.
        *architecture*) if [ "$runtime" = dockershim ]; then echo '<no value>'; elif grep -qxF "$known" "$node_dir/arm64" 2>/dev/null; then echo arm64; else echo amd64; fi ;;
        *pinned*)
          awk -F '\t' -v d="$known" -v id="$(id_of "$known")" -v familiar="$([ ! -e "$node_dir/familiar" ] || echo 1)" '
            $2 == d && familiar { sub(/^docker\.io\/(library\/)?/, "", $1) }
            $2 == d { if ($4) pinned = 1; if ($1 ~ /@/) names = names " " $1 }
            END { print (pinned ? "true" : "false") " " id names }' "$node_dir/images"
          ;;
        *status.id*) id_of "$known" ;;
        *) unexpected cri "$@" ;;
      esac
      ;;
    *) unexpected cri "$@" ;;
  esac
}
id_of() { echo "sha256:0${1#sha256:?}"; }
digest_of() { awk -F '\t' -v name="$1" '$1 == name { print $2 }' "$node_dir/images"; }
# named NAME DIGEST [LABEL]: the label that the name has stays.
named() {
  awk -F '\t' -v OFS='\t' -v name="$1" -v digest="$2" -v pin="${3:-}" '
    $1 == name { if (pin == "") pin = $4; next }
    { print }
    END { print name, digest, "index", pin }' "$node_dir/images" | sort >"$node_dir/images.new"
  mv "$node_dir/images.new" "$node_dir/images"
}
unnamed() { awk -F '\t' -v name="$1" '$1 != name' "$node_dir/images" >"$node_dir/images.new" && mv "$node_dir/images.new" "$node_dir/images"; }
# in_registry NAME: sets $bytes to what the registry has under it.
in_registry() {
  if [ -e "$node_dir/pull-error" ]; then
    cat "$node_dir/pull-error" >"$error_file"
    return 1
  fi
  case $1 in
    *@*) bytes=${1#*@} ;;
    *) bytes=$(awk -v image="$1" '$1 == image { print $2 }' "$node_dir/registry" 2>/dev/null || :) ;;
  esac
  bytes=${bytes:-${digest:-sha256:$(printf '%064d' 0)}}
  if grep -qxF "$bytes" "$node_dir/missing" 2>/dev/null; then
    echo "failed to resolve reference \"$1\": $1: not found" >"$error_file"
    return 1
  fi
}
# pulled_by ctr|cri NAME: the name, and what CRI makes beside it; of what ctr pulls, what it calls an image by itself.
pulled_by() {
  in_registry "$2" || return 1
  named "$2" "$bytes"
  [ "$runtime" = cri_dockerd ] || [ "$runtime" = dockershim ] || named "$(id_of "$bytes")" "$bytes"
  case $1 in cri) named "${image%:*}@$bytes" "$bytes" ;; esac
  # Only CRI-O and cri-dockerd pin by name.
  case $runtime in crio | cri_dockerd) awk -F '\t' -v OFS='\t' '{ $4 = "pinned"; print }' "$node_dir/images" >"$node_dir/images.new" && mv "$node_dir/images.new" "$node_dir/images" ;; esac
}
containerd_ctr() {
  case "$1 ${2:-} ${3:-}" in
    'images pull '*)
      pulled_by ctr "$5" || return 1
      did "ctr pull $5 by $(sed -n 's/^\[host\.\("[^"]*"\)\]$/\1/p' "$4/$registry/hosts.toml" | tr '\n' ' ')"
      ;;
    'images ls ') awk -F '\t' -v OFS='  ' '
        BEGIN { print "REF TYPE DIGEST SIZE PLATFORMS LABELS" }
        { print $1, $3, $2, "1.0 B", "linux/amd64", "io.cri-containerd.image=managed" ($4 ? ",io.cri-containerd.pinned=pinned" : "") }' "$node_dir/images" ;;
    'images tag --help' | 'images import --help') echo '   --local  Run it locally' ;;
    'images tag --local')
      [ -z "$(digest_of "$5")" ] || unexpected ctr "$@"
      did "ctr tag $4 $5"
      named "$5" "$(digest_of "$4")"
      ;;
    'images import --local')
      for tar; do :; done
      index=$(tar -xOf "$tar" index.json)
      name=$(printf %s "$index" | sed 's/.*"io.containerd.image.name":"\([^"]*\)".*/\1/') bytes=$(printf %s "$index" | sed 's/.*"digest":"\([^"]*\)".*/\1/')
      did "ctr point $name $bytes"
      named "$name" "$bytes"
      ;;
    'images label '*)
      case $4 in
        io.cri-containerd.pinned=pinned) named "$3" "$(digest_of "$3")" pinned ;;
        io.cri-containerd.pinned=)
          known=$(digest_of "$3")
          unnamed "$3"
          named "$3" "$known"
          ;;
        *) unexpected ctr "$@" ;;
      esac
      ;;
    'images rm '*) unnamed "$3" ;;
    'containers ls ')
      echo 'CONTAINER IMAGE RUNTIME'
      printf 'sandbox %s io.containerd.runc.v2\n' "$(cat "$node_dir/container" 2>/dev/null || :)"
      ;;
    'content get '*) echo '{}' ;;
    'content fetch-object '*)
      for name; do :; done
      in_registry "$name"
      ;;
    *) unexpected ctr "$@" ;;
  esac
}
docker() {
  case "$1 ${2:-}" in
    'inspect -f') tr -d '\n' <"$node_dir/running" ;;
    'version -f') echo 20.10.24 ;;
    'images --no-trunc') awk -F '\t' -v OFS='\t' '
        $1 ~ /@/ { repository = $1; sub(/@.*/, "", repository); print repository, "<none>", $2, "sha256:0" substr($2, 9); next }
        { tag = $1; sub(/.*:/, "", tag); repository = $1; sub(/:[^:]*$/, "", repository); print repository, tag, "<none>", "sha256:0" substr($2, 9) }' "$node_dir/images" ;;
    'tag '*)
      did "docker $*"
      case $2 in
        *@*) known=$(digest_of "$2") ;;
        *) known=$(awk -F '\t' -v id="$2" '"sha256:0" substr($2, 9) == id { print $2; exit }' "$node_dir/images") ;;
      esac
      [ "$known" ] || unexpected docker "$@"
      named "$3" "$known" "$([ "$runtime" = dockershim ] || echo pinned)"
      ;;
    'image inspect') if grep -qxF "$(digest_of "$5")" "$node_dir/arm64" 2>/dev/null; then echo arm64; else echo amd64; fi ;;
    'rmi '*) unnamed "$2" ;;
    *) unexpected docker "$@" ;;
  esac
}
[ -e "$node_dir/images" ] || : >"$node_dir/images"
# shellcheck source=/dev/null # what else a test has of its own
if [ -e "$node_dir/more.sh" ]; then . "$node_dir/more.sh"; fi

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
