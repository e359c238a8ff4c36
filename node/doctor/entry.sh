# shellcheck shell=sh
# Doctor: the last part of the program that `pause-sandbox doctor` sends. It looks, and prints a line of JSON per fact.

# $1: the image that the node should have, where a stack says so. Else the one that is in effect.
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
if fact runtime runtime_fact; then
  read_runtime 2>/dev/null
  image=${1:-$sandbox_before}
  registry=${image%%/*}
  fact able able_fact || :
  fact files files_fact || :
  fact registry registry_fact || :
  fact roots roots_fact || :
  fact name name_fact || :
  fact proxy proxy_fact || :
  fact status status_fact || :
  fact image image_fact || :
  fact sandbox sandbox_fact || :
  fact kubelet kubelet_fact || :
  fact events events_fact || :
fi
