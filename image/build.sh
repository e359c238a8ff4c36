#!/bin/sh
# Compiles pause for one architecture: build.sh ARCH OUT
#      or prints which compiler and linkers would: build.sh --toolchain ARCH…
#
# ARCH is amd64, arm, arm64, ppc64le, riscv64 or s390x. Any host can build any of them: nothing of the target's
# system is needed. Installs nothing. The bytes written depend on the sources, VERSION, and the compiler and linker.
#
# VERSION  what `pause -v` prints (default: the one in pause.c)
# CLANG    the compiler (default: clang)
# WERROR   1 makes warnings errors; other compilers than ours may know more warnings (default: empty)
# LLD      the linker (default: the first that knows the architecture, of ld.lld and ld.lld-NN, newest first)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
clang=${CLANG:-clang}

fail() {
  printf 'pause: %s\n' "$*" >&2
  exit 1
}

# Homebrew keeps its LLVM off PATH, because macOS has a clang of its own, which lacks most targets.
add_homebrew_to_path() {
  for prefix in /opt/homebrew/opt /usr/local/opt; do
    for formula in llvm lld; do
      if [ -d "$prefix/$formula/bin" ]; then PATH=$prefix/$formula/bin:$PATH; fi
    done
  done
}

# Sets target (clang's name for it), emulation (lld's) and tuning (further flags).
describe() {
  tuning=
  case $1 in
    amd64) target=x86_64-linux-gnu emulation=elf_x86_64 ;;
    arm64) target=aarch64-linux-gnu emulation=aarch64linux ;;
    # The oldest that Linux images are named for (arm/v6): runs on every later one.
    arm) target=armv6-linux-gnueabi emulation=armelf_linux_eabi tuning='-marm -mfloat-abi=soft' ;;
    ppc64le) target=powerpc64le-linux-gnu emulation=elf64lppc ;;
    # Relaxing would address by a global pointer, which nobody sets here.
    riscv64) target=riscv64-linux-gnu emulation=elf64lriscv tuning='-march=rv64imac -mabi=lp64 -mno-relax' ;;
    s390x) target=s390x-linux-gnu emulation=elf64_s390 ;;
    *) fail "unknown architecture \"$1\": amd64, arm, arm64, ppc64le, riscv64 and s390x can be built" ;;
  esac
}

find_clang() {
  command -v "$clang" >/dev/null 2>&1 ||
    fail "no $clang found: install clang and lld (Debian: apt-get install clang lld; macOS: brew install llvm lld), or set CLANG"
}

check_target() {
  "$clang" "--target=$target" -x c -c -o /dev/null /dev/null 2>/dev/null ||
    fail "$1: $clang cannot compile for $target: use LLVM's own clang, or set CLANG"
}

# lld links s390x from version 18 on; every other architecture far longer.
knows_architecture() {
  command -v "$1" >/dev/null 2>&1 || return 1
  case $emulation in
    elf64_s390) [ "$("$1" --version | sed 's/.*LLD \([0-9]*\).*/\1/')" -ge 18 ] ;;
  esac
}

# Sets lld.
find_lld() {
  for lld in ${LLD:-ld.lld ld.lld-22 ld.lld-21 ld.lld-20 ld.lld-19 ld.lld-18}; do
    if knows_architecture "$lld"; then return; fi
  done
  case $emulation in
    elf64_s390) fail "$1: no lld of version 18 or newer found: install one (Debian 12: apt-get install lld-19), or set LLD" ;;
    *) fail "$1: no ld.lld found: install lld (Debian: apt-get install lld; macOS: brew install lld), or set LLD" ;;
  esac
}

# No PIC, since the address is fixed (pause.ld). Run in the sources' own folder, without debug information, symbols or
# a compiler's signature, so that no path and no date can reach the output.
build() {
  object=$1.o
  trap 'rm -f "$object" "$1.tmp"' EXIT
  # shellcheck disable=SC2086 # tuning is a list of flags
  "$clang" "--target=$target" $tuning -std=c11 -Wall -Wextra -Wdate-time ${WERROR:+-Werror} -pedantic -Oz \
    -ffreestanding -fno-builtin -nostdlibinc -fno-pic -fno-pie -fomit-frame-pointer -fno-stack-protector \
    -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident -fmerge-all-constants \
    ${VERSION:+"-DVERSION=\"$VERSION\""} -c -o "$object" pause.c
  "$lld" -m "$emulation" -static --fatal-warnings --build-id=none --no-relax --hash-style=gnu -z noexecstack -s \
    -T pause.ld -o "$1.tmp" "$object"
  mv -f -- "$1.tmp" "$1"
}

print_toolchain() {
  "$clang" --version | sed -n 1p
  for arch in "$@"; do
    describe "$arch"
    find_lld "$arch"
    printf '%s: %s\n' "$arch" "$("$lld" --version)"
  done
}

main() {
  add_homebrew_to_path
  if [ "${1:-}" = --toolchain ]; then
    shift
    find_clang
    print_toolchain "$@"
    return
  fi
  [ $# -eq 2 ] || fail 'usage: build.sh ARCH OUT, or build.sh --toolchain ARCH…'
  case ${VERSION:-} in
    *[!A-Za-z0-9._+-]*) fail "VERSION \"$VERSION\": letters, digits, dot, underscore, plus and hyphen only" ;;
  esac
  describe "$1"
  find_clang
  check_target "$1"
  find_lld "$1"
  case $2 in
    /*) out=$2 ;;
    *) out=$PWD/$2 ;;
  esac
  cd "$here"
  build "$out"
}

main "$@"
