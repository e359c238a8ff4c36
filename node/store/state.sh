# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# State: what a run leaves for the next one to compare with, and whether that one has anything to do.

# state_of KEY: what was committed.
state_of() { [ ! -e "$home/state" ] || sed -n "s/^$1 //p" "$home/state"; }

# The state that the next run compares with: a stat of everything that decides, the sums of what we wrote.
write_state() {
  {
    printf 'id %s\nowner %s\nprevious %s\nsocket %s\nimage %s\n' "$id" "$owner" "$previous" "$socket" "$image"
    sort -u "$plan/wanted" | while read -r path; do
      [ ! -e "$path" ] || printf 'file %s %s\n' "$(sum "$path")" "$path"
    done
    printf 'report %s\n' "$(report_line '' '' unchanged)"
  } >"$journal/state"
  {
    printf '%s\n' "$watched" ${kubelet:+"$kubelet"} /etc/systemd/system/kubelet.service.d | sed '/^$/d'
    sort -u "$plan/wanted"
    sort -u "$plan/wanted" | sed 's,/[^/]*$,,'
    [ ! -e "$plan/imports" ] || sed 's,/[^/]*$,,' "$plan/imports"
    [ ! -e "$plan/flags" ] || cat "$plan/flags"
  } | sort -u >"$journal/watch"
  look <"$journal/watch" >"$journal/stat"
}

# Inode, size and times, of what a link leads to: whoever touches a file changes its ctime, which nobody can set back.
look() {
  set --
  while IFS= read -r path; do set -- "$@" "$path"; done
  stat -Lc '%n %i %s %y %z %a %u %g' "$@" 2>/dev/null || :
}

# The cheap way out, which never lies: same request, no file that decides touched since, image still there and pinned.
nothing_to_do() {
  [ -e "$home/state" ] || return 1
  while IFS= read -r line; do
    case $line in
      'id '*) [ "${line#id }" = "$id" ] || return 1 ;;
      'socket '*) socket=${line#socket } ;;
      'report '*) line=${line#report } && break ;;
    esac
  done <"$home/state"
  [ "$(look <"$home/watch")" = "$(cat "$home/stat")" ] || return 1
  inspect_image || return 1
  case $line in
    *"\"digest\":\"$got\""*"\"pinned\":$pinned"*) ;;
    *) return 1 ;;
  esac
  say 'nothing to do'
  printf '%s\n' "$line"
}
