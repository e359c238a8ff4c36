# shellcheck shell=sh
# Runtime: what the files of the container runtimes have in common. Each of those has functions by the same names,
#   _find     where its files and its socket are          _plan     plans its configuration
#   _read     its configuration as it is, $plan/before    _check    lets it parse the result: no other key may differ
#   _trust    plans how it reaches the registry           _restart  has it take the result
#   _pull     pulls the image the way it will; false where only a sandbox can
# and sets $runtime_name, $runtime_version, $target (the file that decides), $reach (the files, as a pattern, by which the
# registry is reached and that count at once), $watched (what else decides, one per line) and $socket.

# unreadable FILE: a file that somebody broke since must not keep a node from being given back: the runtime is not restarted
# on it. Reads $home/error. Writes $plan/before. Dies with PS-N007.
unreadable() {
  why="$1: $runtime_name itself cannot read it ($(cat "$home/error"))"
  [ "$leaving" ] || die 007 "$why: repair it first"
  say "PS-N007 $why: everything else is restored. $runtime_name keeps its old settings until you repair the file and restart it, see docs/errors/PS-N007.md"
  : >"$plan/before"
}

# The runtime refuses what is there now; where it refused what was there before, that is no news. Reads $home/error. Sets
# $broken. Writes $plan/after. Dies with PS-N014.
refused() {
  [ ! -s "$plan/before" ] || die 014 "$target: $runtime_name refuses the result ($(cat "$home/error"))"
  broken=1
  : >"$plan/after"
}

# unchanged_but KEYS: the keys that differ between $plan/before and $plan/after all match the regular expression.
# Dies with PS-N014.
unchanged_but() {
  [ -s "$plan/before" ] || return 0
  # By the environment: an assignment of -v loses backslashes in gawk and busybox.
  differs=$(KEYS=$1 awk -F '\t' '
    FILENAME == ARGV[1] { left[$0]++; next }
    { left[$0]-- }
    END { for (line in left) if (left[line]) { split(line, part, "\t"); if (part[1] !~ ENVIRON["KEYS"]) { print part[1]; exit } } }
  ' "$plan/before" "$plan/after") || die 014 "$target: the settings that $runtime_name reads before and after the edit cannot be compared"
  [ -z "$differs" ] || die 014 "$target: the edit would also change $differs"
}

# taken WANTED SEEN: unless nothing is wanted, what the runtime sees is that. Dies with PS-N014.
taken() {
  [ -z "$1" ] || [ "$1" = "$2" ] || die 014 "$target: $runtime_name does not use $1 from this file; it reads $2"
}

# The unit that is restarted for the runtime's configuration: the first of its units. Reads what systemd knows, for k3s.
runtime_unit() {
  units=$("${runtime}_units")
  printf '%s\n' "${units%%"$nl"*}"
}

# The files that a runtime reads, where it is one that decides. Writes $plan/load.
list_target() { printf '%s\n' "$target" >"$plan/load"; }

# The image that sandbox $sandbox runs on, by CRI. Reads the runtime.
cri_seen() { cri inspectp -o go-template --template '{{.info.image}}' "$sandbox"; }

# Has the runtime pull the image. Changes the runtime's images. Sets $pulled.
cri_pull() {
  cri_get "$(by_digest)"
  pulled=1
}

# cri_get NAME. Changes the runtime's images. Sets $patience.
cri_get() {
  patience=$pulling
  cri pull "$1" >/dev/null || pull_failed $?
  patience=60
}

# ctr_pull CERTS: with containerd's own resolver, from what is said in directory CERTS. Nothing is proven of the runtime's own
# way by it. Changes the runtime's images. Sets $fixed.
ctr_pull() {
  as_daemon "$("${runtime}_daemon")" containerd_ctr images pull --hosts-dir "$1" "$(by_digest)" >/dev/null || pull_failed $?
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
