# shellcheck shell=sh
# Runtime: what the files of the container runtimes have in common. Each of those has functions by the same names,
#   _find     where its files and its socket are          _plan     plans its configuration
#   _read     its configuration as it is, $plan/before    _check    lets it parse the result: no other key may differ
#   _trust    plans how it reaches the registry           _restart  has it take the result
#   _pull     pulls the image the way it will; false where only a runtime that was restarted can
# and sets $runtime_name, $runtime_version, $target (the file that decides), $reach (the files, as a pattern, by which the
# registry is reached and that count at once), $watched (what else decides, one per line), $socket, $unit (the one that is restarted),
# $daemon (the unit of its daemon) and $namer, the program that lists and sets names of images: ctr, crio or docker. By its name are
#   _handlers its runtime handlers: a name, a tab, and what pause is to their sandboxes, a word of README.md's table
#   _seen     the image that sandbox $sandbox runs on
#   _carries  prepares a carried image, or refuses it
# and the functions in images.sh.
unit='' daemon='' namer='' socket_unit=''

# unreadable FILE: a file that somebody broke since must not keep a node from being given back: the runtime is not restarted
# on it. Reads $error_file. Writes $plan/before. Dies with PS-N007.
unreadable() {
  why="$1: $runtime_name itself cannot read it ($(cat "$error_file"))"
  [ "$leaving" ] || die 007 "$why: repair it first"
  coded 007 "$why: everything else is restored. $runtime_name keeps its old settings until you repair the file and restart it"
  : >"$plan/before"
}

# The runtime refuses what is there now; where it refused what was there before, that is no news. Reads $error_file. Sets
# $broken. Writes $plan/after. Dies with PS-N014.
refused() {
  [ ! -s "$plan/before" ] || die 014 "$target: $runtime_name refuses the result ($(cat "$error_file"))"
  broken=1
  : >"$plan/after"
}

# runtime_has KEY: the value that the runtime has for it. Reads $plan/before.
runtime_has() { toml_get "$1" <"$plan/before"; }

# unchanged_but KEYS: the keys that differ between $plan/before and $plan/after all match the regular expression.
# Dies with PS-N014.
unchanged_but() {
  [ -s "$plan/before" ] || return 0
  differing "$plan/before" "$plan/after" "$1" ||
    die 014 "$target: the settings that $runtime_name reads before and after the edit cannot be compared"
  [ -z "$other" ] || die 014 "$target: the edit would also change $other"
}

# differing A B KEYS: sets $other to a key of one list that is not so in the other one, unless it matches the regular expression;
# empty: there is none. A line without a tab is a key.
differing() {
  # By the environment: an assignment of -v loses backslashes in gawk and busybox.
  other=$(KEYS=$3 awk -F '\t' '
    FILENAME == ARGV[1] { left[$0]++; next }
    { left[$0]-- }
    END { for (line in left) if (left[line]) { split(line, part, "\t"); if (part[1] !~ ENVIRON["KEYS"]) { print part[1]; exit } } }
  ' "$1" "$2")
}

# taken WANTED SEEN: unless nothing is wanted, what the runtime sees is that. Dies with PS-N014.
taken() {
  [ -z "$1" ] || [ "$1" = "$2" ] || die 014 "$target: $runtime_name does not use $1 from this file; it reads $2"
}

# Restarts the runtime's unit, and waits until CRI answers. Dies with PS-N015.
restart_runtime() {
  restart "$unit" || die 015 "$unit does not restart: see systemctl status $unit"
  within 60 cri version || die 015 "$runtime_name does not answer on $socket after the restart of $unit: see journalctl -u $unit"
}

# The image that sandbox $sandbox runs on, by CRI. Reads the runtime.
ctr_seen() { cri_told inspectp '{{.info.image}}' "$sandbox"; }

# Has the runtime pull the image. Changes the runtime's images. Sets $pulled.
cri_pull() {
  cri_get "$(by_digest)"
  pulled=1
}

# cri_get NAME. Changes the runtime's images. Sets $patience.
cri_get() {
  patience=$pulling
  pull_once "$1" || pull_failed $?
  patience=60
}

# ctr_pull CERTS: with containerd's own resolver, from what is said in directory CERTS. Nothing is proven of the runtime's own
# way by it. It takes a login from a file only: false where there is none, or where that does not reach who gives out tokens, as before
# containerd 2.1. Changes the runtime's images. Sets $fixed.
ctr_pull() {
  [ "$login" = "$kept_login" ] || return 1
  came=0
  as_daemon "$daemon" containerd_ctr images pull --hosts-dir "$1" "$(by_digest)" >/dev/null || came=$?
  if [ "$came" != 0 ]; then
    [ -z "$login_program" ] || case $(error) in *'failed to fetch '*token*) return 1 ;; esac
    pull_failed "$came"
  fi
  fixed=$(ctr_target "$(by_digest)") || pull_failed
  fixed=${fixed% *}
}

# What is left of a file of ours that somebody edited, when our keys go.
without_ours() {
  case $1 in
    */certs.d/*) sed '/^[[:space:]]*Authorization[[:space:]]*=[[:space:]]*\["Basic [A-Za-z0-9+\/=]*"\][[:space:]]*$/d' "$1" ;;
    # `auth:`, and below it the login.
    */registries.*)
      awk '
        held != "" { if ($0 ~ /^ *auth: "[A-Za-z0-9+\/=]*" *$/) { held = ""; next } print held; held = "" }
        /^ *auth: *$/ { held = $0; next }
        { print }
        END { if (held != "") print held }' "$1"
      ;;
    *.yaml) sed '/^pause-image:/d' "$1" ;;
    *.conf.d/*.conf) toml_unset 'crio|image|pause_image' <"$1" | toml_unset 'crio|image|pause_image_auth_file' ;;
    *.toml) containerd_without "$1" ;;
    *.service.d/*) flag_edit '' <"$1" ;;
    *)
      was=$([ ! -e "$backup/root$1" ] || flag_refused "$1" || flag_value <"$backup/root$1")
      flag_edit "$was" <"$1"
      ;;
  esac
}
