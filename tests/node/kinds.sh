# shellcheck shell=sh disable=SC2034,SC2154 # variables are the script's
# The script's own word on what kind of node this is: kinds.sh DIR [ACTIVE UNIT…]; DIR/os-release is the node's.
set -eu
dir=$1
shift
active=" $* "
script_id='test'
# shellcheck source=/dev/null # the parts, joined by the test
. "$dir/script.sh"
systemctl() {
  [ "$1 $2" = '-q is-active' ] || exit 99
  shift 2
  for unit; do
    case $active in *" $unit "*) return 0 ;; esac
  done
  return 3
}
os_release=$dir/os-release
fail=3
refuse_kinds
echo 'not refused'
