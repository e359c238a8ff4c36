# shellcheck shell=bash
# Everything for people goes to stderr: stdout carries paths that scripts read.

log() { printf '[toolchain] %s\n' "$*" >&2; }

# A failure says what to do next; callers pass that as further lines.
log_fail() {
  local line
  for line in "$@"; do printf '[toolchain] error: %s\n' "$line" >&2; done
}

# log_duration SECONDS: "42 s" or "3 min 05 s".
log_duration() {
  if [ "$1" -lt 60 ]; then
    printf '%d s' "$1"
  else
    printf '%d min %02d s' $(($1 / 60)) $(($1 % 60))
  fi
}

# log_step WHAT COMMAND…: runs the command, says when it starts and how long it took.
log_step() {
  local what=$1 start=$SECONDS
  shift
  log "$what …"
  if "$@"; then
    log "$what: done in $(log_duration $((SECONDS - start)))"
  else
    log_fail "$what: failed after $(log_duration $((SECONDS - start)))"
    return 1
  fi
}

# log_progress WHAT UNIT PATTERN FILE: keeps its input in FILE and says from time to time how many of its lines match
# PATTERN so far. Says it on silence too: linking a large binary is a minute without a single line.
log_progress() {
  local what=$1 unit=$2 pattern=$3 file=$4 line status count=0 start=$SECONDS next=$((SECONDS + 20))
  : >"$file"
  while true; do
    status=0
    IFS= read -r -t 20 line || status=$?
    if [ "$status" -eq 0 ]; then
      printf '%s\n' "$line" >>"$file"
      if [[ $line =~ $pattern ]]; then count=$((count + 1)); fi
    elif [ "$status" -le 128 ]; then
      return 0
    fi
    if [ "$SECONDS" -ge "$next" ]; then
      log "$what: $count $unit, $(log_duration $((SECONDS - start)))"
      next=$((SECONDS + 20))
    fi
  done
}
