#!/bin/sh
# Gives a simulated host its own view of the files: host.sh FOLDER. To be run in a mount namespace of its own,
# which it holds then.
set -eu
root=$1/root
# Programs of Debian are links through this folder.
mount --bind /etc/alternatives "$root/etc/alternatives"
mount --rbind "$root/etc" /etc
for name in run root; do mount --bind "$root/$name" "/$name"; done
mount --bind "$root/var-lib" /var/lib
echo ready
exec sleep infinity
