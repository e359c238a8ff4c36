# shellcheck shell=sh disable=SC2034,SC2154 # variables are the script's
# The script's own functions around a configuration that lies in a directory of the test: no service, no registry.
#
# plan.sh DIR CONTAINERD VERSION IMAGE CERTS apply|restore [KILL TORN]
#
# With KILL the script kills itself, as `kill -9` would, before its KILL-th change to the disk; when that is the removal
# of a directory, its entry TORN is gone already: such a removal has no order to rely on. DIR/changes then has a line for each
# change up to there: how many are left until the kill, the command and its first argument. A subshell counts for itself.
set -eu
LC_ALL=C
export LC_ALL
here=$5
set -f
script_id='test'
# shellcheck source=/dev/null # the parts, joined by the test
. "$1/script.sh"
set +f
home=$1/home plan=$1/home/plan journal=$1/home/journal commit=$1/home/commit backup=$1/home/backup new=$1/home/plan/new error_file=$1/error
config=$1/etc/config.toml target=$config containerd=$2 runtime_version=$3 image=$4 registry=${4%%/*}
runtime=containerd runtime_name=containerd unit=containerd namer=ctr watched=$config
kubelet_version='' id='test' socket='' got='' pinned=true ca=''
[ -z "$here" ] || ca=anything
# Nothing listens here.
refuse_deaf() { :; }
ctr() { :; }
if [ "${7:-}" ]; then
  left=$7 torn=$8
  : >"$1/changes"
  changes=$1/changes
  op() {
    # What is planned is thrown away by the next run: a kill there is one like any other.
    for last; do :; done
    case $last in "$plan"/*) command "$@" && return 0 || return 1 ;; esac
    left=$((left - 1))
    echo "$left $1 $2" >>"$changes"
    if [ "$left" -le 0 ]; then
      [ "$1 $2" != 'rm -rf' ] || command rm -rf "${3:?}/$torn"
      kill -9 $$
    fi
    command "$@"
  }
  cp() { op cp "$@"; }
  mv() { op mv "$@"; }
  rm() { op rm "$@"; }
  ln() { op ln "$@"; }
  rmdir() { op rmdir "$@"; }
fi
# There is no service here.
systemctl() { echo LoadState=not-found; }
trap finish EXIT
recover
mkdir -p "$plan"
: >"$plan/changed"
: >"$plan/wanted"
: >"$plan/seen"
: >"$plan/units"
fail=3
[ "$6" = apply ] || leaving=1
containerd_read
remember
case $6 in
  apply)
    containerd_plan
    give_back
    begin
    swap '*'
    containerd_check "$image"
    sort_ours "$image"
    write_state
    ;;
  restore)
    give_back
    begin
    swap '*'
    containerd_check ''
    if [ -z "$broken" ] && runtime_changed; then echo 'restarting containerd' >&2; fi
    : >"$journal/forget"
    ;;
esac
commit
printf '%s\n' "$changed_paths"
