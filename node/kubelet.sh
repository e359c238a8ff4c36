# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# kubelet: --pod-infra-container-image, written below 1.35 (there it guards the image from garbage collection up to 1.28
# and is what tools read), never from 1.35 on, where a leftover keeps the kubelet from starting, nor where it is not wanted.

flag=--pod-infra-container-image

# Is PATH one of the kubelet's, and is it a kubelet that does not start with the flag?
flag_refused() {
  case $1 in *kubelet*) [ "${kubelet_minor:-0}" -ge 35 ] ;; *) return 1 ;; esac
}

# The text on stdin with the flag's first occurrence set to $1 and all others gone; without $1 all gone.
flag_edit() {
  awk -v flag="$flag" -v image="$1" '{
    out = ""
    s = $0
    if (s !~ /^[ \t]*[#;]/) while (match(s, "[ \t]*" flag "(=|[ \t]+)[^ \t\"\047\\\\]*")) {
      found = substr(s, RSTART, RLENGTH)
      out = out substr(s, 1, RSTART - 1)
      if (image != "" && !done++) { sub(/-.*/, "", found); out = out found flag "=" image }
      s = substr(s, RSTART + RLENGTH)
    }
    print out s
  }'
}

# The environment file on stdin with the flag at the end of variable $1, which is made when it is missing.
flag_add() {
  awk -v name="$1" -v word="$flag=$2" '
    index($0, name "=") == 1 { last = NR }
    { line[NR] = $0 }
    END {
      for (i = 1; i <= NR; i++) {
        s = line[i]
        if (i == last) {
          quote = s ~ /["\047][ \t]*$/ ? substr(s, match(s, /["\047][ \t]*$/)) : ""
          s = substr(s, 1, length(s) - length(quote))
          s = s (s ~ /[="\047 ]$/ ? "" : " ") word quote
        }
        print s
      }
      if (!last) print name "=\"" word "\""
    }'
}

flag_value() { sed -n "/^[[:space:]]*[#;]/d; s/.*${flag}[= ]\([^ \"']*\).*/\1/p" | head -n 1; }

# Does the text on stdin set the flag, outside comments?
flag_set() { grep -v '^[[:space:]]*[#;]' | grep -qe "$flag"; }

# The files that make up the kubelet's command line, in the order in which they count.
flag_files() {
  printf '%s\n' "$kubelet_show" | sed -n 's/^FragmentPath=//p; s/^EnvironmentFiles=\(.*\) (.*/\1/p; s/^DropInPaths=//p' |
    tr ' ' '\n' | awk '/^\// { if (/\.(service|conf)$/) print; else env = env $0 "\n" } END { printf "%s", env }'
}

# A drop-in of ours, for a unit that reads no file where flags are kept or carries the flag itself. It repeats the
# command line that counts without it.
own_unit=/etc/systemd/system/kubelet.service.d/zz-pause-sandbox.conf

# exec_start UNIT OWN: the unit's command line without drop-in OWN.
exec_start() {
  systemctl cat "$1" 9>&- | awk -v own="# $2" '
    /^# \// { skip = $0 == own }
    { s = more $0; more = "" }
    sub(/\\$/, "", s) { more = s; next }
    !skip && s ~ /^ExecStart=./ { last = s }
    END { print last }'
}

plan_kubelet() {
  [ "$kubelet_version" ] || return 0
  flag_files >"$plan/flags"
  set_in=''
  while IFS= read -r file; do
    ! base "$file" | flag_set || set_in=$file
  done <"$plan/flags"
  wanted_flag=$image
  if [ "$no_flag" ] || [ "$kubelet_minor" -ge 35 ]; then wanted_flag=''; fi
  case $set_in,$wanted_flag in
    /usr/* | /lib/*) set_in=$own_unit ;;
    ,?*) choose_flag_file ;;
  esac
  while IFS= read -r file; do
    plan_flag "$file"
  done <"$plan/flags"
  [ "$set_in" != "$own_unit" ] || plan_unit kubelet "$own_unit" "$wanted_flag"
}

# Sets the flag in the file that decides, strips it from all others.
plan_flag() {
  case $1 in "$own_unit" | /usr/* | /lib/*) return 0 ;; esac
  base "$1" >"$plan/edit"
  if [ "$1" = "$set_in" ] && [ "$wanted_flag" ]; then
    if flag_set <"$plan/edit"; then flag_edit "$wanted_flag"; else flag_add "$set_name" "$wanted_flag"; fi <"$plan/edit" >"$new"
  elif flag_set <"$plan/edit"; then
    flag_edit '' <"$plan/edit" >"$new"
  else
    return 0
  fi
  want_for kubelet "$1"
}

# plan_unit UNIT OWN VALUE: plans drop-in OWN, which gives the unit's command line the flag with this value, or none.
plan_unit() {
  line=$(exec_start "$1" "$2" | flag_edit "$3")
  case $line in
    *"$flag"*) ;;
    ?*) line=$line${3:+ $flag=$3} ;;
    *) die 021 "$1.service has no ExecStart that systemctl cat shows: add $flag=$image to its flags" ;;
  esac
  printf '[Service]\nExecStart=\n%s\n' "$line" >"$new"
  want_for "$1" "$2"
}

# Nowhere set yet: where kubeadm keeps its flags, else where people keep theirs, else a drop-in.
choose_flag_file() {
  set_in=$(grep -m1 'kubeadm-flags.env$' "$plan/flags" || :)
  set_name=KUBELET_KUBEADM_ARGS
  [ -z "$set_in" ] || [ ! -e "$set_in" ] || return 0
  set_in=$(grep -m1 -E '/etc/(default|sysconfig)/kubelet$' "$plan/flags" || :)
  set_name=KUBELET_EXTRA_ARGS
  set_in=${set_in:-$own_unit}
}

# The flag on the command line of a unit that runs.
running_flag() {
  pid=$(systemctl show "$1" -p MainPID)
  tr '\0' '\n' <"/proc/${pid#*=}/cmdline" 2>/dev/null | sed -n "s/^$flag=//p"
}

# The running kubelet's own word: the flag as it should be, once or not at all.
check_flag() {
  seen=$(running_flag kubelet)
  [ "$seen" = "$wanted_flag" ] ||
    die 021 "the kubelet runs with $flag '$seen' instead of '$wanted_flag': see systemctl cat kubelet"
}

# Healthy: active, and its health port (10248 unless config.yaml moves it) is listening, which needs no HTTP client.
kubelet_healthy() {
  systemctl -q is-active kubelet || return 1
  port=$(sed -n 's/^healthzPort: *//p' /var/lib/kubelet/config.yaml 2>/dev/null || :)
  [ "$port" != 0 ] || return 0
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q "$(printf ':%04X [0-9A-F:]* 0A' "${port:-10248}")"
}
