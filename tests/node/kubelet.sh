# shellcheck shell=sh disable=SC2034,SC2154 # variables are the script's
# The script's own choice of where the kubelet's flag goes, around files of the test: prints what it would write.
#
# kubelet.sh DIR VERSION NO_FLAG ; DIR/show is what `systemctl show kubelet` prints, DIR/cat what `systemctl cat kubelet` does.
set -eu
dir=$1 version=$2 off=$3
script_id='test'
# shellcheck source=/dev/null # the parts, joined by the test
. "$dir/script.sh"
systemctl() {
  case $* in
    'cat kubelet') cat "$dir/cat" ;;
    'show kubelet -p DropInPaths' | 'show kubelet -p Environment -p EnvironmentFiles') cat "$dir/show" ;;
    *) exit 99 ;;
  esac
}
home=$dir/home plan=$dir/home/plan backup=$dir/home/backup new=$dir/home/plan/new
image=registry.example.org/pause:1 no_flag=$off fail=3
kubelet_version=$version kubelet_minor=${version#*.} kubelet_show=$(cat "$dir/show")
kubelet_minor=${kubelet_minor%%.*}
mkdir -p "$plan"
: >"$plan/changed"
: >"$plan/seen"
plan_kubelet
while IFS= read -r path; do
  printf '%s\n' "== ${path#"$dir"}"
  cat "$plan/root$path"
done <"$plan/changed"
