# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# Run: the last part, the only one that does anything when it is read.

umask 077
# A log-in's PATH may lack where crictl is installed, and where k3s and RKE2 have theirs.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/opt/bin:/var/lib/rancher/rke2/bin
# A session that is cut does not stop us half-way; a person who stops us gets the state of before.
trap '' HUP PIPE
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
settings_read
fail=3
[ "$(id -u)" = 0 ] || die 001 'not root: connect as root, or as a user with sudo -n'
lock
recover
case $1 in
  apply | restore) "$1" ;;
  *) fail=2 && die 002 "'$1' is neither apply nor restore" ;;
esac
