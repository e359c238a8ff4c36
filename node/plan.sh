# shellcheck shell=sh
# Plan: what `apply` would do, up to its first change on disk. Nothing is written to the node's disks, pulled or restarted. The file of
# a node has this part only in a dry run.

can_plan=1
# Where its notes are: a directory in memory, which goes when the run ends.
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
  plan_heal
  give_back
  changed_paths=$(sort -u "$plan/changed")
  explain
  refuse_fixed
  # A new timer has a file that would change, and does not run.
  touched=$(units_changed | awk '!seen[$0]++')
  for one in $touched; do say "would $(restart_verb "$one") $one: it reads what would change"; done
  if [ "$archive" ]; then get=import; else get=pull; fi
  if ! inspect_image; then
    got='' pinned=false pulls=1
    say "would $get $image: it is not on this node"
  elif [ "$digest" ] && [ "$digest" != "$got" ]; then
    pulls=1
    say "would $get $image again: this node has ${got:-no digest of it}, and the settings ask for $digest"
  fi
  [ "$archive" ] || needs_no_registry || ask_registry
  [ "$changed_paths" ] || say 'no file would change'
  report would-change
}

# Says whether the registry has the image. containerd's resolver prints the manifest, and keeps nothing of it; the other runtimes can only
# pull. Writes $plan/certs, $error_file.
ask_registry() {
  tried=$(by_digest)
  unknown="whether the registry has $tried is unknown"
  if [ "$namer" != ctr ]; then
    say "$unknown: $runtime_name cannot ask without a pull"
    return 0
  fi
  if [ "$login" != "$kept_login" ]; then
    say "$unknown: ctr takes a login only where others can read it"
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
  if as_daemon "$daemon" containerd_ctr content fetch-object ${hosts:+--hosts-dir "$hosts"} "$tried" >/dev/null; then
    say "the registry has $tried: $looked"
    return 0
  fi
  case $(error) in
    *': not found'* | *'manifest unknown'*) say "the registry does not have $tried, so a run fails with PS-N01$(if [ "$digest" ]; then echo 1; else echo 0; fi): $looked" ;;
    *) say "$unknown: $(error). $looked" ;;
  esac
}

# Runs that look do not disturb each other, but what a run that changes the node has half done is nothing to plan on. Sets
# descriptor 9. Dies with PS-N004.
look_lock() {
  open_locks
  if flock -s -n 9 && flock -s -n 8; then return 0; fi
  die 004 'another run is changing this node: plan again when it has ended'
}

# Points everything that a plan writes to memory. Sets $scratch, $home, $error_file, $plan, $journal, $commit, $new. Writes $scratch.
# Dies with PS-N013.
use_scratch() {
  for dir in $memory; do
    case $(stat -f -c %T "$dir" 2>/dev/null) in tmpfs | ramfs) ;; *) continue ;; esac
    scratch=$(mktemp -d "$dir/pause-sandbox.XXXXXX" 2>/dev/null) && break
  done
  [ "$scratch" ] || die 013 "none of $memory is a writable tmpfs, and a plan writes to no disk: set TMPDIR to one"
  home=$scratch error_file=$scratch/error plan=$scratch/plan journal=$scratch/journal commit=$scratch/commit new=$scratch/plan/new
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
  lines "$changed_paths" | while IFS= read -r path; do [ -z "$path" ] || say "would restore $path"; done
  for mark in "$notes/journal"/reload-* "$notes/journal"/restart-*; do
    [ -e "$mark" ] || continue
    mark=${mark##*/}
    touched="$touched ${mark#*-}"
    say "would ${mark%%-*} ${mark#*-}: it runs with files that the killed run changed"
  done
  report would-change
}

# CRI-O alone takes its configuration without a restart. A timer without its file goes.
restart_verb() {
  case $1 in
    crio) echo reload ;;
    *.timer) if listed "$units_at/$1" "$plan/wanted"; then echo restart; else echo stop; fi ;;
    *) echo restart ;;
  esac
}

# Says of each file that would change what for, with a diff.
explain() {
  lines "$changed_paths" | while IFS= read -r path; do
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
