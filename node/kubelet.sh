# shellcheck shell=sh
# kubelet: --pod-infra-container-image, written below 1.35 (there it guards the image from garbage collection up to 1.28
# and is what tools read), never from 1.35 on, where a leftover keeps the kubelet from starting, nor where it is not wanted.

# What starts the kubelet where that is not systemd itself; its process; 1 where its files were edited since its start.
opaque='' kubelet_pid='' edited=''

# Is PATH one that the kubelet reads, and is it a kubelet that does not start with the flag? The state of 0.1.0 does not say whose a
# file is. Reads $plan/units.
flag_refused() {
  [ "${kubelet_minor:-0}" -ge 35 ] || return 1
  case $1 in *kubelet*) return 0 ;; esac
  [ -e "$plan/units" ] && listed "kubelet$tab$1" "$plan/units"
}

# The units among the files that make up the kubelet's command line, in the order in which they count. Environment files come behind them.
unit_files() {
  property FragmentPath "$kubelet_show"
  units=$property
  property DropInPaths "$kubelet_show"
  set -f
  for file in $units $property; do
    case $file in /*) lines "$file" ;; esac
  done
  set +f
}

# A drop-in of ours, for a unit that reads no file where flags are kept or carries the flag itself. It repeats the
# command line that counts without it.
own_unit=/etc/systemd/system/kubelet.service.d/zz-pause-sandbox.conf

# Plans the files that the kubelet's flag stands in. Reads the unit. Sets $wanted_flag, $split, $braced, $used, $edited. Writes
# $plan/unit-files, $plan/environment-files.
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
  environment_files "$kubelet_show" >"$plan/environment-files"
  # shellcheck disable=SC2046 # a path a word, as in systemd's own list
  if stale 0 $(cat "$plan/unit-files" "$plan/environment-files"); then edited=1; fi
  line=$(exec_start kubelet "$own_unit")
  # systemd splits $NAME into words. An empty ${NAME} is an empty argument.
  split=$(variables_in "$line" '^[$][A-Za-z_][A-Za-z0-9_]*$')
  braced=''
  case $line in *\$\{*) braced=$(variables_in "$line" "^[\"']*[$][{][A-Za-z_][A-Za-z0-9_]*[}][\"']*\$") ;; esac
  used=$split$braced
  refuse_empty
  read_environment
  choose_place
  while IFS= read -r file; do plan_unit_file "$file"; done <"$plan/flagged"
  while IFS= read -r file; do plan_environment "$file"; done <"$plan/environment-files"
  [ "$set_in" != "$own_unit" ] || plan_own_unit
}

# ${NAME} that holds nothing but the flag would be an empty argument without it, and the kubelet does not start with one. Reads
# $braced, the unit. Writes $plan/given-now. Dies with PS-N021.
refuse_empty() {
  if [ -z "$braced" ] || [ "$wanted_flag" ]; then return 0; fi
  unit_environment kubelet >"$plan/given-now"
  for name in $braced; do
    given=$(value_of "$name" <"$plan/given-now")
    case $given in
      "$flag"*) die 021 "kubelet.service has \${$name} as an argument of its own, which is $given: take \${$name} out of its ExecStart (systemctl cat kubelet), or let \$$name stand there without braces" ;;
    esac
  done
}

# A kubelet that another program starts has a command line that is not its unit's. Reads $plan/argv. Dies with PS-N023.
refuse_opaque() {
  if [ "$wanted_flag" ] || grep -qe "^$flag" "$plan/argv"; then
    hint="take it out of $opaque"
    [ -z "$wanted_flag" ] || hint="set it in $opaque, or set kubeletFlag to false"
    die 023 "kubelet.service runs $opaque, which starts the kubelet, so $flag cannot be set in the unit: $hint"
  fi
}

# The assignments in the environment files, `FILE<TAB>NAME<TAB>VALUE`, those that count only. Reads $plan/environment-files.
# Writes $plan/assigned, by $plan/edit, $plan/assignments.
read_environment() {
  : >"$plan/assigned"
  while IFS= read -r file; do
    [ -f "$file" ] || continue
    base "$file" >"$plan/edit"
    # The file, then its assignments, which have a tab.
    lines "$file"
    env_file list <"$plan/edit"
  done <"$plan/environment-files" >"$plan/assignments"
  awk -F '\t' '
    NF == 1 { file = $0; next }
    { last[$1] = NR; name[NR] = $1; line[NR] = file "\t" $0 }
    END { for (i = 1; i <= NR; i++) if ((i in line) && last[name[i]] == i) print line[i] }' "$plan/assignments" >"$plan/assigned"
}

# assignment NAME: sets $assigned_in, the file whose assignment of that variable counts, and $assigned, the value that it has there;
# both are empty where there is none. Reads $plan/assigned.
assignment() {
  assigned_in='' assigned=''
  while IFS= read -r assigning; do
    case $assigning in
      *"$tab$1$tab"*)
        rest=${assigning#*"$tab"}
        [ "${rest%%"$tab"*}" = "$1" ] || continue
        assigned_in=${assigning%%"$tab"*} assigned=${rest#*"$tab"}
        ;;
    esac
  done <"$plan/assigned"
}

# Where the flag goes: the file, and the variable in it; $own_unit for a drop-in of ours. Reads $plan/unit-files,
# $plan/assigned. Sets $set_in, $set_name, $in_unit. Writes the units that have it, $plan/flagged, by $plan/edit.
choose_place() {
  : >"$plan/flagged"
  set_in='' set_name=''
  in_unit=''
  while IFS= read -r file; do
    [ "$file" != "$own_unit" ] || continue
    base "$file" >"$plan/edit"
    if ! flag_set <"$plan/edit"; then continue; fi
    in_unit=$file
    lines "$file" >>"$plan/flagged"
  done <"$plan/unit-files"
  # A variable that an environment file sets, too, has nothing of what the unit sets.
  if [ "$in_unit" ] && ! unit_counts; then in_unit=''; fi
  case $in_unit in /usr/* | /lib/* | /run/*) in_unit=$own_unit ;; esac
  set_in=$in_unit
  for name in $used; do
    assignment "$name"
    case " $assigned " in *"$flag"[=\ ]*) set_in=$assigned_in set_name=$name ;; esac
  done
  if [ -z "$set_in" ] && [ "$wanted_flag" ]; then choose_variable; fi
  [ -z "$set_name" ] || check_grammar "$set_in" "$set_name"
}

# Does the flag that stands in $in_unit reach the kubelet? In its command line it does, and in a variable that the command
# line has and no environment file sets, too. Writes $plan/flag-lines.
unit_counts() {
  base "$in_unit" | sed -e '/^[[:space:]]*[#;]/d' -e ':more' -e '/\\$/N' -e 's/\\\n/ /' -e 't more' | sed -n "/$flag/p" >"$plan/flag-lines"
  if grep -q '^[[:space:]]*ExecStart' "$plan/flag-lines"; then return 0; fi
  for name in $used; do
    assignment "$name"
    if [ -z "$assigned_in" ] && grep -q "[[:space:]\"'=]$name=" "$plan/flag-lines"; then return 0; fi
  done
  return 1
}

# Nowhere set yet: where kubeadm keeps its flags, else where people keep theirs, else the last variable of the command line
# that a file sets, else a drop-in. Reads $plan/environment-files. Sets $set_in, $set_name.
choose_variable() {
  last_environment_file '*/kubeadm-flags.env'
  if [ -e "$set_in" ] && used_variable KUBELET_KUBEADM_ARGS; then return 0; fi
  last_environment_file '*/etc/default/kubelet' '*/etc/sysconfig/kubelet'
  assignment KUBELET_EXTRA_ARGS
  if { [ "$set_in" ] || [ "$assigned_in" ]; } && used_variable KUBELET_EXTRA_ARGS; then return 0; fi
  set_in='' set_name=''
  for name in $split; do
    assignment "$name"
    [ -z "$assigned_in" ] || set_in=$assigned_in set_name=$name
  done
  set_in=${set_in:-$own_unit}
}

