#!/bin/sh
# Runs on a node, as root: pause-sandboxes.sh IMAGE COUNT ARCHIVE
# Starts COUNT sandboxes on IMAGE (from ARCHIVE, as docker save writes it) under a containerd of this script's own, so
# that the node's own containerd and its Pods are left alone, and prints, in bytes:
#   sandbox N    the median of the sandboxes' own cgroups: their pages, and what the kernel keeps for them
#   shim N       what each further one adds in the process that containerd starts beside it
set -eu

image=$1 count=$2 archive=$3
name=bench-pause
root=/var/lib/containerd/$name # a volume: overlayfs cannot lie on another overlay
run=/run/$name
socket=unix://$run/containerd.sock

crictl() {
  command crictl --config /dev/null --runtime-endpoint "$socket" --image-endpoint "$socket" --timeout 60s "$@"
}

clean() {
  if [ -S "$run/containerd.sock" ]; then crictl rmp --all --force >/dev/null 2>&1 || true; fi
  systemctl stop "$name.service" 2>/dev/null || true
  # Whatever a run left that was killed.
  awk -v run="$run/" 'index($2, run) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount
  rm -rf "$root" "$run"
  find /sys/fs/cgroup -depth -type d -path "*/$name/*" -exec rmdir {} + 2>/dev/null || true
  find /sys/fs/cgroup -depth -type d -name "$name" -exec rmdir {} + 2>/dev/null || true
}

configure() {
  mkdir -p "$root" "$run"
  cat >"$run/config.toml" <<END
version = 2
root = "$root"
state = "$run/state"
[grpc]
  address = "$run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$image"
  restrict_oom_score_adj = true
  disable_tcp_service = true
END
}

# A notify service: systemd-run returns when containerd answers. Stopping the unit takes the shims along.
start() {
  systemd-run --quiet --unit="$name" --service-type=notify --property=MemoryAccounting=yes \
    --property=KillMode=control-group containerd --config "$run/config.toml"
  ctr --address "$run/containerd.sock" --namespace k8s.io images import "$archive" >/dev/null
}

# In the node's own network namespace: the marginal cost of a namespace is not pause's.
sandbox() {
  cat >"$run/pod.json" <<END
{"metadata": {"name": "$name-$1", "namespace": "$name", "uid": "$name-$1", "attempt": 0},
 "linux": {"cgroup_parent": "/$name", "security_context": {"namespace_options": {"network": 2}}}}
END
  crictl runp "$run/pod.json" >/dev/null
}

# Sums of exact counters. The plain usage counter runs ahead of the truth while pages are charged in advance.
cgroup_bytes() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    awk '$1 == "anon" || $1 == "file" || $1 == "kernel" { sum += $2 } END { print sum }' "$1/memory.stat"
  else
    awk 'FILENAME ~ /stat$/ && ($1 == "rss" || $1 == "cache") { sum += $2 }
      FILENAME ~ /kmem/ { sum += $1 } END { print sum }' "$1/memory.stat" "$1/memory.kmem.usage_in_bytes"
  fi
}

all_sandboxes() {
  for group in "/sys/fs/cgroup/$name"/*/ "/sys/fs/cgroup/memory/$name"/*/; do
    if [ -d "$group" ]; then cgroup_bytes "$group"; fi
  done | sort -n
}

# The kernel brings the counters up to date every two seconds: they are right once they no longer change.
settled() {
  before=
  now=$(all_sandboxes)
  while [ "$now" != "$before" ]; do
    before=$now
    sleep 3
    now=$(all_sandboxes)
  done
  printf '%s\n' "$now"
}

median() {
  awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# Their shared pages, counted once, are there from the first on.
shim_bytes() {
  for cmdline in /proc/[0-9]*/cmdline; do
    if tr '\0' ' ' 2>/dev/null <"$cmdline" | grep -q "^[^ ]*containerd-shim.*$run/"; then
      awk '$1 == "Pss:" { print $2 * 1024 }' "${cmdline%cmdline}smaps_rollup"
    fi
  done | awk '{ sum += $1 } END { print sum + 0 }'
}

main() {
  clean # after a run that was killed
  trap 'clean; rm -f "$archive"' EXIT
  configure
  start
  sandbox 1
  first_shim=$(shim_bytes)
  i=1
  while [ "$i" -lt "$count" ]; do
    i=$((i + 1))
    sandbox "$i"
  done
  printf 'sandbox %s\n' "$(settled | median)"
  printf 'shim %s\n' "$((($(shim_bytes) - first_shim) / (count - 1)))"
}

main
