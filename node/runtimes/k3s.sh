# shellcheck shell=sh
# k3s and RKE2: they write containerd's configuration again at every start, from their own.

# Reads the unit, its process's environment and k3s's own configuration. Sets $config, $registries, $generated, $k3s_pid,
# $socket, $target, $runtime_name, $runtime_version, $reach, $watched, $data. Dies with PS-N005 where a value is not certain.
k3s_find() {
  runtime_name=${unit%%-*}
  k3s=$(show_path)
  is_program "$k3s" || die 005 "$unit.service starts $k3s, which is not an ELF binary: let the unit start $runtime_name itself"
  runtime_version=$(bounded 60 "$k3s" --version | sed -n 's/^[a-z0-9]* version v\{0,1\}\([^ ]*\).*/\1/p' | head -n 1)
  k3s_pid=$(pid_of "$unit")
  # k3s hides its command line from ps; the unit's is not changed by that.
  prefix=$(printf %s "$runtime_name" | tr '[:lower:]' '[:upper:]')
  config=$(unit_option "${prefix}_CONFIG_FILE" "/etc/rancher/$runtime_name/config.yaml" c config)
  set -- "$config" "$config.d"/*.yaml
  k3s_setting private-registry "$@"
  registries=$(unit_option '' "$k3s_value" private-registry)
  registries=${registries:-/etc/rancher/$runtime_name/registries.yaml}
  k3s_setting data-dir "$@"
  data=$(unit_option "${prefix}_DATA_DIR" "$k3s_value" d data-dir)
  data=${data:-/var/lib/rancher/$runtime_name}
  for path in "$config" "$registries" "$data"; do
    case $path in
      *'$'* | [!/]*) die 005 "$runtime_name's '$path' is not an absolute path: write an absolute path in its unit or in $config" ;;
    esac
  done
  refuse_external "$@"
  target=$config.d/zz-pause-sandbox.yaml
  generated=$data/agent/etc/containerd/config.toml
  socket=/run/k3s/containerd/containerd.sock
  # Both are read at a start only.
  reach=''
  # Templates take the place of what k3s would write.
  watched=$config$nl$config.d$nl$registries$nl$k3s$nl${generated%/*}/config.toml.tmpl$nl${generated%/*}/config-v3.toml.tmpl
}

# unit_option VARIABLE DEFAULT NAME…: an option of the unit's command line, else the variable in its process's environment,
# else the default.
unit_option() {
  standard=$2
  if [ "$1" ] && [ -r "$proc/${k3s_pid:-0}/environ" ]; then
    found=$(tr '\0' '\n' <"$proc/$k3s_pid/environ" | sed -n "s/^$1=//p" | tail -n 1)
    standard=${found:-$standard}
  fi
  shift 2
  option_in "$(show_argv | tr ' ' '\n')" "$standard" "$@"
}

# refuse_external FILE…: with another runtime k3s writes no configuration of containerd's, and its pause-image counts for
# nothing. Dies with PS-N006.
refuse_external() {
  k3s_setting container-runtime-endpoint "$@"
  endpoint=$(unit_option '' "$k3s_value" container-runtime-endpoint)
  [ -z "$endpoint" ] ||
    die 006 "$runtime_name uses the runtime at $endpoint (container-runtime-endpoint in $config or its unit), not a containerd of its own: set the sandbox image in that runtime's configuration yourself"
  k3s_setting docker "$@"
  docker=$k3s_value
  case " $(show_argv) " in *' --docker '* | *' --docker=true '*) docker=true ;; *' --docker=false '*) docker='' ;; esac
  case $docker in
    '' | false) ;;
    *) die 006 "$runtime_name runs with docker ($config or its unit), not a containerd of its own: set --pod-infra-container-image for its docker yourself, or take docker out" ;;
  esac
}

# k3s_setting KEY FILE…: the last value of a top-level key in k3s's YAML files. Sets $k3s_value. Dies with PS-N005 where it is
# no plain text.
k3s_setting() {
  key=$1
  shift
  k3s_value=''
  for file; do
    [ -e "$file" ] || continue
    values=$(yaml_values "$key" <"$file") || die 005 "$file: $key is not written as one plain value: write it as $key: VALUE"
    [ -z "$values" ] || k3s_value=$(printf '%s\n' "$values" | tail -n 1)
  done
}

# yaml_values KEY <FILE: the values of a key in the first column, without quotes and comments. Fails where one is not plain.
yaml_values() {
  awk -v key="$1" '
    { sub(/\r$/, "") }
    NR == 1 { sub(/^\357\273\277/, "") }
    /^[{]/ { odd = 1 }
    {
      s = $0
      quote = substr(s, 1, 1)
      if (quote == "\"" || quote == "\047") {
        if (substr(s, 2, length(key) + 1) != key quote && substr(s, 2, length(key) + 2) != key "+" quote) next
        s = substr(s, 2, length(key)) substr(s, length(key) + 3)
      }
      if (index(s, key) != 1) next
      s = substr(s, length(key) + 1)
      if (s ~ /^[ \t]*[+]/) { odd = 1; next }
      if (s !~ /^[ \t]*:([ \t]|$)/) next
      sub(/^[ \t]*:[ \t]*/, "", s)
      if (match(s, /^"[^"\\]*"/) || match(s, /^\047[^\047]*\047/)) {
        value = substr(s, 2, RLENGTH - 2)
        rest = substr(s, RLENGTH + 1)
        if (rest !~ /^[ \t]*$/ && rest !~ /^[ \t]+#/) odd = 1
      } else {
        sub(/^#.*/, "", s)
        sub(/[ \t]#.*/, "", s)
        sub(/[ \t]+$/, "", s)
        value = s
        if (value ~ /^[|>&*!{\[%@`"\047]/) odd = 1
        if (value == "null" || value == "~") value = ""
      }
      print value
    }
    END { exit odd }'
}

# Reads what k3s wrote for its containerd. Sets $sandbox_before. Writes $plan/before, $home/error.
k3s_read() {
  toml_list <"$generated" >"$plan/before" 2>"$home/error" || unreadable "$generated"
  our_values "$plan/before"
  sandbox_before=$image_read
}

# One file for all registries, in YAML that people wrote: ours only where there is none. Writes $new. Dies with PS-N022.
k3s_trust() {
  trust_needed || return 0
  if [ -e "$registries" ] && ! ours "$registries"; then
    die 022 "$registries exists already, and the script does not edit it: add $registry to it yourself, and leave ca, mirrors, plainHttp and login out"
  fi
  want_ca "${registries%/*}/pause-sandbox-ca.crt"
  registries_yaml >"$new"
  want "$registries" "${login:+0600}"
}

registries_yaml() {
  printf 'mirrors:\n  "%s":\n    endpoint:\n' "$registry"
  printf '%s%s\n' "$mirrors" "$(own_url)" | awk '!seen[$0]++ { printf "      - \"%s\"\n", $0 }'
  [ "$ca$login" ] || return 0
  echo 'configs:'
  printf '%s%s\n' "$mirrors" "$(own_url)" | sed 's,^https*://\([^/]*\).*,\1,' | sort -u | while IFS= read -r host; do
    printf '  "%s":\n' "$host"
    [ -z "$ca" ] || printf '    tls:\n      ca_file: %s/pause-sandbox-ca.crt\n' "${registries%/*}"
    [ -z "$login" ] || [ "$host" != "$registry" ] || printf '    auth:\n      auth: "%s"\n' "$login"
  done
}

# Plans our drop-in. Writes $new.
k3s_plan() {
  need_ctr
  printf 'pause-image: "%s"\n' "$image" >"$new"
  want "$target"
}

# What it makes of this shows in the configuration that it writes at its start.
k3s_check() { :; }

# Restarts $unit, waits until its containerd answers, and reads what k3s wrote for that. Writes $plan/after.
# Dies with PS-N015.
k3s_restart() {
  restart "$unit" || die 015 "$unit does not restart: see systemctl status $unit"
  within 60 cri version || die 015 "containerd does not answer on $socket after the restart of $unit: see journalctl -u $unit"
  toml_list <"$generated" >"$plan/after"
  our_values "$plan/after"
  [ "$leaving" ] || taken "$image" "$image_read"
}

# Before the restart the image is pulled the way that will be: by containerd's own resolver, from a hosts.toml like the one
# that k3s will write. Writes $plan/certs.
k3s_pull() {
  if trust_needed && [ -z "$configured" ]; then
    hosts_aside
    ctr_pull "$plan/certs"
  else
    cri_pull
  fi
}

# Its units, the restarted one first; the unit of its process; what a sandbox runs on; who names its images.
k3s_units() { printf '%s\n' "$unit"; }
k3s_daemon() { printf '%s\n' "$unit"; }
k3s_seen() { cri_seen; }
k3s_namer() { echo ctr; }
k3s_serves() { :; }
k3s_lists() { list_target; }
k3s_home() { echo "$data/agent/containerd"; }
k3s_pulls() { k3s_daemon; }

# What it wrote for its containerd. Sets $certs.
k3s_reaches() {
  certs=${generated%/*}/certs.d
  told_hosts
}