# last_environment_file PATTERN…: sets $set_in to the last one of the kubelet's that matches, empty where none does. Reads
# $plan/environment-files.
last_environment_file() {
  set_in=''
  while IFS= read -r file; do
    for pattern; do
      # shellcheck disable=SC2254 # a pattern on purpose
      case $file in $pattern) set_in=$file ;; esac
    done
  done <"$plan/environment-files"
}

# Does the command line have variable $1? Sets $set_name, and $set_in to the file whose assignment of it counts.
used_variable() {
  case " $split " in *" $1 "*) ;; *) return 1 ;; esac
  set_name=$1
  assignment "$1"
  set_in=${assigned_in:-$set_in}
}

# check_grammar FILE NAME: the parse of a file counts where it is that of systemd: the running kubelet has the same value, or
# the file is newer. Else the flag goes into a drop-in of ours, where no grammar but our own text counts. Reads $plan/environ.
# Sets $set_in, $set_name. Writes $plan/value. Dies with PS-N021.
check_grammar() {
  [ -s "$plan/environ" ] || return 0
  NAME=$2 awk 'index($0, ENVIRON["NAME"] "=") == 1 { print substr($0, length(ENVIRON["NAME"]) + 2) }' "$plan/environ" >"$plan/value"
  # The file as it is, with what is ours in it: that is what the kubelet was started with.
  [ -e "$1" ] || return 0
  read_now=$(env_file list <"$1" | value_of "$2")
  [ "$read_now" != "$(cat "$plan/value")" ] || return 0
  if stale 1 "$1"; then return 0; fi
  if lines "$read_now" | grep -qe "$flag" - "$plan/value"; then
    die 021 "$1: the running kubelet has another $2 than this file: remove $flag from the file by hand, or restart the kubelet"
  fi
  set_in=$own_unit set_name=''
}

