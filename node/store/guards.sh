# shellcheck shell=sh
# Guards: what must hold before and while a file is replaced, and who has written it meanwhile.

# sum FILE: sets $sum, the SHA-256 of its content.
sum() {
  sum=$(sha256sum <"$1") || return
  sum=${sum%% *}
}

# saw PATH: notes that this run builds on PATH as it is now. One note is enough: whoever changes PATH after the first one
# changes what that says. Writes $plan/seen, $plan/versions.
saw() {
  if listed "$1" "$plan/seen"; then return 0; fi
  lines "$1" >>"$plan/seen"
  versions "$1" >>"$plan/versions"
}

# versions PATH…: which file each of them is, and in which state: whoever replaces or edits it changes that. Its times alone do
# not tell: an edit within the same second may leave the size as it is. The path ends each line.
versions() {
  for noted; do
    shift
    if [ -e "$noted" ]; then set -- "$@" "$noted"; else printf 'none %s\n' "$noted"; fi
  done
  [ $# -gt 0 ] || return 0
  stat -Lc '%i %s %y %z %n' "$@" 2>/dev/null || :
  sha256sum "$@" 2>/dev/null || :
}

# same A B: content, mode and owner.
same() {
  cmp -s "$1" "$2" || return
  modes=$(stat -Lc '%a %u %g' "$1" "$2") || return
  [ "${modes%"$nl"*}" = "${modes#*"$nl"}" ]
}

# Refuses, while nothing is changed, what cannot be replaced by a rename, or is not what the plan was made from. Reads
# $plan/changed, $plan/seen, $plan/versions. Writes $plan/versions-now. Dies with PS-N013, PS-N026.
refuse_fixed() {
  mount=$(awk 'FILENAME == ARGV[1] { path[$0]; next } $5 in path { print $5; exit }' "$plan/changed" /proc/self/mountinfo)
  [ -z "$mount" ] || die 013 "$mount is a mount point, which no rename can replace: unmount it, or mount its directory instead"
  refuse_immutable
  refuse_read_only
  set --
  while IFS= read -r path; do set -- "$@" "$path"; done <"$plan/seen"
  [ $# -gt 0 ] || return 0
  versions "$@" >"$plan/versions-now"
  differing "$plan/versions" "$plan/versions-now" '^$'
  [ -z "$other" ] ||
    die 026 "/${other#* /} was changed by somebody else while this run planned: see who else manages this node, and run again"
}

# What is to be replaced is a file: a unit that somebody has masked leads to /dev/null. The directories that take new files, or would be
# made in, can be written to. Reads $plan/changed. Dies with PS-N013.
refuse_read_only() {
  while IFS= read -r path; do
    [ -f "$path" ] || [ ! -e "$path" ] || die 013 "$path is no file: see systemctl unmask"
    dir=${path%/*}
    while [ ! -d "${dir:=/}" ]; do dir=${dir%/*}; done
    [ -w "$dir" ] && continue
    case $path in
      /nix/store/*) die 013 "$path is in a read-only store: set it in the configuration of NixOS (virtualisation.containerd.settings, services.kubernetes.kubelet)" ;;
      *)
        spared "$path"
        die 013 "$dir, where $path is, cannot be written to: remount it writable, or set what the node needs where this file comes from$way_out"
        ;;
    esac
  done <"$plan/changed"
}

# Where lsattr is missing, making the link beside the file finds out, and the run is undone. Reads $plan/changed. Writes
# $plan/attributes. Dies with PS-N013.
refuse_immutable() {
  if ! command -v lsattr >/dev/null; then return 0; fi
  set --
  while IFS= read -r path; do
    for one in "$path" "${path%/*}"; do if [ -e "$one" ]; then set -- "$@" "$one"; fi; done
  done <"$plan/changed"
  [ $# -gt 0 ] || return 0
  # It goes on with the next path where a file system has no attributes.
  lsattr -d "$@" >"$plan/attributes" 2>/dev/null || :
  while read -r flags path; do
    case $flags in *[ia]*) die 013 "$path is immutable or append-only: chattr -i -a $path" ;; esac
  done <"$plan/attributes"
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
  [ -e "$journal/root$1" ] && [ -e "$plan/root$1" ]
}

# When nobody said why the run ends: is there a disk that takes no more? Writes a file into each directory and removes it.
blame_disk() {
  for dir in /var/lib "${config%/*}" "$home"; do
    [ -d "$dir" ] || continue
    probe=$dir/.pause-sandbox
    if ! (echo "$probe" >"$probe") 2>/dev/null; then
      rm -f "$probe" 2>/dev/null
      coded 013 "cannot write in $dir: make room or remount it writable"
      return 0
    fi
    rm -f "$probe"
  done
  return 1
}
