# shellcheck shell=sh
# Run: the last part, the only one that does anything when it is read.

# Sorting and patterns go by bytes, as in the runtimes.
LC_ALL=C
export LC_ALL
umask 077
# A log-in's PATH may lack where crictl is installed, and where k3s and RKE2 have theirs.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/opt/bin:/var/lib/rancher/rke2/bin
# A session that is cut does not stop us half-way; a person who stops us gets the state of before.
trap '' HUP PIPE
trap finish_look EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
asked=${1:-}
[ $# = 0 ] || shift
settings_read "$@"
fail=3
# Before anything else: who we are takes one of them.
need_tools
[ "$(id -u)" = 0 ] || die 001 'not root: connect as root, or as a user with sudo -n'
case $asked in
  plan)
    [ "${can_plan:-}" ] || { fail=2 && die 002 "this file of the script has no 'plan': a dry run's file has it"; }
    plan
    ;;
  apply | restore)
    lock
    # From here on what stands half-done is this run's to undo, and no other run's.
    trap finish EXIT
    recover
    "$asked"
    ;;
  *) fail=2 && die 002 "'$asked' is not apply, restore or plan" ;;
esac
# Whoever asked takes a report for the proof that the run came to its end.
[ "$reported" ] || die 019 'the run ended without its report'
[ "$asked" = plan ] || drop_copies
