# shellcheck shell=sh
# State: what a run leaves for the next one to compare with, and whether that one has anything to do.
#
#   state   what was asked for, `file SUM PATH` for each file of ours, `unit UNIT PATH` for those that are not the runtime's
#   watch   the paths that decide, one per line; of a directory, the files in it
#   stat    what `look` said of them
#   script  the script itself, where it came as a file

# state_of KEY: what was committed.
state_of() {
  [ -e "$home/state" ] || return 0
  while IFS= read -r noted; do
    case $noted in "$1 "*) lines "${noted#"$1 "}" ;; esac
  done <"$home/state"
}

# The units that were committed, as `want_for` writes them.
state_units() { [ ! -e "$home/state" ] || awk '$1 == "unit" { u = $2; print u "\t" substr($0, length(u) + 7) }' "$home/state"; }

# What the next run compares with; it counts when the journal is committed. Reads $plan. Writes $journal/state,
# $journal/watch, $journal/stat, $journal/script.
write_state() {
  # Where the script did not come as a file, whoever gives the node back brings it.
  [ -z "${script_file:-}" ] || cp "$script_file" "$journal/script"
  {
    printf 'id %s\nowner %s\nprevious %s\nsocket %s\nimage %s\n' "$id" "$owner" "$previous" "$socket" "$image"
    sort -u "$plan/wanted" | while read -r path; do
      [ -e "$path" ] || continue
      sum "$path"
      printf 'file %s %s\n' "$sum" "$path"
    done
    [ ! -e "$plan/units" ] || sort -u "$plan/units" | while IFS=$tab read -r reader path; do
      if listed "$path" "$plan/wanted"; then printf 'unit %s %s\n' "$reader" "$path"; fi
    done
    sort -u "$plan/ours" | sed 's/^/ours /'
    printf 'report '
    report_line '' '' unchanged
  } >"$journal/state"
  watch_list | sed '/^\//!d; s,/*$,,' | sort -u >"$journal/watch"
  looks <"$journal/watch" >"$journal/stat"
}

# What decides. Never a directory that lives: the kubelet renames files of its own in /var/lib/kubelet at each new Pod.
watch_list() {
  lines "$watched"
  # What we wrote, and beside it what else may be read from a directory that holds nothing but configuration.
  sed -n 'p; s,/[^/]*$,,; /\.d$/p; /\/certs\.d\//p' "$plan/wanted"
  [ ! -e "$plan/imports" ] || pattern_files <"$plan/imports"
  watch_units "$unit" ${socket_unit:+"$socket_unit"} kubelet
  [ -z "${kubelet_version:-}" ] || watch_kubelet
}

# The directory of a pattern, a path that is none as it stands.
pattern_files() { sed '/[][*?]/s,/[^/]*$,,'; }

unit_roots='/etc/systemd/system /run/systemd/system /etc/systemd/system.control /run/systemd/system.control
/usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system'

# watch_units UNIT…: the files that systemd makes them of, those that would take their place, their environment and their
# programs. Reads systemd.
watch_units() {
  for one; do
    case $one in *.*) ;; *) one=$one.service ;; esac
    for dir in $unit_roots; do lines "$dir/$one" "$dir/$one.d" "$dir/service.d"; done
  done
  systemctl show "$@" -p FragmentPath -p DropInPaths -p EnvironmentFiles -p ExecStart | awk '
    # As pattern_files does it.
    function watch(path) {
      if (path ~ /[][*?]/) sub(/\/[^\/]*$/, "", path)
      print path
    }
    sub(/^FragmentPath=/, "") { watch($0) }
    sub(/^DropInPaths=/, "") { n = split($0, path, " "); for (i = 1; i <= n; i++) watch(path[i]) }
    sub(/^EnvironmentFiles?=/, "") { sub(/ \(ignore_errors=[a-z]*\)$/, ""); watch($0) }
    sub(/^ExecStart=\{ path=/, "") { sub(/ ;.*/, ""); watch($0) }'
}

# The kubelet's own configuration: the files that its command line names, else where kubeadm has them.
watch_kubelet() {
  lines "${kubelet:-}" /var/lib/kubelet/config.yaml /var/lib/kubelet/instance-config.yaml
  argv_of kubelet | awk '
    take { print; take = 0 }
    /^--?(config|config-dir)$/ { take = 1 }
    sub(/^--?(config|config-dir)=/, "") { print }'
}

# Inode, size and times, of a link and of what it leads to: whoever touches a file changes its ctime, which nobody can set
# back. Of a directory, the files in it: its own times say nothing.
looks() {
  set --
  while IFS= read -r path; do
    if [ -d "$path" ]; then
      for entry in "$path"/* "$path"/.[!.]*; do
        # What this very run has beside its files goes at the commit.
        case ${entry##*/} in .*.pause-sandbox*) continue ;; esac
        [ -d "$entry" ] || set -- "$@" "$entry"
      done
    else
      set -- "$@" "$path"
    fi
  done
  # A path that is not there has no line; both say so with their status.
  stat -c "$look_at" "$@" 2>/dev/null || :
  stat -Lc "$look_at" "$@" 2>/dev/null || :
}
look_at='%n %i %s %y %z %a %u %g'

# The cheap way out, which never lies: same request, no file that decides touched since, image still there and pinned, its timer
# running. Prints the report. Reads $home/state, $home/watch, $home/stat, systemd. Sets $socket.
nothing_to_do() {
  [ -e "$home/state" ] || return 1
  while IFS= read -r line; do
    case $line in
      # The stack's request is another one, and led to the same image.
      'id '*) [ "${line#id }" = "$id" ] || [ "$kept" ] || return 1 ;;
      'socket '*) socket=${line#socket } ;;
      'report '*) line=${line#report } && break ;;
    esac
  done <"$home/state"
  # Nothing to compare is no proof: somebody may have cleaned up here.
  [ -s "$home/watch" ] && [ -s "$home/stat" ] || return 1
  [ "$(looks <"$home/watch")" = "$(cat "$home/stat")" ] || return 1
  as_reported "$line" || return 1
  if [ -e "$units_at/$heal.timer" ] && ! is_active "$heal.timer"; then return 1; fi
  keep_script
  say "well: nothing to do, new sandboxes run on $(state_of image)"
  tell "$line"
}

# as_reported REPORT: does the runtime have the image as that says? Reads the runtime's images.
as_reported() {
  told=${1#*\"digest\":\"}
  inspect_name "$image" "${told%%\"*}" || return 1
  case $1 in
    *"\"digest\":\"$got\""*"\"pinned\":$pinned"*) ;;
    *) return 1 ;;
  esac
}

# Removes what was copied for this resource into the home directory, where the run began, and what has the name of an earlier
# version. From here on the copy that the node keeps counts. Reads $copied. Writes the home directory of who logs in.
drop_copies() {
  [ -z "$copied" ] || rm -f "${copied%-*-*}"-*.sh .pause-sandbox-????????????????.sh || :
}

# The copy of the script that `restore` falls back to is the one that ran last: the one that it came as goes. The same request
# may come with other bytes, such as another comment among the certificates. Reads $script_file. Writes $home/script.
keep_script() {
  if [ -z "${script_file:-}" ] || cmp -s "$script_file" "$home/script"; then return 0; fi
  cp "$script_file" "$home/script.new" && mv "$home/script.new" "$home/script"
}
