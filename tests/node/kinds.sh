# shellcheck shell=sh disable=SC2034,SC2154 # variables are the script's
# The script's own word on what kind of node this is: kinds.sh DIR [ACTIVE UNIT…]; DIR/os-release is the node's, DIR/UNIT
# what `systemctl show` prints of a unit that is loaded, DIR/root the files that the kubelet reads.
set -eu
dir=$1
shift
active=" $* "
script_id='test'
# shellcheck source=/dev/null # the parts, joined by the test
. "$dir/script.sh"
systemctl() {
  case "$1 $2" in
    '-q is-active')
      shift 2
      for unit; do
        case $active in *" $unit "*) return 0 ;; esac
      done
      return 3
      ;;
    'show '*)
      if [ -e "$dir/$2.show" ]; then cat "$dir/$2.show"; else echo LoadState=not-found; fi
      ;;
    'cat '*) cat "$dir/$2.cat" ;;
    *) exit 99 ;;
  esac
}
proc=$dir/proc
# Scripts stand for its programs.
[ -e "$dir/real-programs" ] || is_program() { :; }
os_release=$dir/os-release
fail=3
refuse_kinds
detect_kubelet
find_runtime
# What it listens on by its own word.
if [ -e "$dir/socket" ]; then
  socket=$(cat "$dir/socket") runtime_name=$runtime
  refuse_other_socket
fi
echo "$runtime"
