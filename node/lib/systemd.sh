# shellcheck shell=sh
# systemd: what it says of a unit, and the words that the unit's process runs with.

# Where a test keeps its processes.
proc=/proc

# loaded UNIT: is there such a unit? Reads what systemd knows of it. Sets $show.
loaded() {
  show=$(systemctl show "$1" -p ExecStart -p LoadState -p EnvironmentFiles -p FragmentPath -p DropInPaths -p MainPID)
  case $show in *LoadState=loaded*) ;; *) return 1 ;; esac
}

# The executable and the command line in $show; the latter also as one word per line. It may still hold variables of systemd's.
show_path() {
  path=${show#*path=}
  printf %s "${path%% *}"
}
show_argv() {
  argv=${show#*argv\[\]=}
  printf %s "${argv%% ;*}"
}
show_words() { show_argv | tr ' ' '\n'; }

# pid_of UNIT: the process that runs; 0 or nothing where none does. Reads systemd.
pid_of() { systemctl show "$1" -p MainPID | sed -n 's/^MainPID=//p'; }

# argv_of UNIT: the command line of the process that runs, one word per line; nothing where none does.
argv_of() {
  pid=$(pid_of "$1")
  if [ "${pid:-0}" != 0 ] && [ -r "$proc/$pid/cmdline" ]; then tr '\0' '\n' <"$proc/$pid/cmdline"; fi
}

# words_of UNIT: the same, else what systemd would start by $show. The x keeps an empty word at the end.
words_of() {
  words=$(argv_of "$1" && printf x)
  if [ "${words%x}" ]; then printf %s "${words%x}"; else show_words; fi
}

# daemon_option UNIT DEFAULT NAME…: an option of the process that runs, by any of its names without dashes; where none runs,
# of the command line in $show.
daemon_option() {
  words_of "$1" | { shift && option_in "$@"; }
}

# option_in DEFAULT NAME…: the last value of an option in the words on stdin, one per line.
option_in() {
  standard=$1
  shift
  awk -v found="$standard" -v names=" $* " '
    take { found = $0; take = 0; next }
    /^--?[a-z]/ {
      name = $0
      sub(/^--?/, "", name)
      value = name
      sub(/=.*/, "", name)
      if (!index(names, " " name " ")) next
      if (sub(/^[^=]*=/, "", value)) found = value
      else take = 1
    }
    END { print found }'
}

# exec_start UNIT OWN: the unit's command line without drop-in OWN, in one line, as systemd joins it: comments inside of a
# continued line go, white space around the = too. Reads systemd.
exec_start() {
  systemctl cat "$1" 9>&- | OWN="# $2" awk '
    { sub(/\r$/, ""); line = $0; sub(/^[ \t]+/, "", line) }
    !more && /^# \// { skip = $0 == ENVIRON["OWN"] }
    line ~ /^[#;]/ { next }
    {
      text = more ? joined (joined ~ /[ \t]$/ || $0 ~ /^[ \t]/ ? "" : " ") $0 : line
      more = match(text, /\\+$/) && RLENGTH % 2
      if (more) { joined = substr(text, 1, length(text) - 1); next }
    }
    !skip && text ~ /^ExecStart[ \t]*=/ { sub(/^ExecStart[ \t]*=[ \t]*/, "", text); last = text }
    END { print "ExecStart=" last }'
}

# The variables that stand as words of their own in the command line on stdin, so that systemd splits them into words.
plain_variables() { tr '\t ' '[\n*]' | sed -n 's/^\$\([A-Za-z_][A-Za-z0-9_]*\)$/\1/p'; }
