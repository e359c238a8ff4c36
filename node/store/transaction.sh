# shellcheck shell=sh
# Transaction: what a run changes on disk happens whole or not at all, whenever it is killed.
#
#   plan/     what this run wants: `wanted`, `changed` (paths) and root/PATH (contents; none: the file shall go)
#   journal/  the state before, complete and on disk before the first write; while it stands, a run is undone
#   commit/   the journal renamed: the instant from which the run counts; recovery finishes it forward
#   backup/   the state before our very first change to a path, for `restore`: root/PATH, or a line in `absent`
#   state, stat, watch   what was committed, for the next run
#   script               the script that committed it, for `restore` where the file it came as is gone
#
# Undone is all that the journal has, whatever failed. A pull fails before anything else: only the files by which the registry is
# reached (certs.d and the like) are in place by then, and go back. CRI-O may have been reloaded: docs/errors/PS-N010.md.
home=/var/lib/pause-sandbox
plan=$home/plan
journal=$home/journal
commit=$home/commit
backup=$home/backup
new=$plan/new
touched=''
config=/etc/containerd/config.toml

# Locks a directory by descriptor: no lock file to leave behind, and the kernel drops it with us. Only root can open it, so that nobody
# else can hold it. Tried again and again: busybox's flock cannot wait. Sets descriptors 8 and 9. Dies with PS-N004.
lock() {
  open_locks
  for at in "9 $locked" "8 $other_lock"; do
    within 300 flock -n "${at%% *}" || die 004 "another run has held the lock on ${at#* } for 5 minutes: wait for it or end it"
  done
}

# A boot payload of 0.1.0 locks /var/lib, which everybody can open. Its program does not say what it locks. Sets $other_lock, descriptors
# 8 and 9. Writes $locked, which is in memory.
open_locks() {
  mkdir -p "$locked"
  chmod 700 "$locked"
  other_lock=$locked
  if { IFS= read -r line <"$boot_program"; } 2>/dev/null; then
    case $line in *"$locked"*) ;; *) other_lock=/var/lib ;; esac
  fi
  exec 9<"$locked"
  if [ "$other_lock" = "$locked" ]; then exec 8<&9; else exec 8<"$other_lock"; fi
}
locked=/run/pause-sandbox
# What the last tool said. In memory: a run with nothing to do writes nothing to the disk.
error_file=$locked/error
boot_program=/etc/pause-sandbox/node

# beside PATH: where the new file stands before its rename, and a second link to the old one until the commit. A way back that
# is only a rename needs neither space nor inodes. Sets $temp, $old.
beside() {
  temp=${1%/*}/.${1##*/}.pause-sandbox
  # CRI-O reads every file of its drop-in directory, whatever its name is: ours stand above such a directory.
  case $1 in
    */zz-pause-sandbox.conf)
      above=${1%/*}
      temp=${above%/*}/.${above##*/}.${1##*/}.pause-sandbox
      ;;
  esac
  old=$temp-old
}

# real PATH: what a link leads to, also where that is not there yet. A link stays a link; the file that it leads to is changed.
# Sets $real.
real() { if [ -L "$1" ]; then real=$(readlink -f "$1"); else real=$1; fi; }

# listed LINE FILE: is it a line of that file? The shell itself looks, since a process each time would be most of a run's.
listed() {
  while IFS= read -r listed; do
    if [ "$listed" = "$1" ]; then return 0; fi
  done <"$2"
  return 1
}

# want PATH [MODE]: plans a file of ours with the content of $new. Writes $plan/wanted.
want() {
  real "$1"
  wanted=$real
  lines "$wanted" >>"$plan/wanted"
  shift
  write "$wanted" "$@"
}

