# shellcheck shell=bash
# The one directory outside the tree that keeps what was fetched or built.
#   tools/BUNDLE/FILE        an executable, only ever there when complete
#   from/BUNDLE/FILE         where it came from, for the line that says so
#   stage/BUNDLE             work in progress of the run that holds locks/BUNDLE
#   log/BUNDLE.log           the last build's output

CACHE=${PAUSE_SANDBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pause-sandbox}

CACHE_STAGE=
CACHE_JOB=

# cache_has BUNDLE FILE…
cache_has() {
  local bundle=$1 file
  shift
  for file in "$@"; do [ -x "$CACHE/tools/$bundle/$file" ] || return 1; done
}

# cache_begin BUNDLE: takes the bundle's lock and an empty stage. Children keep the lock's descriptor, so a build that
# outlives a killed run is waited for instead of raced with.
cache_begin() {
  mkdir -p "$CACHE/locks" "$CACHE/stage" "$CACHE/tools" "$CACHE/log"
  exec 9>"$CACHE/locks/$1"
  if ! flock -n 9; then
    log "$1: another run is getting it, waiting …"
    flock 9
  fi
  CACHE_STAGE=$CACHE/stage/$1
  # Left by a run that was killed: only the lock's holder ever writes here.
  rm -rf "$CACHE_STAGE"
  mkdir -p "$CACHE_STAGE/out"
}

# cache_end: drops what is unfinished and releases the lock.
cache_end() {
  [ -z "$CACHE_STAGE" ] || rm -rf "$CACHE_STAGE"
  CACHE_STAGE=
  exec 9>&-
}

# cache_publish BUNDLE FROM: moves the executables of the stage into place, each by one rename.
cache_publish() {
  local bundle=$1 from=$2 file name
  mkdir -p "$CACHE/tools/$bundle" "$CACHE/from/$bundle"
  for file in "$CACHE_STAGE"/out/*; do
    name=${file##*/}
    chmod 0755 "$file"
    printf '%s\n' "$from" >"$CACHE/from/$bundle/$name"
    mv -T "$file" "$CACHE/tools/$bundle/$name"
  done
}

cache_from() { cat "$CACHE/from/$1/$2" 2>/dev/null || echo 'an earlier run'; }

# cache_run COMMAND…: runs a long command in its own process group, so that an interrupt ends all of it at once and the
# shell, which would put a trap off until a foreground child has ended, hears it.
cache_run() {
  local status=0
  set -m
  "$@" </dev/null &
  CACHE_JOB=$!
  set +m
  wait "$CACHE_JOB" || status=$?
  CACHE_JOB=
  return "$status"
}

# cache_stop: ends the job's whole group, and waits for all of it: what still runs could write into the stage again.
# Five seconds at most: where process 1 reaps nothing, the group never empties.
cache_stop() {
  local tries=100
  kill -TERM -- "-$CACHE_JOB" 2>/dev/null || true
  wait "$CACHE_JOB" 2>/dev/null || true
  while [ "$tries" -gt 0 ] && kill -0 -- "-$CACHE_JOB" 2>/dev/null; do
    sleep 0.05
    tries=$((tries - 1))
  done
  kill -KILL -- "-$CACHE_JOB" 2>/dev/null || true
}

cache_interrupt() {
  trap - INT TERM HUP EXIT
  [ -z "$CACHE_JOB" ] || cache_stop
  cache_end
  log_fail "interrupted; nothing half-made was left, run it again to go on"
  exit 130
}

cache_guard() {
  trap cache_interrupt INT TERM HUP
  trap cache_end EXIT
}
