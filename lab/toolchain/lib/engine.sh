# shellcheck shell=bash
# The docker engine: whichever answers is used; else one is started, and only that one is ever stopped.

ENGINE=${PAUSE_SANDBOX_LAB:-/var/lib/pause-sandbox-lab}/engine
ENGINE_WAIT_SECONDS=60

engine_answers() { docker version --format '{{.Server.Version}}' 2>/dev/null; }

# engine_pid: of the engine that was started here, while it runs. A process number is used again after a reboot.
engine_pid() {
  local pid
  pid=$(cat "$ENGINE/dockerd.pid" 2>/dev/null) || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 1
  printf '%s\n' "$pid"
}

engine_start() {
  local version
  if version=$(engine_answers); then
    log "docker engine: $version answers"
    return 0
  fi
  if [ -n "${DOCKER_HOST:-}" ]; then
    log_fail "no docker engine answers at DOCKER_HOST=$DOCKER_HOST; unset it to have one started here"
    return 1
  fi
  command -v dockerd >/dev/null || {
    log_fail "no docker engine answers and there is no dockerd to start" "install one: apt-get install docker.io"
    return 1
  }
  if [ -d /run/systemd/system ]; then
    log_step "starting docker (systemctl start docker)" engine_systemd
  else
    log_step "starting dockerd (log: $ENGINE/dockerd.log)" engine_dockerd
  fi
}

engine_systemd() {
  systemctl start docker || {
    log_fail "see: systemctl status docker; journalctl -u docker"
    return 1
  }
  mkdir -p "$ENGINE"
  : >"$ENGINE/systemd"
}

engine_dockerd() {
  mkdir -p "$ENGINE"
  rm -f "$ENGINE/dockerd.pid"
  # Its own session: an interrupted make must not take the engine with it. It must not keep our locks either.
  setsid dockerd --pidfile "$ENGINE/dockerd.pid" </dev/null >"$ENGINE/dockerd.log" 2>&1 7>&- 8>&- 9>&- &
  engine_wait $! || {
    tail -n 15 "$ENGINE/dockerd.log" >&2
    log_fail "dockerd did not come up; its log is $ENGINE/dockerd.log"
    return 1
  }
}

# engine_wait PID: until it answers, has died, or the time is up.
engine_wait() {
  local end=$((SECONDS + ENGINE_WAIT_SECONDS))
  until engine_answers >/dev/null; do
    kill -0 "$1" 2>/dev/null && [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# engine_others: names of the containers that run. This lab's are gone by now; all that are left are somebody's, be it
# another lab's.
engine_others() { docker ps --format '{{.Names}}' | tr '\n' ' '; }

engine_stop() {
  local pid others
  if ! pid=$(engine_pid) && [ ! -e "$ENGINE/systemd" ]; then
    log "docker engine: not started by the lab, left as it is"
    # Left by one that a reboot ended.
    engine_forget
    return 0
  fi
  others=$(engine_others)
  if [ -n "$others" ]; then
    log "docker engine: left running, other containers use it: $others"
    return 0
  fi
  if [ -e "$ENGINE/systemd" ]; then
    systemctl stop docker.socket docker
  else
    log_step "stopping dockerd" engine_end "$pid"
  fi
  engine_forget
}

engine_forget() {
  rm -rf "$ENGINE"
  rmdir "${ENGINE%/*}" 2>/dev/null || :
}

engine_end() {
  kill -TERM "$1"
  timeout "$ENGINE_WAIT_SECONDS" tail --pid="$1" -f /dev/null || {
    log_fail "dockerd (process $1) did not end; its log is $ENGINE/dockerd.log"
    return 1
  }
}