# write PATH [MODE]: plans the content of $new, with mode and owner as they are (0644 for a new file). Writes $plan/root,
# $plan/changed. Dies with PS-N019.
write() {
  file=$plan/root$1
  case $1 in /*) ;; *) die 019 "'$1' is not an absolute path" ;; esac
  if [ ! -d "${file%/*}" ]; then mkdir -p "${file%/*}"; fi
  saw "$1"
  if [ -e "$1" ]; then cp -p "$1" "$file"; else (umask 022 && : >"$file"); fi
  [ -z "${2:-}" ] || chmod "$2" "$file"
  cat "$new" >"$file"
  if [ -e "$1" ] && same "$file" "$1"; then return 0; fi
  lines "$1" >>"$plan/changed"
}

# sync_disks LIST: everything that the paths in LIST lie on is on disk afterwards, and our own notes. /var may be a disk of
# its own. Writes what the kernel holds back.
sync_disks() {
  set -- "$1" "$home"
  while IFS= read -r path; do
    dir=${path%/*}
    if [ -d "$dir" ]; then set -- "$@" "$dir"; fi
  done <"$1"
  shift
  # coreutils before 8.24 cannot sync one file system: all of them then.
  sync -f "$@" 2>/dev/null || sync
}

# put SOURCE PATH: replaces PATH by a copy of SOURCE, in one rename. Writes PATH.
put() {
  stage "$1" "$2" &&
    sync_files "$temp" &&
    mv -f "$temp" "$2"
}

# sync_files FILE…: they are on disk afterwards. Writes what the kernel holds back.
sync_files() { sync "$@" 2>/dev/null || sync; }

# stage SOURCE PATH: puts a copy of SOURCE beside PATH, with PATH's label, or with the one that it had before us. Writes that
# copy, and the directories on the way to it.
stage() {
  beside "$2"
  if [ ! -d "${2%/*}" ]; then (umask 022 && mkdir -p "${2%/*}") || return; fi
  cp -p "$1" "$temp" || return
  if [ -e "$2" ]; then
    like "$2" "$temp" || return
  else
    case $1 in "$journal"/* | "$backup"/*) like "$1" "$temp" || return ;; esac
  fi
}

# like FILE OTHER: gives OTHER the SELinux label of FILE, where it has one: `cp -p` keeps none. Writes OTHER. Dies with
# PS-N003.
like() {
  label=$(stat -c %C "$1" 2>/dev/null) || return 0
  case $label in *:*:*) ;; *) return 0 ;; esac
  command -v chcon >/dev/null || die 003 "chcon is not on PATH, and $1 has the SELinux label $label to keep: install it"
  chcon "$label" "$2"
}

# Writes the journal and stages every new file beside its target: a full or read-only disk shows here, before any change.
# Reads $plan/changed, $plan/wanted. Writes $plan/first, $journal.new/files, $backup, and from then on $journal. Sets $changed_paths,
# $fail. Dies with PS-N013.
begin() {
  refuse_fixed
  if [ -e "$journal.new" ]; then rm -rf "$journal.new"; fi
  mkdir -p "$journal.new"
  : >>"$journal.new/files"
  while read -r path; do keep "$journal.new" "$path"; done <"$plan/changed"
  # A file that is as wanted already is kept too: it was so before us.
  sort -u "$plan/wanted" "$plan/changed" >"$plan/first"
  while read -r path; do
    managed "$path"
    if [ -z "$known" ]; then keep "$backup" "$path"; fi
  done <"$plan/first"
  changed_paths=$(sort -u "$plan/changed")
  sync_disks "$journal.new/files"
  mv "$journal.new" "$journal"
  fail=4
  set --
  while read -r path; do
    spared "$path"
    [ ! -e "$plan/root$path" ] || stage "$plan/root$path" "$path" ||
      die 013 "cannot write beside $path: make room or remount it writable$way_out"
    beside "$path"
    if [ -e "$temp" ]; then set -- "$@" "$temp"; fi
    [ ! -e "$path" ] || ln -f "$path" "$old" ||
      die 013 "cannot make a second link to $path: is it immutable (lsattr $path)? Then chattr -i $path"
  done <"$plan/changed"
  [ $# = 0 ] || sync_files "$@"
}

# swap PATTERN: moves the staged files whose path matches into place. Reads $plan/changed. Writes those paths.
# Dies with PS-N026.
swap() {
  while read -r path; do
    # shellcheck disable=SC2254 # a pattern on purpose
    case $path in
      $1)
        beside "$path"
        # A whole pull lies between the plan and this.
        if foreign "$path"; then
          die 026 "$path was changed by somebody else during this run, and their change stays: see who else manages this node, and run again"
        fi
        if [ ! -e "$plan/root$path" ]; then rm -f "$path"; elif [ -e "$temp" ]; then mv -f "$temp" "$path"; fi
        ;;
    esac
  done <"$plan/changed"
}

# discard DIR: gone in one rename. `rm -r` alone has no order: a journal that lost its files but not its list would take every
# file on it for one that was not there before. Writes $journal.new.
discard() {
  if [ -e "$journal.new" ]; then rm -rf "$journal.new" || return; fi
  mv "$1" "$journal.new" && rm -rf "$journal.new"
}

# Undoes a run from its journal. Safe to be killed and run again. Called where `set -e` is off. Reads $journal. Sets $socket.
# Writes every path in $journal/files, restarts what is marked there, and gives the runtime's names back what they stood for. Sets $but where
# something is not as before, and is said.
undo() {
  missed='' but=''
  if [ -e "$journal/sandbox" ]; then
    socket=$(cat "$journal/sandbox")
    drop_check_sandboxes
  fi
  while read -r path; do
    beside "$path"
    rm -f "$temp" || missed=1
    if foreign "$path"; then
      say "$path stays: somebody else has written it since this run began"
      but=1
      rm -f "$old"
    elif [ -e "$old" ]; then
      same "$old" "$path" || mv -f "$old" "$path" || missed=1
      rm -f "$old"
    elif [ ! -e "$journal/root$path" ]; then
      rm -f "$path" || missed=1
    elif ! same "$journal/root$path" "$path"; then
      put "$journal/root$path" "$path" || missed=1
    fi
  done <"$journal/files"
  empty_dirs "$journal"
  prune_backup
  sync_disks "$journal/files"
  # By name, which has every runtime before the kubelet.
  for mark in "$journal"/reload-* "$journal"/restart-*; do
    [ -e "$mark" ] || continue
    mark=${mark##*/}
    manage "${mark%%-*}" "${mark#*-}" || missed=1
  done
  # By its file: after a reboot it runs without a word of ours.
  if listed "$units_at/$heal.timer" "$journal/files"; then heal_timed || missed=1; fi
  names_back || missed=1
  [ -z "$missed" ] || return 1
  discard "$journal" || return 1
  # Nothing was ever committed: nothing of ours stays.
  forget_home
}

