# shellcheck shell=sh
# Plan: what `apply` would do, up to its first change on disk. Nothing is written to the node's disks, pulled or restarted.

# Where its notes are: a directory in memory, which goes when the run ends.
scratch=''
memory="/run /dev/shm ${TMPDIR:-/tmp}"

# The verb `plan`: the diff for people on stderr, the report on stdout. Reads what `apply` reads, and refuses what it
# refuses. Sets $notes, $changed_paths,
# $touched, $got, $pinned, $pulls.
plan() {
  look_lock
  notes=$home
  use_scratch
  if [ -d "$notes/journal" ]; then
    plan_undo
    return 0
  fi
  borrow_state
  tell_owner
  look_around
  say "plan: $runtime_name $runtime_version, kubelet ${kubelet_version:-none}: sandbox image $image"
  "${runtime}_trust"
  "${runtime}_plan"
  plan_kubelet
  give_back
  changed_paths=$(sort -u "$plan/changed")
  explain
  refuse_fixed
  touched=$(units_changed)
  for one in $touched; do say "would $(restart_verb "$one") $one: it reads what would change"; done
  if ! inspect_image; then
    got='' pinned=false pulls=1
    say "would $(if [ "$archive" ]; then echo import; else echo pull; fi) $image: it is not on this node"
  elif [ "$digest" ] && [ "$digest" != "$got" ]; then
    pulls=1
    say "would $(if [ "$archive" ]; then echo import; else echo pull; fi) $image again: this node has ${got:-no digest of it}, and the settings ask for $digest"
  fi
  [ "$archive" ] || needs_no_registry || ask_registry
  [ "$changed_paths" ] || say 'no file would change'
  report would-change
}

# Says whether the registry has the image. containerd's resolver prints the manifest, and keeps nothing of it; the other runtimes can only
# pull. Writes $plan/certs, $home/error.
ask_registry() {
  tried=$(by_digest)
  if [ "$("${runtime}_namer")" != ctr ]; then
    say "whether the registry has $tried is unknown: $runtime_name cannot ask without a pull"
    return 0
  fi
  hosts=${certs:-}
  # A site's own hosts.toml is kept, and has all that is asked for.
  if trust_needed && ! site_hosts "${hosts_at:-}/hosts.toml"; then
    hosts_aside
    hosts=$plan/certs
  fi
  looked="ctr asked for its manifest$(
    case $hosts in
      '') ;;
      "$plan"/*) printf ' with the settings of this run' ;;
      *) printf ' with the hosts in %s' "$hosts" ;;
    esac
  ), and nothing was pulled"
  if as_daemon "$("${runtime}_daemon")" containerd_ctr content fetch-object ${hosts:+--hosts-dir "$hosts"} "$tried" >/dev/null; then
    say "the registry has $tried: $looked"
    return 0
  fi
  case $(error) in
    *': not found'* | *'manifest unknown'*) say "the registry does not have $tried, so a run fails with PS-N01$(if [ "$digest" ]; then echo 1; else echo 0; fi): $looked" ;;
    *) say "whether the registry has $tried is unknown: $(error). $looked" ;;
  esac
}

# Runs that look do not disturb each other, but what a run that changes the node has half done is nothing to plan on. Sets
# descriptor 9. Dies with PS-N004.
look_lock() {
  open_locks
  if flock -s -n 9 && flock -s -n 8; then return 0; fi
  die 004 'another run is changing this node: plan again when it has ended'
}

# Points everything that a plan writes to memory. Sets $scratch, $home, $plan, $journal, $commit, $new. Writes $scratch.
# Dies with PS-N013.
use_scratch() {
  for dir in $memory; do
    case $(stat -f -c %T "$dir" 2>/dev/null) in tmpfs | ramfs) ;; *) continue ;; esac
    scratch=$(mktemp -d "$dir/pause-sandbox.XXXXXX" 2>/dev/null) && break
  done
  [ "$scratch" ] || die 013 "none of $memory is a writable tmpfs, and a plan writes to no disk: set TMPDIR to one"
  home=$scratch plan=$scratch/plan journal=$scratch/journal commit=$scratch/commit new=$scratch/plan/new
}

# The state that counts, in $home by links: that of a run which was killed while it committed is in its commit. Reads $notes.
# Sets $backup. Writes $home, which is in memory.
borrow_state() {
  from=$notes
  if [ -d "$notes/commit" ]; then
    say 'an earlier run was killed after its commit: the next run only cleans up after it'
    if [ -e "$notes/commit/forget" ]; then
      backup=$scratch/backup
      return 0
    fi
    from=$notes/commit
  fi
  if [ -e "$from/state" ]; then ln -s "$from/state" "$home/state"; fi
}

# What the next run does first, where an earlier one was killed: nobody knows before what it finds after that. Reads
# $notes/journal. Sets $changed_paths, $touched.
plan_undo() {
  say 'an earlier run was killed: the next run undoes what it changed first, so plan again after that'
  changed_paths=$(sort -u "$notes/journal/files")
  printf '%s\n' "$changed_paths" | while IFS= read -r path; do [ -z "$path" ] || say "would restore $path"; done
  for mark in "$notes/journal"/reload-* "$notes/journal"/restart-*; do
    [ -e "$mark" ] || continue
    mark=${mark##*/}
    touched="$touched ${mark#*-}"
    say "would ${mark%%-*} ${mark#*-}: it runs with files that the killed run changed"
  done
  report would-change
}

