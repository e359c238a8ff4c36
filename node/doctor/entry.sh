# shellcheck shell=sh
# Doctor: the last part of the program that `pause-sandbox doctor` sends. It looks, and prints a line of JSON per fact.

# $1: `try` to start a sandbox behind the look. Default: the node is only looked at.
LC_ALL=C
export LC_ALL
umask 077
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/opt/bin:/var/lib/rancher/rke2/bin
trap finish_look EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
fail=3
# No run gives this node back: what the runtime cannot read is a finding.
leaving=''
node=$(uname -n)
need_tools
[ "$(id -u)" = 0 ] || die 001 'not root: connect as root, or as a user with sudo -n'
use_scratch
fact host host_fact || :
# Read once: a kubelet that ends again and again may be told otherwise the next time.
set +e
(
  set -e
  read_runtime 2>"$scratch/unread"
  : >"$scratch/read"
  image=$sandbox_before
  registry=${image%%/*}
  for one in runtime able files registry roots name proxy disks handlers status image sandbox kubelet events; do fact "$one" "${one}_fact" || :; done
  [ "${1:-}" != try ] || fact tried tried_fact || :
)
set -e
[ -e "$scratch/read" ] || untold runtime "$scratch/unread"
