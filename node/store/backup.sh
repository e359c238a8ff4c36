# shellcheck shell=sh
# Backup: what was there before our very first change to a path, what is still ours of what is there, and the way back.

# managed PATH: sets $known, its committed sum, empty when it is none of ours. Reads $home/state.
managed() {
  known=''
  [ -e "$home/state" ] || return 0
  while read -r noted hash managed; do
    if [ "$noted" = file ] && [ "$managed" = "$1" ]; then known=$hash; fi
  done <"$home/state"
}

# Is the file still just as we left it?
ours() {
  managed "$1"
  [ "$known" ] && [ -e "$1" ] && sum "$1" && [ "$known" = "$sum" ]
}

# Was PATH not there before? Only a note that says so counts: where the notes were lost, nothing is taken for ours.
absent() {
  case $2 in */zz-pause-sandbox.*) return 0 ;; esac
  [ -e "$1/absent" ] && listed "$2" "$1/absent"
}

# base PATH: the content to build on: what was there before us, unless someone edited the file since. Notes in $plan/seen which
# state of the file that is, for begin to compare.
base() {
  saw "$1"
  if ours "$1" && [ -e "$backup/root$1" ]; then
    cat "$backup/root$1"
  elif [ -e "$1" ] && ! { ours "$1" && absent "$backup" "$1"; }; then
    cat "$1"
  fi
}

# Plans the way back for every path that we manage and this run did not ask for. Reads $home/state, $plan/wanted, $backup.
# Writes $plan/root, $plan/changed.
give_back() {
  [ -e "$home/state" ] || return 0
  while read -r kind _ path; do
    [ "$kind" = file ] || continue
    if listed "$path" "$plan/wanted"; then continue; fi
    [ -e "$path" ] || continue
    if [ "$path" = "$crio_auth" ] || heals "$path"; then
      # Nothing but logins, or what heals, is in it, and nothing refers to it any more.
      lines "$path" >>"$plan/changed"
    elif ! ours "$path"; then
      remove_ours "$path" 'was edited since'
    elif [ -e "$backup/root$path" ]; then
      mkdir -p "$plan/root${path%/*}"
      cp -p "$backup/root$path" "$plan/root$path"
      # The node may have been upgraded since: what would keep its kubelet from starting does not come back.
      if flag_refused "$path"; then flag_edit '' <"$backup/root$path" >"$plan/root$path"; fi
      same "$plan/root$path" "$path" || lines "$path" >>"$plan/changed"
    elif ! absent "$backup" "$path"; then
      remove_ours "$path" "has no copy of before in $backup"
    elif in_use "$path"; then
      say "$path stays: ${path%/*}/hosts.toml, which was edited since, refers to it"
    else
      lines "$path" >>"$plan/changed"
    fi
  done <"$home/state"
}

# remove_ours PATH WHY: plans the file without our keys. Writes $new.
remove_ours() {
  say "$1 $2: only our keys are removed, the rest stays"
  without_ours "$1" >"$new"
  case $1 in
    */certs.d/* | */registries.*)
      if grep -qiE 'authorization|auth"?[[:space:]]*[:=]|passw' "$new"; then
        say "$1 still has a login, in another form than ours: take it out if nobody else needs it"
      fi
      ;;
  esac
  write "$1"
}

# A CA that a person's own hosts.toml names is theirs by now.
in_use() {
  case $1 in */ca.crt | */pause-sandbox-ca.crt) ;; *) return 1 ;; esac
  hosts=${1%/*}/hosts.toml
  [ -e "$hosts" ] && ! ours "$hosts" && grep -qF "$1" "$hosts"
}

# keep BASE PATH: the state of PATH as it is, with the directories that are missing on the way to it. Writes BASE/root, and
# the lists BASE/absent, BASE/dirs, BASE/files.
keep() {
  if [ -e "$1/root$2" ]; then rm -f "$1/root$2"; fi
  if [ -e "$2" ]; then
    if [ ! -d "$1/root${2%/*}" ]; then mkdir -p "$1/root${2%/*}"; fi
    cp -p "$2" "$1/root$2"
    like "$2" "$1/root$2"
  else
    if [ ! -d "$1" ]; then mkdir -p "$1"; fi
    lines "$2" >>"$1/absent"
    dir=${2%/*}
    while [ ! -d "$dir" ]; do
      lines "$dir" >>"$1/dirs"
      dir=${dir%/*}
    done
  fi
  lines "$2" >>"$1/files"
}

# Forgets the state before of paths that we do not manage, or do not manage any more. Where that fails because space is
# missing, the next run does it. Reads $home/state. Writes $backup, by $backup/new, and removes directories that were made for such a path.
prune_backup() {
  [ -d "$backup" ] || return 0
  for list in files absent dirs; do
    [ -e "$backup/$list" ] || continue
    # Sorted: a node's notes do not tell how often a run was undone on it.
    sort -ru "$backup/$list" | while IFS= read -r path; do
      if counts "$path" "$list"; then
        lines "$path" || exit 1
      elif [ "$list" = files ]; then
        rm -f "$backup/root$path"
        rmdir -p "$backup/root${path%/*}" 2>/dev/null || :
      elif [ "$list" = dirs ]; then
        # Made for a file that has gone since, as that of another registry; deepest first.
        rmdir "$path" 2>/dev/null || :
      fi
    done >"$backup/new" || return 0
    cmp -s "$backup/new" "$backup/$list" || mv -f "$backup/new" "$backup/$list"
    rm -f "$backup/new"
    [ -s "$backup/$list" ] || rm -f "$backup/$list"
  done
}

# counts PATH LIST: is PATH, of a list in $backup, a file that we manage, or one of the directories above such a file? Reads
# $home/state.
counts() {
  [ -e "$home/state" ] || return 1
  while read -r noted hash managed; do
    [ "$noted" = file ] || continue
    case $managed in
      "$1") return 0 ;;
      "$1"/*) if [ "$2" = dirs ]; then return 0; fi ;;
    esac
  done <"$home/state"
  return 1
}

# empty_dirs BASE: removes the directories that did not exist before, deepest first, as far as they are empty. Reads
# BASE/dirs. Writes nothing else.
empty_dirs() {
  [ ! -e "$1/dirs" ] || sort -ru "$1/dirs" | while read -r dir; do rmdir "$dir" 2>/dev/null || :; done
}