# CRI-O alone takes its configuration without a restart.
restart_verb() { case $1 in crio) echo reload ;; *) echo restart ;; esac; }

# Says of each file that would change what for, with a diff.
explain() {
  printf '%s\n' "$changed_paths" | while IFS= read -r path; do
    if [ -z "$path" ]; then continue; fi
    if [ ! -e "$plan/root$path" ]; then
      say "would remove $path: it is our file, and the settings no longer need it"
    elif ! grep -qxF "$path" "$plan/wanted"; then
      say "would restore $path: our settings no longer belong in it"
    elif [ -e "$path" ]; then
      say "would change $path"
    else
      say "would create $path"
    fi
    differences "$path"
  done
}

# differences PATH: as a unified diff on stderr. Mode and owner alone show no difference in it.
differences() {
  if ! command -v diff >/dev/null; then
    say 'diff is not on PATH: the lines that would change are not shown'
    return 0
  fi
  now=$1 then=$plan/root$1
  [ -e "$now" ] || now=/dev/null
  [ -e "$then" ] || then=/dev/null
  { diff -u -L "$1" -L "$1 (planned)" "$now" "$then" || :; } | without_secrets | visible >&2 || :
}

# without_secrets: the diff on stdin. Logins and what looks like one are for nobody's terminal or log. A list that is open goes on to be
# hidden, and a private key is hidden from where the lines around a change begin in it.
without_secrets() {
  awk '
    function hide(i) { line[i] = substr(line[i], 1, 1) "(not shown: it may hold a login)" }
    function flush(  i) { for (i = 1; i <= n; i++) print line[i]; n = open = key = 0 }
    NR <= 2 || /^@@ / { flush(); print; next }
    { line[++n] = $0 }
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY/ { key = 1 }
    /-----END [A-Z0-9 ]*PRIVATE KEY/ {
      if (!key) for (i = 1; i < n; i++) hide(i)
      hide(n)
      key = 0
      next
    }
    key { hide(n); next }
    open || tolower($0) ~ /auth|login|pass(w|ph)|pwd|token|secret|credential|basic |bearer |(private|api|access)[ _-]?key|:\/\/[^ ]*@|proxy.*@/ {
      hide(n)
      s = substr($0, 2)
      open += gsub(/[[{]/, "", s) - gsub(/[]}]/, "", s)
      if (s ~ /^[ \t]*"?[A-Za-z_-]+"?[ \t]*[:=][ \t]*[|>]?[ \t]*$/) open++
      if (open < 0) open = 0
    }
    END { flush() }'
}

# The EXIT trap of a run that has changed nothing yet, and of every plan: there is nothing to undo. Writes $scratch, which
# goes.
finish_look() {
  status=$?
  trap '' EXIT INT TERM
  set +e
  [ -z "$child" ] || kill "$child" 2>/dev/null
  case $status in 0 | 130 | 143) ;; *) status=$fail ;; esac
  [ "$status" = 0 ] || [ "${said:-}" ] || say "PS-N019 the run ended unexpectedly (status $status), see docs/errors/PS-N019.md"
  [ -z "$scratch" ] || rm -rf "$scratch"
  exit "$status"
}
