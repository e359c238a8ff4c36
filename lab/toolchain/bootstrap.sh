#!/usr/bin/env bash
# Makes a fresh machine able to run the lab and the tests: checks what cannot be helped, installs what is missing, starts
# a docker engine. `bootstrap.sh lab`: what the lab needs only, `java`: and what builds the Spring Boot application,
# `bench`: and what compiles upstream's pause for every architecture. `packages`: the Node packages alone, without root.
# Everything in place: a second or less.
# Where Node.js has to be fetched it stands in $PAUSE_SANDBOX_CACHE/bin, which the caller puts on PATH.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
for part in log cache version apt node machine engine; do
  # shellcheck source=/dev/null
  . "$here/lib/$part.sh"
done

lab_packages=(
  mmdebstrap:mmdebstrap curl:curl openssl:openssl openssh-client:ssh-keygen
  clang:clang lld:ld.lld llvm:llvm-readelf xz-utils:xz procps:ps iproute2:ip iptables:iptables
)
java_packages=(maven:mvn default-jdk-headless:javac)
# lld 14 of Debian 12 cannot link s390x.
test_packages=(
  lld-19:ld.lld-19 gcc:gcc libc6-dev:gcc qemu-user-static:qemu-aarch64-static shellcheck:shellcheck
  faketime:faketime strace:strace openssh-server:sshd docker-registry:docker-registry apache2-utils:htpasswd make:make
  gawk:gawk busybox-static:busybox mawk:mawk fish:fish tcsh:tcsh zsh:zsh python3:python3 chromium:chromium
)

# The C libraries that upstream's pause for the other architectures is linked with. They bring no command to look for.
bench_libraries() {
  local arch own
  own=$(dpkg --print-architecture)
  for arch in amd64 arm64 armhf ppc64el riscv64 s390x; do
    [ "$arch" = "$own" ] || printf '%s\n' "libc6-dev-$arch-cross" "libgcc-12-dev-$arch-cross"
  done
}

bench_ensure() {
  local libraries
  mapfile -t libraries < <(bench_libraries)
  apt_ensure "${libraries[@]}"
}

node_all() {
  node_ensure
  node_packages "$root"
  node_packages "$root/lab"
}

prepare() {
  machine_root
  machine_disk "$mode"
  # Certificates are no command; without them no https download, npm or Go module can be checked.
  [ -e /etc/ssl/certs/ca-certificates.crt ] || apt_ensure ca-certificates
  machine_packages "$@"
  machine_docker
  node_all
  engine_start
}

mode=${1:-all}
case $mode in
  packages) node_all ;;
  lab) prepare "${lab_packages[@]}" ;;
  java) prepare "${lab_packages[@]}" "${java_packages[@]}" ;;
  all) prepare "${lab_packages[@]}" "${java_packages[@]}" "${test_packages[@]}" ;;
  bench)
    prepare "${lab_packages[@]}" "${test_packages[@]}"
    bench_ensure
    ;;
  *)
    echo 'usage: lab/toolchain/bootstrap.sh [packages|lab|java|bench|all]' >&2
    exit 2
    ;;
esac