# plan_unit_file FILE: sets the flag in the unit or drop-in that decides, strips it from all others. Writes $plan/edit, $new.
plan_unit_file() {
  case $1 in "$own_unit" | /usr/* | /lib/* | /run/*) return 0 ;; esac
  base "$1" >"$plan/edit"
  word=''
  [ "$1" != "$set_in" ] || word=$wanted_flag
  flag_edit "$word" <"$plan/edit" >"$new"
  want_for kubelet "$1"
}

# plan_environment FILE: the same for an environment file, in the assignments that count of the variables that the command
# line has. Writes $plan/edit, $new.
plan_environment() {
  base "$1" >"$plan/edit"
  word=''
  [ "$1" != "$set_in" ] || word=${wanted_flag:+$flag=$wanted_flag}
  mine=' '
  for name in $used; do
    assignment "$name"
    if [ "$assigned_in" = "$1" ]; then mine="$mine$name "; fi
  done
  edit_environment "$mine" "$word" <"$plan/edit" >"$new"
  if [ -z "$word" ] && cmp -s "$plan/edit" "$new"; then return 0; fi
  same_words "$1"
  want_for kubelet "$1"
}

# edit_environment NAMES WORD: the environment file on stdin; variables NAMES lose the flag, and $set_name gets WORD:
#   A="--v=2 --pod-infra-container-image=a/b:1" becomes A="--v=2 --pod-infra-container-image=c/d:2"
edit_environment() { FLAG=$flag NAMES=$1 TARGET=$set_name WORD=$2 env_file edit; }

# same_words FILE: nothing but the flag differs between $plan/edit and $new, read as systemd reads them. Writes $plan/bare,
# $plan/bare-new.
# Dies with PS-N021.
#   A="--v=2 --pod-infra-container-image=a/b:1" and A="--v=2" are the same
same_words() {
  FLAG=$flag env_file bare <"$plan/edit" >"$plan/bare"
  FLAG=$flag env_file bare <"$new" >"$plan/bare-new"
  NAME=$set_name awk -F '\t' '
    FILENAME == ARGV[1] { line[++n] = $0; next }
    { now[++m] = $0 }
    END { for (i = 1; i <= m; i++) if (now[i] != line[i] && !(i == n + 1 && now[i] == ENVIRON["NAME"] "\t")) exit 1; exit m < n }
  ' "$plan/bare" "$plan/bare-new" || die 021 "$1: $flag cannot be edited there without changing something else: set it by hand"
}

# Our drop-in gives the flag. A variable of the unit that has it already is given again without it. Reads $plan/environ. Writes
# $plan/given, $plan/whole, $new, and on the way $plan/value.
#   A=--v=2 --pod-infra-container-image=a/b:1 becomes Environment="A=--v=2"
plan_own_unit() {
  # Those that an earlier run has given again: the kubelet that runs has them without the flag by now.
  : >"$plan/given"
  if ours "$own_unit"; then sed -n '/^Environment=/p' "$own_unit" >"$plan/given"; fi
  for name in $used; do
    assignment "$name"
    [ -z "$assigned_in" ] || continue
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

# refuse_later UNIT OWN: a drop-in that systemd reads behind ours has the last word on ExecStart. Reads systemd. Dies with PS-N021.
refuse_later() {
  shown "$1" DropInPaths
  set -f
  for file in $property; do
    if [ "${file##*/}" = "${2##*/}" ] || ! grep -q '^[[:space:]]*ExecStart[[:space:]]*=' "$file" 2>/dev/null; then continue; fi
    last=$(lines "${file##*/}" "${2##*/}" | sort | tail -n 1)
    [ "$last" = "${2##*/}" ] || die 021 "$file sets ExecStart of $1.service and is read behind ${2##*/}, which would count for nothing: give it a name that sorts before that"
  done
  set +f
}

# plan_unit UNIT OWN VALUE: plans drop-in OWN, which gives the unit's command line the flag with this value, or none. It
# stands last: the last one counts, and a variable before it may hold another. Writes $new. Dies with PS-N021.
plan_unit() {
  refuse_later "$1" "$2"
  line=$(exec_start "$1" "$2" | flag_edit '')
  case $line in
    # In the command of a shell it reaches the program only where it stands.
    *'"'* | *"'"*) line=$(exec_start "$1" "$2" | flag_edit "$3") ;;
  esac
  case $line in
    *"$flag"*) ;;
    ExecStart=?*) line=$line${3:+ $flag=$3} ;;
    *) die 021 "systemctl cat shows no ExecStart of $1.service: add $flag=$image to its flags" ;;
  esac
  printf '[Service]\nExecStart=\n%s\n' "$line" >"$new"
  want_for "$1" "$2"
}
