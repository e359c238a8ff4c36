# shellcheck shell=sh
# kubelet: --pod-infra-container-image, written below 1.35 (there it guards the image from garbage collection up to 1.28
# and is what tools read), never from 1.35 on, where a leftover keeps the kubelet from starting, nor where it is not wanted.

flag=--pod-infra-container-image
# What starts the kubelet where that is not systemd itself; its process; 1 where its files were edited since its start.
opaque='' kubelet_pid='' edited=''

# Is PATH one of the kubelet's, and is it a kubelet that does not start with the flag?
flag_refused() {
  case $1 in *kubelet*) [ "${kubelet_minor:-0}" -ge 35 ] ;; *) return 1 ;; esac
}

# The text on stdin, of a unit, with the flag's first occurrence set to $1 and all others gone; without $1 all gone:
#   ExecStart=/k "--pod-infra-container-image=a/b:1" --v=2   the whole quoted word counts
#   ExecStart=/k --pod-infra-container-image "a/b:1" --v=2   so does a value with its quotes
flag_edit() {
  FLAG=$flag IMAGE=$1 awk '
    # Sets from and to, the place of the first flag in s, and word, where the flag itself begins; false without one.
    function found(s,   before, rest, q) {
      rest = s; offset = 0
      while (i = index(rest, ENVIRON["FLAG"])) {
        word = offset + i
        after = substr(s, word + length(ENVIRON["FLAG"]))
        before = word > 1 ? substr(s, word - 1, 1) : " "
        if (before ~ /[ \t"\047=]/ && after ~ /^([= \t"\047]|$)/) break
        offset = word
        rest = substr(s, offset + 1)
      }
      if (!i) return 0
      to = word + length(ENVIRON["FLAG"])
      if (match(after, /^(=|[ \t]+)("[^"]*"|\047[^\047]*\047|[^ \t"\047\\]*)/)) to += RLENGTH
      from = word
      q = before
      # A quote around this word alone.
      if (q ~ /["\047]/ && substr(s, to, 1) == q && (word == 2 || substr(s, word - 2, 1) ~ /[ \t]/)) { from--; to++ }
      return 1
    }
    {
      out = ""
      s = $0
      if (s !~ /^[ \t]*[#;]/) while (found(s)) {
        if (ENVIRON["IMAGE"] != "" && !done++) out = out substr(s, 1, from - 1) ENVIRON["FLAG"] "=" ENVIRON["IMAGE"]
        else { while (from > 1 && substr(s, from - 1, 1) ~ /[ \t]/) from--; out = out substr(s, 1, from - 1) }
        s = substr(s, to)
      }
      print out s
    }'
}

flag_value() { sed -n "/^[[:space:]]*[#;]/d; s/.*${flag}[= ]\([^ \"']*\).*/\1/p" | head -n 1; }

# Does the text on stdin set the flag, outside comments?
flag_set() { sed '/^[[:space:]]*[#;]/d' | grep -qe "$flag"; }

# The files that make up the kubelet's command line, in the order in which they count: units, then environment files.
flag_files() {
  unit_files
  environment_files
}
unit_files() { printf '%s\n' "$kubelet_show" | sed -n 's/^FragmentPath=//p; s/^DropInPaths=//p' | tr ' ' '\n' | sed -n '/^\//p'; }

# Links are followed, and patterns expanded as systemd does it. systemd before 239 writes EnvironmentFile.
environment_files() {
  printf '%s\n' "$kubelet_show" | sed -n 's/^EnvironmentFiles\{0,1\}=\(\/.*\) (ignore_errors=.*/\1/p' | while IFS= read -r pattern; do
    for file in $pattern; do real "$file"; done
  done
}

# A drop-in of ours, for a unit that reads no file where flags are kept or carries the flag itself. It repeats the
# command line that counts without it.
own_unit=/etc/systemd/system/kubelet.service.d/zz-pause-sandbox.conf

# exec_start UNIT OWN: the unit's command line without drop-in OWN, in one line, as systemd joins it: comments inside of
# a continued line go, white space around the = too.
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

# Plans the files that the kubelet's flag stands in. Sets $wanted_flag. Dies with 021, 023.
plan_kubelet() {
  [ "$kubelet_version" ] || return 0
  wanted_flag=$image
  if [ "$no_flag" ] || [ "$kubelet_minor" -ge 35 ]; then wanted_flag=''; fi
  note_kubelet
  if [ "$opaque" ]; then
    refuse_opaque
    return 0
  fi
  unit_files >"$plan/unit-files"
  environment_files >"$plan/environment-files"
  cat "$plan/unit-files" "$plan/environment-files" >"$plan/flags"
  # shellcheck disable=SC2046 # a path a word, as in systemd's own list
  if stale $(cat "$plan/flags"); then edited=1; fi
  line=$(exec_start kubelet "$own_unit")
  used=$(printf '%s\n' "$line" | plain_variables | tr '\n' ' ')
  read_environment
  choose_place
  while IFS= read -r file; do plan_unit_file "$file"; done <"$plan/unit-files"
  while IFS= read -r file; do plan_environment "$file"; done <"$plan/environment-files"
  [ "$set_in" != "$own_unit" ] || plan_own_unit
}

# What the running kubelet has, to compare with afterwards: its words and its environment, one a line.
note_kubelet() {
  : >"$plan/argv"
  : >"$plan/environ"
  if [ "$kubelet_pid" ] && [ -r "/proc/$kubelet_pid/cmdline" ]; then
    lines_of "/proc/$kubelet_pid/cmdline" >"$plan/argv"
    lines_of "/proc/$kubelet_pid/environ" >"$plan/environ"
  fi
}
lines_of() { tr '\n\0' '\001\n' <"$1"; }

# A kubelet that another program starts has a command line that is not its unit's.
refuse_opaque() {
  if [ "$wanted_flag" ] || grep -qe "^$flag" "$plan/argv"; then
    die 023 "kubelet.service runs $opaque, which starts the kubelet, so that its $flag cannot be set from here: set it there, or set kubeletFlag to false"
  fi
}

# The assignments in the environment files, `FILE<TAB>NAME<TAB>VALUE`, those that count only, in $plan/assigned.
read_environment() {
  : >"$plan/assigned"
  while IFS= read -r file; do
    [ -f "$file" ] || continue
    base "$file" | env_file list | FILE=$file awk '{ print ENVIRON["FILE"] "\t" $0 }'
  done <"$plan/environment-files" >"$plan/assignments"
  awk -F '\t' '{ last[$2] = NR; line[NR] = $0 } END { for (i = 1; i <= NR; i++) { split(line[i], part, "\t"); if (last[part[2]] == i) print line[i] } }' \
    "$plan/assignments" >"$plan/assigned"
}
# The file whose assignment of $1 counts; the value that it has there.
file_of() { NAME=$1 awk -F '\t' '$2 == ENVIRON["NAME"] { print $1 }' "$plan/assigned"; }
value_of() { NAME=$1 awk -F '\t' '$2 == ENVIRON["NAME"] { print substr($0, length($1 $2) + 3) }' "$plan/assigned"; }

# Sets $set_in and $set_name: the file, and the variable in it, that the flag goes into; $own_unit for a drop-in of ours.
choose_place() {
  set_in='' set_name=''
  in_unit=''
  while IFS= read -r file; do
    if [ "$file" != "$own_unit" ] && base "$file" | flag_set; then in_unit=$file; fi
  done <"$plan/unit-files"
  # A variable that an environment file sets, too, has nothing of what the unit sets.
  if [ "$in_unit" ] && ! unit_counts; then in_unit=''; fi
  case $in_unit in /usr/* | /lib/* | /run/*) in_unit=$own_unit ;; esac
  set_in=$in_unit
  for name in $used; do
    case " $(value_of "$name") " in *"$flag"[=\ ]*) set_in=$(file_of "$name") set_name=$name ;; esac
  done
  if [ -z "$set_in" ] && [ "$wanted_flag" ]; then choose_variable; fi
  [ -z "$set_name" ] || check_grammar "$set_in" "$set_name"
}

# Does the flag that stands in $in_unit reach the kubelet? In its command line it does, and in a variable that the
# command line has and no environment file sets, too.
unit_counts() {
  base "$in_unit" | sed -e '/^[[:space:]]*[#;]/d' -e ':more' -e '/\\$/N' -e 's/\\\n/ /' -e 't more' | sed -n "/$flag/p" >"$plan/flag-lines"
  if grep -q '^[[:space:]]*ExecStart' "$plan/flag-lines"; then return 0; fi
  for name in $used; do
    if [ -z "$(file_of "$name")" ] && grep -q "[[:space:]\"'=]$name=" "$plan/flag-lines"; then return 0; fi
  done
  return 1
}

# Nowhere set yet: where kubeadm keeps its flags, else where people keep theirs, else the last variable of the command
# line that a file sets, else a drop-in.
choose_variable() {
  set_in=$(grep '/kubeadm-flags\.env$' "$plan/environment-files" | tail -n 1)
  if [ -e "$set_in" ] && used_variable KUBELET_KUBEADM_ARGS; then return 0; fi
  set_in=$(grep -E '/etc/(default|sysconfig)/kubelet$' "$plan/environment-files" | tail -n 1)
  if { [ "$set_in" ] || [ "$(file_of KUBELET_EXTRA_ARGS)" ]; } && used_variable KUBELET_EXTRA_ARGS; then return 0; fi
  set_in='' set_name=''
  for name in $used; do
    file=$(file_of "$name")
    [ -z "$file" ] || set_in=$file set_name=$name
  done
  set_in=${set_in:-$own_unit}
}

# Does the command line have variable $1? Sets $set_name, and $set_in to the file whose assignment of it counts.
used_variable() {
  case " $used " in *" $1 "*) ;; *) return 1 ;; esac
  set_name=$1
  counts=$(file_of "$1")
  set_in=${counts:-$set_in}
}

# The parse of a file counts where it is that of systemd: the running kubelet has the same value, or the file is newer.
# Else the flag goes into a drop-in of ours, where no grammar but our own text counts. Dies with 021.
check_grammar() {
  [ -s "$plan/environ" ] || return 0
  NAME=$2 awk 'index($0, ENVIRON["NAME"] "=") == 1 { print substr($0, length(ENVIRON["NAME"]) + 2) }' "$plan/environ" >"$plan/value"
  # The file as it is, with what is ours in it: that is what the kubelet was started with.
  [ -e "$1" ] || return 0
  read_now=$(env_file list <"$1" | NAME=$2 awk -F '\t' '$1 == ENVIRON["NAME"] { last = substr($0, length($1) + 2) } END { print last }')
  [ "$read_now" != "$(cat "$plan/value")" ] || return 0
  if stale "$1"; then return 0; fi
  case $read_now$(cat "$plan/value") in
    *"$flag"*) die 021 "$1: the kubelet runs with another $2 than is read there: take $flag out of it by hand, or restart the kubelet" ;;
  esac
  set_in=$own_unit set_name=''
}

# Was FILE, or any of the kubelet's files, changed since the kubelet started?
stale() {
  since=$(systemctl show kubelet -p ExecMainStartTimestampMonotonic | sed -n 's/^ExecMainStartTimestampMonotonic=\([0-9]*\)[0-9]\{6\}$/\1/p')
  [ "$since" ] || return 1
  : >"$plan/now"
  started=$(($(stat -c %Y "$plan/now") - $(clock) + since))
  for one; do
    if [ -e "$one" ] && [ "$(stat -Lc %Z "$one")" -gt "$started" ]; then return 0; fi
  done
  return 1
}

# Sets the flag in the unit or drop-in that decides, strips it from all others.
plan_unit_file() {
  case $1 in "$own_unit" | /usr/* | /lib/* | /run/*) return 0 ;; esac
  base "$1" >"$plan/edit"
  flag_set <"$plan/edit" || return 0
  word=''
  [ "$1" != "$set_in" ] || word=$wanted_flag
  flag_edit "$word" <"$plan/edit" >"$new"
  want_for kubelet "$1"
}

# The same for an environment file, in the assignments that count of the variables that the command line has.
plan_environment() {
  base "$1" >"$plan/edit"
  word=''
  [ "$1" != "$set_in" ] || word=${wanted_flag:+$flag=$wanted_flag}
  mine=' '
  for name in $used; do
    if [ "$(file_of "$name")" = "$1" ]; then mine="$mine$name "; fi
  done
  edit_environment "$mine" "$word" <"$plan/edit" >"$new"
  if [ -z "$word" ] && cmp -s "$plan/edit" "$new"; then return 0; fi
  same_words "$1"
  want_for kubelet "$1"
}
edit_environment() { FLAG=$flag NAMES=$1 TARGET=$set_name WORD=$2 env_file edit; }

# Nothing but the flag differs between $plan/edit and $new, read as systemd reads them. Dies with 021.
same_words() {
  FLAG=$flag env_file bare <"$plan/edit" >"$plan/bare"
  FLAG=$flag env_file bare <"$new" | NAME=$set_name awk -F '\t' '
    FILENAME == ARGV[1] { line[++n] = $0; next }
    { now[++m] = $0 }
    END { for (i = 1; i <= m; i++) if (now[i] != line[i] && !(i == n + 1 && now[i] == ENVIRON["NAME"] "\t")) exit 1; exit m < n }
  ' "$plan/bare" - || die 021 "$1: $flag cannot be edited there without changing something else: set it by hand"
}

# plan_own_unit: our drop-in gives the flag. A variable of the unit that has it already is given again without it.
plan_own_unit() {
  # Those that an earlier run has given again: the kubelet that runs has them without the flag by now.
  : >"$plan/given"
  if ours "$own_unit"; then sed -n '/^Environment=/p' "$own_unit" >"$plan/given"; fi
  for name in $used; do
    [ -z "$(file_of "$name")" ] || continue
    NAME=$name awk 'index($0, ENVIRON["NAME"] "=") == 1' "$plan/environ" >"$plan/value"
    grep -qe "$flag" "$plan/value" || continue
    FLAG=$flag env_file bare <"$plan/value" | awk -F '\t' '{ gsub(/[\\"]/, "\\\\&", $2); gsub(/%/, "%%", $2); print "Environment=\"" $1 "=" $2 "\"" }' >>"$plan/given"
  done
  plan_unit kubelet "$own_unit" "$wanted_flag"
  [ -s "$plan/given" ] || return 0
  { sed 1q "$new" && sort -u "$plan/given" && sed 1d "$new"; } >"$plan/whole"
  cat "$plan/whole" >"$new"
  want_for kubelet "$own_unit"
}

# plan_unit UNIT OWN VALUE: plans drop-in OWN, which gives the unit's command line the flag with this value, or none.
plan_unit() {
  line=$(exec_start "$1" "$2" | flag_edit "$3")
  case $line in
    *"$flag"*) ;;
    ExecStart=?*) line=$line${3:+ $flag=$3} ;;
    *) die 021 "$1.service has no ExecStart that systemctl cat shows: add $flag=$image to its flags" ;;
  esac
  printf '[Service]\nExecStart=\n%s\n' "$line" >"$new"
  want_for "$1" "$2"
}

# The flag on the command line of a unit that runs: the last one counts.
running_flag() { argv_of "$1" | option_in '' "${flag#--}"; }

# The running kubelet's own word: the flag as it should be, once or not at all, and all else as it was before. A kubelet
# whose files somebody edited without a restart gets that restart. Dies with 021.
check_flag() {
  [ "$kubelet_version" ] && [ -z "$opaque" ] || return 0
  if [ ! -e "$journal/restart-kubelet" ] && [ "$(running_flags)" != "$wanted_flag" ]; then restart_kubelet; fi
  [ "$(running_flags)" = "$wanted_flag" ] ||
    die 021 "the kubelet runs with $flag '$(running_flags)' instead of '$wanted_flag': see systemctl cat kubelet"
  # What somebody edited since the kubelet's start comes with this restart, and is none of ours.
  if [ ! -s "$plan/argv" ] || [ "$edited" ]; then return 0; fi
  pid=$(pid_of kubelet)
  lines_of "/proc/$pid/cmdline" | without_flag >"$plan/argv-now"
  without_flag <"$plan/argv" >"$plan/argv-before"
  cmp -s "$plan/argv-before" "$plan/argv-now" ||
    die 021 "the kubelet's other arguments would not stay as they were ($(first_other "$plan/argv-before" "$plan/argv-now")): set $flag by hand where systemctl cat kubelet shows them"
  lines_of "/proc/$pid/environ" | own_environment >"$plan/environ-now"
  own_environment <"$plan/environ" >"$plan/environ-before"
  cmp -s "$plan/environ-before" "$plan/environ-now" ||
    die 021 "the kubelet's environment would not stay as it was ($(first_other "$plan/environ-before" "$plan/environ-now" | sed 's/=.*//')): set $flag by hand where systemctl cat kubelet shows it"
}

# first_other A B: the first line that only one of them has.
first_other() { awk 'FILENAME == ARGV[1] { left[$0]; next } !($0 in left) { print; found = 1; exit } { delete left[$0] } END { if (!found) for (line in left) { print line; exit } }' "$1" "$2"; }

# Each value of the flag on the command line of the running kubelet, one a line.
running_flags() {
  argv_of kubelet | FLAG=$flag awk '
    take { print; take = 0; next }
    $0 == ENVIRON["FLAG"] { take = 1 }
    index($0, ENVIRON["FLAG"] "=") == 1 { print substr($0, length(ENVIRON["FLAG"]) + 2) }'
}
without_flag() { FLAG=$flag awk 'take { take = 0; next } $0 == ENVIRON["FLAG"] { take = 1; next } index($0, ENVIRON["FLAG"] "=") != 1'; }
# Without what systemd itself gives a process at each start, and without variables that hold nothing but the flag.
own_environment() {
  sed -E '/^(INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|NOTIFY_SOCKET|MAINPID|WATCHDOG_(PID|USEC)|MEMORY_PRESSURE_(WATCH|WRITE)|LISTEN_[A-Z]+)=/d' |
    FLAG=$flag env_words | sed '/^[A-Za-z_][A-Za-z0-9_]*=$/d' | sort
}
env_words() {
  awk '{
    n = split($0, word, /[ \t]+/); out = ""
    for (i = 1; i <= n; i++) {
      w = word[i]; name = ""
      if (i == 1 && match(w, /^[A-Za-z_][A-Za-z0-9_]*=/)) { name = substr(w, 1, RLENGTH); w = substr(w, RLENGTH + 1) }
      plain = w; gsub(/["\047]/, "", plain)
      if (plain == ENVIRON["FLAG"]) { i++; w = "" } else if (index(plain, ENVIRON["FLAG"] "=") == 1) w = ""
      out = out name (w == "" || out name == "" || name != "" ? "" : " ") w
    }
    gsub(/= +/, "=", out); sub(/ +$/, "", out)
    print out
  }'
}

# Healthy: active, and its health port is listening, which needs no HTTP client. The port is on its command line, else in
# its configuration, else 10248.
kubelet_healthy() {
  systemctl -q is-active kubelet || return 1
  port=$(argv_of kubelet | option_in '' healthz-port)
  port=${port:-$(kubelet_setting healthzPort)}
  [ "$port" != 0 ] || return 0
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q "$(printf ':%04X [0-9A-F:]* 0A' "${port:-10248}")"
}

# kubelet_setting KEY: a scalar at the top of the configuration file that the running kubelet has, YAML or JSON.
kubelet_setting() {
  file=$(argv_of kubelet | option_in /var/lib/kubelet/config.yaml config)
  [ -r "$file" ] || return 0
  case $(sed -n '/[^[:space:]]/{p;q;}' "$file") in
    *'{'*) sed 's/[,{]/\
/g' "$file" ;;
    *) cat "$file" ;;
  esac | sed -n "s/^[[:space:]]*\"\{0,1\}$1\"\{0,1\}[[:space:]]*:[[:space:]]*[\"']\{0,1\}\([^\"',}[:space:]]*\).*/\1/p" | head -n 1
}
