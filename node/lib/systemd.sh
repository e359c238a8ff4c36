# shellcheck shell=sh
# systemd: what it says of a unit, and the words that the unit's process runs with.

# Where a test keeps its processes.
proc=/proc

# loaded UNIT: is there such a unit? Reads what systemd knows of it. Sets $show.
loaded() {
  show=$(systemctl show "$1" -p ExecStart -p LoadState -p EnvironmentFiles -p FragmentPath -p DropInPaths -p MainPID)
  case $show in *LoadState=loaded*) ;; *) return 1 ;; esac
}

# is_active UNIT…: does one of them run? Reads systemd.
is_active() { systemctl -q is-active "$@"; }

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

# shown UNIT NAME: $property becomes a property of the unit, by `property`. Reads systemd.
shown() {
  shows=$(systemctl show "$1" -p "$2")
  property "$2" "$shows"
}

# The executable and the command line in $show. The latter may still hold variables of systemd's.
show_path() {
  path=${show#*path=}
  printf %s "${path%% *}"
}
show_argv() {
  argv=${show#*argv\[\]=}
  printf %s "${argv%% ;*}"
}

# main_pid UNIT: sets $main_pid to the process that runs; 0 or nothing where none does. Reads systemd.
main_pid() {
  shown "$1" MainPID
  main_pid=$property
}
# The same on stdout.
pid_of() { main_pid "$1" && lines "$main_pid"; }

# runs PROCESS: sets $program to the file that it runs, nothing where there is none. Fails while it is systemd itself, which is about
# to start that file: its words are none of the program's then.
runs() {
  program=$(readlink "$proc/${1:-0}/exe") || program=''
  case $program in */systemd | */systemd-executor) return 1 ;; esac
}

# argv_of UNIT: the command line of the process that runs, one word per line; nothing where none does. Reads systemd.
argv_of() {
  main_pid "$1"
  if [ "${main_pid:-0}" != 0 ] && runs "$main_pid" && [ -r "$proc/$main_pid/cmdline" ]; then tr '\0' '\n' <"$proc/$main_pid/cmdline"; fi
}

# words_of UNIT: the same, else what systemd would start. The x keeps an empty word at the end. Reads systemd. Sets $run_words.
words_of() {
  run_words=$(argv_of "$1" && printf x)
  [ "${run_words%x}" ] || run_words=$(started_words "$1" && printf x)
  run_words=${run_words%x}
}

# The words or variables of a process, one per line, from a file of /proc.
lines_of() { tr '\n\0' '\001\n' <"$1"; }

# environment_of UNIT: the variables of its process, else those that systemd would give it, `NAME=VALUE` a line. Reads systemd.
environment_of() {
  main_pid "$1"
  if [ "${main_pid:-0}" != 0 ] && runs "$main_pid" && [ -r "$proc/$main_pid/environ" ]; then
    lines_of "$proc/$main_pid/environ"
  else
    unit_environment "$1" | awk '{ print substr($0, 1, index($0, "\t") - 1) "=" substr($0, index($0, "\t") + 1) }'
  fi
}

# unit_environment UNIT: what its Environment= and its environment files set, `NAME<TAB>VALUE` a line. Reads systemd.
unit_environment() {
  shown=$(systemctl show "$1" -p Environment -p EnvironmentFiles)
  property Environment "$shown"
  [ -z "$property" ] || ENVIRONMENT=$property awk "$words_program"'
    BEGIN {
      split_words(ENVIRON["ENVIRONMENT"])
      for (w = 1; w <= words; w++) if (i = index(word[w], "=")) print substr(word[w], 1, i - 1) "\t" substr(word[w], i + 1)
    }'
  environment_files "$shown" | while IFS= read -r file; do
    [ ! -f "$file" ] || env_file list <"$file"
  done
}

# as_daemon UNIT COMMAND…: runs it with what the daemon's environment says of its configuration, of proxies and of authorities, and
# not with what a log-in says of them.
as_daemon() (
  unset HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy
  IFS=$nl
  set -f
  for variable in $(environment_of "$1"); do
    case ${variable%%=*} in
      *[!A-Za-z0-9_]*) ;;
      [Hh][Tt][Tt][Pp]*_[Pp][Rr][Oo][Xx][Yy] | [Nn][Oo]_[Pp]* | [Aa][Ll][Ll]_[Pp]* | SSL_CERT_* | CONTAINER_*) export "${variable?}" ;;
    esac
  done
  unset IFS
  set +f
  shift
  "$@"
)

