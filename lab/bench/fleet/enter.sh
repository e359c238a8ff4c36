#!/bin/sh
# sshd runs this for every session: it runs the session's command on the simulated host that has the address of the server.
set -eu
fleet=$(cat "$(dirname -- "$0")/fleet")
# shellcheck disable=SC2086 # client, its port, server, its port
set -- $SSH_CONNECTION
PATH=$fleet/stub:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# In the host's own home: nsenter starts in /, which all hosts have in common.
exec nsenter --mount="/proc/$(cat "$fleet/hosts/$3/pid")/ns/mnt" --wdns=/root -- sh -c "${SSH_ORIGINAL_COMMAND:-exit 0}"
