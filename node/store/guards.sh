# shellcheck shell=sh
# Guards: what must hold before and while a file is replaced, and who has written it meanwhile.

sum() { sha256sum <"$1" | { read -r hash _ && printf %s "$hash"; }; }

# saw PATH: notes that this run builds on PATH as it is now. Writes $plan/seen.
saw() { printf '%s\t%s\n' "$1" "$(version_of "$1")" >>"$plan/seen"; }

# same A B: content, mode and owner.
same() { cmp -s "$1" "$2" && [ "$(stat -Lc '%a %u %g' "$1")" = "$(stat -Lc '%a %u %g' "$2")" ]; }

# Which file PATH is, and in which state: whoever replaces or edits it changes that. Its times alone do not tell: an edit within
# the same second may leave the size as it is.
version_of() { if [ -e "$1" ]; then echo "$(stat -Lc '%i %s %y %z' "$1") $(sum "$1")"; else echo none; fi; }

# Refuses, while nothing is changed, what cannot be replaced by a rename, or is not what the plan was made from. Reads
# $plan/changed, $plan/seen. Dies with PS-N013, PS-N026.
refuse_fixed() {
  while IFS= read -r path; do
    if FIXED=$path awk '$5 == ENVIRON["FIXED"] { found = 1 } END { exit !found }' /proc/self/mountinfo; then
      die 013 "$path is a mount point, which no rename can replace: unmount it, or mount its directory instead"
    fi
    for one in "$path" "${path%/*}"; do refuse_immutable "$one"; done
  done <"$plan/changed"
  while IFS=$tab read -r path state; do
    [ "$state" = "$(version_of "$path")" ] ||
      die 026 "$path was changed by somebody else while this run planned: see who else manages this node, and run again"
  done <"$plan/seen"
}

# Where lsattr is missing, making the link beside the file finds out, and the run is undone. Dies with PS-N013.
refuse_immutable() {
  if [ -e "$1" ] && command -v lsattr >/dev/null; then
    attributes=$(lsattr -d "$1" 2>/dev/null) || return 0
    case ${attributes%% *} in *[ia]*) die 013 "$1 is immutable or append-only: chattr -i -a $1" ;; esac
  fi
}

# Is PATH neither as it was nor as this run makes it? Then somebody else has written it meanwhile.
foreign() {
  [ -d "$plan/root" ] || return 1
  if [ -e "$1" ]; then
    if [ -e "$journal/root$1" ] && same "$journal/root$1" "$1"; then return 1; fi
    if [ -e "$plan/root$1" ] && same "$plan/root$1" "$1"; then return 1; fi
    return 0
  fi
  # It is gone: by us, or it never was there.
  if [ -e "$journal/root$1" ] && [ -e "$plan/root$1" ]; then return 0; fi
  return 1
}

# When nobody said why the run ends: is there a disk that takes no more? Writes a file into each directory and removes it.
blame_disk() {
  for dir in /var/lib "${config%/*}" "$home"; do
    [ -d "$dir" ] || continue
    probe=$dir/.pause-sandbox
    if ! (echo "$probe" >"$probe") 2>/dev/null; then
      rm -f "$probe" 2>/dev/null
      say "PS-N013 cannot write in $dir: make room or remount it writable, see docs/errors/PS-N013.md"
      return 0
    fi
    rm -f "$probe"
  done
  return 1
}
