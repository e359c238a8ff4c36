# shellcheck shell=sh
# Try: the one part of the doctor that changes something, and only for `--try`. A sandbox starts in the host's network, as for `apply`,
# and is removed.

# The image that the sandbox ran on, or why it did not start. What ends the session does not end this: what was begun is removed.
# Changes the runtime. Sets $check_name, $patience. Writes $journal, which is in memory.
tried_fact() {
  trap '' HUP INT PIPE TERM
  # A run that changes the node may have its own at the same time.
  check_name=pause-sandbox-try
  patience=60
  mkdir -p "$journal"
  if run_sandbox; then
    printf '{"image":%s}' "$(json_string "$seen")"
    return 0
  fi
  why=$(error)
  drop_check_sandboxes
  printf '{"error":%s}' "$(json_string "$why")"
}
