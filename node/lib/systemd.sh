# shellcheck shell=sh
# systemd: what it says of a unit, and the words that the unit's process runs with.

# Where a test keeps its processes.
proc=/proc

# loaded UNIT: is there such a unit? Reads what systemd knows of it. Sets $show.
loaded() {
  show=$(systemctl show "$1" -p ExecStart -p LoadState -p EnvironmentFiles -p FragmentPath -p DropInPaths -p MainPID)
  case $show in *LoadState=loaded*) ;; *) return 1 ;; esac
}

# property NAME TEXT: sets $property to its value in what systemctl show printed; empty where that does not say.
property() {
  property=$nl$2
  case $property in
    *"$nl$1="*)
      property=${property#*"$nl$1="}
      property=${property%%"$nl"*}
      ;;
    *) property='' ;;
  esac
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
pid_of() {
  main=$(systemctl show "$1" -p MainPID)
  property MainPID "$main"
  printf '%s\n' "$property"
}

# argv_of UNIT: the command line of the process that runs, one word per line; nothing where none does. Reads systemd.
argv_of() {
  main=$(systemctl show "$1" -p MainPID)
  property MainPID "$main"
  pid=$property
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
  # The x keeps an empty word at the end.
  words=$(words_of "$1" && printf x)
  shift
  option_in "${words%x}" "$@"
}

# option_in WORDS DEFAULT NAME…: the last value of an option in a command line of one word per line.
option_in() {
  words=$1 standard=$2
  shift 2
  WORDS=$words STANDARD=$standard NAMES=" $* " awk '
    BEGIN {
      found = ENVIRON["STANDARD"]
      n = split(ENVIRON["WORDS"], word, "\n")
      if (n && word[n] == "") n--
      for (i = 1; i <= n; i++) {
        name = word[i]
        if (name !~ /^--?[a-z]/) continue
        sub(/^--?/, "", name)
        value = name
        sub(/=.*/, "", name)
        if (!index(ENVIRON["NAMES"], " " name " ")) continue
        if (sub(/^[^=]*=/, "", value)) found = value
        else if (i < n) found = word[++i]
      }
      print found
    }'
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

# The variables that stand as words of their own in command line $1, so that systemd splits them into words, with a space behind each.
plain_variables() {
  LINE=$1 awk '
    BEGIN {
      n = split(ENVIRON["LINE"], word, /[ \t]+/)
      for (i = 1; i <= n; i++) if (word[i] ~ /^\$[A-Za-z_][A-Za-z0-9_]*$/) printf "%s ", substr(word[i], 2)
    }'
}
