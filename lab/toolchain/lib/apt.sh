# shellcheck shell=bash
# Debian packages: only what is missing, and the lists are refreshed only when something is, once per run: old lists
# answer 404 for packages that were replaced since.

APT_FRESH=

apt_missing() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
  done
}

# apt_ensure PACKAGE…
apt_ensure() {
  local missing
  command -v dpkg-query >/dev/null || {
    log_fail "this is not Debian: install the counterparts of these packages yourself: $*"
    return 1
  }
  mapfile -t missing < <(apt_missing "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  [ "$(id -u)" -eq 0 ] || {
    log_fail "missing Debian packages, and only root can install them: ${missing[*]}"
    return 1
  }
  mkdir -p "$CACHE/log"
  [ -n "$APT_FRESH" ] || log_step "apt-get update" apt_quiet update || return 1
  APT_FRESH=yes
  log_step "apt-get install ${missing[*]}" apt_install "${missing[@]}"
}

# What the tests need of sshd and a registry are the programs: installing them must open no port on the machine, now or
# at the next start. A policy that somebody else has set stays.
apt_install() (
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  apt_quiet install --no-install-recommends "$@" || exit 1
  [ ! -d /run/systemd/system ] || apt_disable "$@"
)

apt_disable() {
  case " $* " in *' openssh-server '*) systemctl --quiet disable ssh.service ssh.socket || : ;; esac
  case " $* " in *' docker-registry '*) systemctl --quiet disable docker-registry.service || : ;; esac
}

# apt_quiet ARGUMENT…: its output is worth reading only when it fails.
apt_quiet() {
  # The dpkg lock: unattended upgrades of a machine that has just booted hold it for a while.
  if ! DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@" \
    </dev/null >"$CACHE/log/apt.log" 2>&1; then
    tail -n 20 "$CACHE/log/apt.log" >&2
    log_fail "see $CACHE/log/apt.log; is the Debian mirror in /etc/apt reachable?"
    return 1
  fi
}