# program_of UNIT: sets $program to what UNIT's process runs; where none does, to what the unit that is loaded starts. A script is
# nothing to ask: it may start something. Reads systemd. Dies with PS-N005.
program_of() {
  property MainPID "$show"
  { runs "$property" && [ "$program" ]; } || program=$(show_path)
  # It was replaced since its start.
  program=${program%' (deleted)'}
  is_program "$program" ||
    die 005 "$1.service is not running, and starts $program, which is not an ELF binary: start $1 first"
}

# Is FILE a program of its own, and no script?
is_program() {
  { IFS= read -r head <"$1" || [ "$head" ]; } 2>/dev/null || return 1
  case $head in "$elf"*) ;; *) return 1 ;; esac
}
elf=$(printf '\177ELF')

# started_words UNIT: the command line that systemd would start, one word per line, with its variables expanded:
#   ExecStart=/k --a=${A} $B, A="1 2" and B="--b --c" give /k, --a=1 2, --b and --c
# Reads systemd.
started_words() {
  unit_environment "$1" | LINE=$(exec_start "$1" '') awk -F '\t' "$words_program"'
    { value[$1] = substr($0, length($1) + 2) }
    END {
      line = substr(ENVIRON["LINE"], length("ExecStart=") + 1)
      if (match(line, /^[-@:+!|]+/)) { prefix = substr(line, 1, RLENGTH); line = substr(line, RLENGTH + 1) }
      split_words(line)
      count = words
      for (w = 1; w <= count; w++) each[w] = word[w]
      for (w = 1; w <= count; w++) {
        if (each[w] == ";") break
        # Its second word is the name that the process has.
        if (w == 2 && prefix ~ /@/) continue
        gsub(/%%/, "%", each[w])
        if (prefix !~ /:/ && each[w] ~ /^\$[A-Za-z_][A-Za-z0-9_]*$/) {
          split_words(value[substr(each[w], 2)])
          for (i = 1; i <= words; i++) print word[i]
          continue
        }
        out = ""
        while (prefix !~ /:/ && match(each[w], /\$(\$|\{[A-Za-z_][A-Za-z0-9_]*\})/)) {
          name = substr(each[w], RSTART + 2, RLENGTH - 3)
          out = out substr(each[w], 1, RSTART - 1) (RLENGTH == 2 ? "$" : value[name])
          each[w] = substr(each[w], RSTART + RLENGTH)
        }
        print out each[w]
      }
    }'
}

# daemon_option UNIT DEFAULT NAME…: an option of the process that runs, by any of its names without dashes; where none runs,
# of the command line that systemd would start. Reads systemd.
daemon_option() {
  words_of "$1"
  shift
  option_in "$run_words" "$@"
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

# environment_files SHOWN: the environment files of a unit, from what systemctl show printed. Links are followed, and patterns
# expanded as systemd does it. systemd before 239 writes EnvironmentFile.
environment_files() {
  IFS=$nl
  set -f
  # shellcheck disable=SC2086 # one per line
  set -- $1
  set +f
  unset IFS
  for pattern; do
    case $pattern in
      EnvironmentFile=/*' (ignore_errors='* | EnvironmentFiles=/*' (ignore_errors='*) pattern=${pattern#*=} ;;
      *) continue ;;
    esac
    for file in ${pattern% (ignore_errors=*}; do
      real "$file"
      lines "$real"
    done
  done
}

# exec_start UNIT OWN: the unit's command line without drop-in OWN, in one line, as systemd joins it: comments inside of a
# continued line go, white space around the = too. Reads systemd.
exec_start() {
  systemctl cat "$1" 8>&- 9>&- | OWN="# $2" awk '
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

# variables_in LINE PATTERN: the variables of a command line that stand as words like PATTERN, with a space behind each.
variables_in() {
  LINE=$1 LIKE=$2 awk '
    BEGIN {
      n = split(ENVIRON["LINE"], word, /[ \t]+/)
      for (i = 1; i <= n; i++) if (word[i] ~ ENVIRON["LIKE"]) { gsub(/[^A-Za-z0-9_]/, "", word[i]); printf "%s ", word[i] }
    }'
}