# The rename is the commit. Writes $commit. Sets $fail.
commit() {
  sync_disks "$journal/files"
  mv "$journal" "$commit"
  fail=5
  finish_commit
}

# What comes after it, in this run or the next: the notes of this run become those that count, or go. Reads $commit. Writes
# $home, and removes what was beside the files, and $error_file.
finish_commit() {
  set --
  while read -r path; do
    beside "$path"
    set -- "$@" "$old"
  done <"$commit/files"
  [ $# = 0 ] || rm -f "$@"
  drop_ours
  if [ -e "$commit/forget" ]; then
    empty_dirs "$backup"
    rm -rf "$home/state" "$home/stat" "$home/watch" "$home/script" "$backup"
    disable_boot
  else
    set --
    for item in state watch stat script; do
      if [ -e "$commit/$item" ]; then set -- "$@" "$commit/$item"; fi
    done
    [ $# = 0 ] || mv -f "$@" "$home/"
    prune_backup
  fi
  discard "$commit"
  rm -rf "$plan" "$error_file"
  [ -e "$home/state" ] || rmdir "$home" 2>/dev/null || :
}

# What a killed run left: finished if it had committed, undone if not. Reads $home. Writes $home, and what undo writes.
# Dies with PS-N020.
recover() {
  [ -d "$home" ] || return 0
  if [ -d "$commit" ]; then finish_commit; fi
  if [ -d "$journal" ]; then
    say 'an earlier run was killed: undoing it first'
    undo || die 020 "the earlier run could not be undone: look at systemctl status containerd kubelet"
  fi
  # Killed before its journal stood: only our own notes can be half-made.
  if [ -d "$plan" ]; then prune_backup; fi
  if [ -d "$plan" ] || [ -d "$journal.new" ]; then rm -rf "$plan" "$journal.new"; fi
  forget_home
}

# Removes our directory where nothing in it counts. A journal or a commit that stands does: the next run needs it. Writes
# $home.
forget_home() {
  if [ -e "$home/state" ] || [ -d "$journal" ] || [ -d "$commit" ]; then return 0; fi
  rm -rf "$home"
}

# ending STATUS BLAME: how both EXIT traps begin. BLAME is a command that may know why the run ends. Reads $fail, $said. Sets $outcome.
ending() {
  trap '' EXIT INT TERM
  set +e
  [ -z "$child" ] || kill "$child" 2>/dev/null
  # An unplanned end has the status of whatever failed: what became of the node is what ours tell.
  case $1 in 0 | 130 | 143) outcome=$1 ;; *) outcome=$fail ;; esac
  [ "$outcome" = 0 ] || [ "${said:-}" ] || "$2" || coded 019 "the run ended unexpectedly (status $outcome)"
}

# The EXIT trap: whatever ends the script before its commit brings the state before back. Sets $outcome. Writes $home,
# $error_file, and what undo writes.
finish() {
  ending $? blame_disk
  if [ -d "$journal" ]; then
    say 'undoing what this run changed'
    if undo; then
      say "the node is as it was before this run${but:+, but for what is said above}"
    else
      coded 020 'not everything could be undone: the next run tries again'
      outcome=5
    fi
  fi
  if [ -d "$home" ]; then
    rm -rf "$plan" "$journal.new" "$error_file"
    forget_home
  fi
  exit "$outcome"
}

# The notes of a plan.
scratch=''

# The EXIT trap of a run that has changed nothing yet, and of every plan: there is nothing to undo. Writes $scratch, which goes.
finish_look() {
  ending $? false
  [ -z "$scratch" ] || rm -rf "$scratch"
  exit "$outcome"
}
