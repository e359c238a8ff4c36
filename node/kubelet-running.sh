# shellcheck shell=sh
# The kubelet that runs: what it was started with, whether that is so afterwards but for the flag, and whether it is healthy.

# What the running kubelet has, to compare with afterwards: its words and its environment, one per line. Writes $plan/argv,
# $plan/environ.
note_kubelet() {
  : >"$plan/argv"
  : >"$plan/environ"
  if [ "$kubelet_pid" ] && [ -r "/proc/$kubelet_pid/cmdline" ]; then
    # One that does not stay up may end while it is read: then none runs.
    { lines_of "/proc/$kubelet_pid/cmdline" >"$plan/argv" && lines_of "/proc/$kubelet_pid/environ" >"$plan/environ"; } 2>/dev/null || {
      : >"$plan/argv"
      : >"$plan/environ"
    }
  fi
}

# stale SECONDS FILE…: was any of them changed since the kubelet started, or up to SECONDS before that? Times have whole
# seconds: of what happened within one, they tell no order. Reads systemd. Writes $plan/now, whose time is now's.
stale() {
  shown kubelet ExecMainStartTimestampMonotonic
  # In microseconds; 0 where it was never started.
  case $property in *[!0-9]*) return 1 ;; esac
  [ "${#property}" -gt 6 ] || return 1
  since=${property%??????}
  : >"$plan/now"
  uptime
  started=$(($(stat -c %Y "$plan/now") - up + since - $1))
  shift
  # One that is not there has no line.
  for changed in $(stat -Lc %Z "$@" 2>/dev/null || :); do
    if [ "$changed" -gt "$started" ]; then return 0; fi
  done
  return 1
}

# The running kubelet's own word: the flag as it should be, once or not at all, and all else as it was before. A kubelet whose
# files somebody edited without a restart gets that restart. Reads $plan/argv, $plan/environ. Writes $plan/argv-now,
# $plan/argv-before, $plan/environ-now, $plan/environ-before. Dies with PS-N018, PS-N021.
check_flag() {
  [ "$kubelet_version" ] && [ -z "$opaque" ] || return 0
  if [ ! -e "$journal/restart-kubelet" ] && [ "$(running_flags)" != "$wanted_flag" ]; then restart_kubelet; fi
  # One that was healthy may end all the same, and be started again.
  within 60 read_kubelet || die 018 'the kubelet does not stay up, so its command line cannot be read within 60 s: see journalctl -u kubelet'
  flags=$(flags_in <"$plan/lines")
  [ "$flags" = "$wanted_flag" ] ||
    die 021 "the kubelet runs with $flag '$flags' instead of '$wanted_flag': see systemctl cat kubelet"
  # What somebody edited since the kubelet's start comes with this restart, and is none of ours.
  if [ ! -s "$plan/argv" ] || [ "$edited" ]; then return 0; fi
  same_but_flag arguments without_flag "$plan/argv" "$plan/lines"
  same_but_flag environment own_environment "$plan/environ" "$plan/lines-environ"
}

# same_but_flag WHAT FILTER BEFORE NOW: the running kubelet has the same of it as before, but for what the filter takes out. The value of
# a variable may be secret. Writes $plan/told-before, $plan/told-now. Dies with PS-N021.
same_but_flag() {
  "$2" <"$3" >"$plan/told-before"
  "$2" <"$4" >"$plan/told-now"
  if cmp -s "$plan/told-before" "$plan/told-now"; then return 0; fi
  differing "$plan/told-before" "$plan/told-now" '^$'
  die 021 "the edit changes the kubelet's $1 too ($(lines "$other" | sed 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/')): set $flag by hand where systemctl cat kubelet shows it"
}

# What the kubelet that does not run would be started with: the flag as it should be. Reads systemd. Dies with PS-N021.
check_start() {
  [ "$kubelet_version" ] && [ -z "$opaque" ] || return 0
  flags=$(started_words kubelet | flags_in)
  [ "$flags" = "$wanted_flag" ] ||
    die 021 "the kubelet, which does not run, would start with $flag '$flags' instead of '$wanted_flag': see systemctl cat kubelet"
}

# Reads words and environment of one process, which is there before and after, and healthy where this run restarted it. Writes
# $plan/lines, $plan/lines-environ.
read_kubelet() {
  if [ -e "$journal/restart-kubelet" ]; then kubelet_healthy || return 1; fi
  pid=$(pid_of kubelet)
  # A unit can be active without a process that systemd knows to be its main one.
  if [ "${pid:-0}" = 0 ] && is_active kubelet; then
    : >"$plan/lines"
    : >"$plan/lines-environ"
    return 0
  fi
  [ "${pid:-0}" != 0 ] && runs "$pid" && lines_of "$proc/$pid/cmdline" >"$plan/lines" && [ -s "$plan/lines" ] &&
    lines_of "$proc/$pid/environ" >"$plan/lines-environ" && [ "$(pid_of kubelet)" = "$pid" ]
}

