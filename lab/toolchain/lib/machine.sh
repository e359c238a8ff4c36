# shellcheck shell=bash
# What the machine itself must offer: root, disk, Debian packages.

# shellcheck source=lab/toolchain/versions
. "$(dirname "${BASH_SOURCE[0]}")/../versions"

LAB=${PAUSE_SANDBOX_LAB:-/var/lib/pause-sandbox-lab}

machine_root() {
  [ "$(id -u)" -eq 0 ] || {
    log_fail "the lab needs root: it starts containers that run systemd and makes root file systems" \
      "run it as root, or as: sudo -E make up"
    return 1
  }
}

# machine_existing DIR: DIR or its nearest parent that exists.
machine_existing() {
  local dir=$1
  until [ -d "$dir" ]; do dir=$(dirname "$dir"); done
  printf '%s\n' "$dir"
}

# machine_disk_needs: "GIGABYTES DIR WHAT" lines, for what is not there yet. A cold build fills Go's module and build
# caches; cached tools need none. A lab in place still writes: logs, Pods, pushed images. With `all`, the
# tools of the tests alone are built too.
machine_disk_needs() {
  local go_caches=${GOCACHE:-${XDG_CACHE_HOME:-$HOME/.cache}}
  if [ ! -x "$CACHE/tools/kubernetes-$KUBERNETES/kubelet" ] || [ ! -x "$CACHE/tools/pulumi-$PULUMI/pulumi" ]; then
    echo "12 $go_caches Go's caches"
    echo "4 $CACHE tools and root file systems"
  else
    [ -x "$CACHE/tools/docker-build-$DOCKER_BUILD/pulumi-resource-docker-build" ] || echo "4 $go_caches docker-build"
    compgen -G "$CACHE/lab/rootfs-*.tar" >/dev/null || echo "2 $CACHE root file systems"
  fi
  if [ "${1:-}" = all ] && ! machine_tests_built; then
    echo "8 $go_caches the tests' kubelet, CRI-O and cri-dockerd"
  fi
  if [ -n "$(docker image ls --quiet pause-sandbox-lab/node 2>/dev/null)" ]; then
    echo "1 $(machine_docker_root) the lab's containers"
  else
    echo "4 $(machine_docker_root) the lab's images and containers"
  fi
  echo "1 $LAB the lab's state"
}

machine_tests_built() {
  local tool
  for tool in "kubernetes-$KUBELET_DOCKERSHIM/kubelet" "cri-o-$CRIO/crio" "cri-dockerd-$CRI_DOCKERD/cri-dockerd"; do
    [ -x "$CACHE/tools/$tool" ] || return 1
  done
}

machine_docker_root() {
  if engine_answers >/dev/null; then
    docker info --format '{{.DockerRootDir}}'
  else
    echo /var/lib/docker
  fi
}

# machine_disk [all]: compares what is needed with what is free, a file system at a time: most of them are one.
machine_disk() {
  local gigabytes dir what problems=0 device
  local -A need=() free=() where=()
  while read -r gigabytes dir what; do
    dir=$(machine_existing "$dir")
    device=$(stat -c %d "$dir")
    need[$device]=$((${need[$device]:-0} + gigabytes))
    where[$device]="${where[$device]:+${where[$device]}, }$what ($dir)"
    free[$device]=$(df -P -B 1000000000 "$dir" | awk 'NR == 2 { print $4 }')
  done < <(machine_disk_needs "$@")
  for device in "${!need[@]}"; do
    [ "${free[$device]}" -lt "${need[$device]}" ] || continue
    log_fail "not enough disk: ${free[$device]} GB free, ${need[$device]} GB needed for ${where[$device]}" \
      "free some, or move the cache with PAUSE_SANDBOX_CACHE, Go's with GOCACHE, the lab with PAUSE_SANDBOX_LAB"
    problems=1
  done
  return "$problems"
}

# machine_packages PACKAGE:COMMAND…: a command that is there may come from elsewhere (docker-ce, an own clang), and its
# Debian package would conflict with it.
machine_packages() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair#*:}" >/dev/null || missing+=("${pair%%:*}")
  done
  [ "${#missing[@]}" -eq 0 ] || apt_ensure "${missing[@]}"
}

# machine_docker: an engine only where none answers, since the one that does may run elsewhere, or be another package's;
# DOCKER_HOST asks for a certain one. From Debian 13 on docker.io holds no client; before, the client's package did not
# exist.
machine_docker() {
  [ -n "${DOCKER_HOST:-}" ] || engine_answers >/dev/null || command -v dockerd >/dev/null || apt_ensure docker.io || return 1
  command -v docker >/dev/null || apt_ensure docker-cli
}