# Each value of the flag on the command line of the running kubelet, one per line:
#   kubelet --pod-infra-container-image=a/b:1 --v=2 --pod-infra-container-image c/d:2 gives a/b:1 and c/d:2
running_flags() { argv_of kubelet | flags_in; }

# The same of the words on stdin, one per line; with `without`, all words but the flag and its value:
#   kubelet --pod-infra-container-image=a/b:1 --v=2 gives a/b:1
#   kubelet --pod-infra-container-image a/b:1 --v=2 gives kubelet and --v=2, `without`
flags_in() {
  FLAG=$flag awk -v others="${1:-}" '
    take { if (!others) print; take = 0; next }
    $0 == ENVIRON["FLAG"] { take = 1; next }
    index($0, ENVIRON["FLAG"] "=") == 1 { if (!others) print substr($0, length(ENVIRON["FLAG"]) + 2); next }
    others'
}
without_flag() { flags_in without; }

# The variables on stdin, one per line, sorted, without the flag and its value, without what systemd itself gives a process at each
# start, and without variables that hold nothing:
#   A=--v=2 --pod-infra-container-image=a/b:1 gives A=--v=2
#   A=--pod-infra-container-image=a/b:1, B=1 and INVOCATION_ID=2 gives B=1
own_environment() {
  flag_edit '' | awk '
    /^(INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|NOTIFY_SOCKET|MAINPID|WATCHDOG_(PID|USEC)|MEMORY_PRESSURE_(WATCH|WRITE)|LISTEN_[A-Z]+)=/ { next }
    {
      # White space that is left where the flag was.
      $1 = $1
      gsub(/= /, "=")
      if ($0 !~ /^[A-Za-z_][A-Za-z0-9_]*=$/) print
    }' | sort
}

# What /proc/net/tcp has of the health port, once that is known.
health_pattern=''

# Healthy: active, and its health port is listening, which needs no HTTP client. The port is on its command line, else in its
# configuration, else 10248. Reads systemd. Sets $health_words, $port, $health_pattern.
kubelet_healthy() {
  is_active kubelet || return 1
  words=$(argv_of kubelet)
  # A process has no command line before its first instruction, nor when it has just ended. A unit can also be active without a
  # process that systemd knows.
  if [ -z "$words" ] && [ "$(pid_of kubelet)" != 0 ]; then return 1; fi
  # It is asked for again and again: the same command line has the same port.
  if [ -z "$health_pattern" ] || [ "$words" != "$health_words" ]; then
    health_words=$words
    port=$(option_in "$words" '' healthz-port)
    port=${port:-$(kubelet_setting healthzPort "$words")}
    health_pattern=$(printf ':%04X [0-9A-F:]* 0A' "${port:-10248}")
  fi
  [ "$port" != 0 ] || return 0
  grep -q "$health_pattern" /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Is there nothing yet for the kubelet to run on? Its unit is not started, or starts and ends, again and again, because who joins
# the node has not written its configuration. Reads systemd.
kubelet_waits() {
  case $(systemctl show kubelet -p ActiveState) in
    *ActiveState=inactive*) return 0 ;;
    *ActiveState=active*) return 1 ;;
  esac
  file=$(option_in "$kubelet_words" '' config)
  [ "$file" ] && [ ! -e "$file" ]
}

# kubelet_setting KEY WORDS [PROCESS]: a scalar at the top of the configuration, YAML or JSON, of a kubelet whose command line is
# WORDS, one per line. The last file that sets it counts: the one that --config names, then those of --config-dir. Another process
# may have another root directory.
kubelet_setting() {
  root=''
  case ${3:-$kubelet_pid} in "$kubelet_pid" | -) ;; *) root=$proc/$3/root ;; esac
  dir=''
  case $2 in *-config-dir*) dir=$(option_in "$2" '' config-dir) ;; esac
  setting=$1 file=''
  [ "$2" ] || file=/var/lib/kubelet/config.yaml
  set -- "$(option_in "$2" "$file" config)"
  # Sorted by their paths, as the kubelet walks it.
  [ -z "$dir" ] || for dir in "$root$dir" "$root$dir"/*/; do
    for file in "${dir%/}"/*.conf; do [ ! -f "$file" ] || set -- "$@" "${file#"$root"}"; done
  done
  setting_value=''
  for file; do
    { [ "$file" ] && [ -r "$root$file" ]; } || continue
    value=$(KEY=$setting awk '
    # A brace in the first line that is not empty: JSON.
    !first && /[^ \t\r\f\v]/ { first = 1; json = /[{]/ }
    {
      n = json ? split($0, part, /[,{]/) : 1
      if (!json) part[1] = $0
      for (i = 1; i <= n; i++) if (match(part[i], "^[ \t\r\f\v]*\"?" ENVIRON["KEY"] "\"?[ \t\r\f\v]*:[ \t\r\f\v]*[\"\047]?")) {
        value = substr(part[i], RLENGTH + 1)
        sub(/["\047,} \t\r\f\v].*/, "", value)
        print value
        exit
      }
    }' "$root$file")
    setting_value=${value:-$setting_value}
  done
  printf %s "$setting_value"
}
