# shellcheck shell=sh
# k3s and RKE2: they write containerd's configuration again at every start, from their own.

# Reads the unit, its process's environment and k3s's own configuration. Sets $config, $registries, $generated,
# $socket, $target, $runtime_name, $daemon, $namer, $runtime_version, $reach, $watched, $data. Dies with PS-N005 where a value is not certain.
k3s_find() {
  runtime_name=${unit%%-*} daemon=$unit namer=ctr
  k3s=$(show_path)
  is_program "$k3s" || die 005 "$unit.service starts $k3s, which is not an ELF binary: let the unit start $runtime_name itself"
  runtime_version=$(bounded 60 "$k3s" --version | sed -n 's/^[a-z0-9]* version v\{0,1\}\([^ ]*\).*/\1/p' | head -n 1)
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
# else the default. Reads systemd.
unit_option() {
  found=''
  if [ "$1" ]; then found=$(environment_of "$unit" | sed -n "s/^$1=//p" | tail -n 1); fi
  standard=${found:-$2}
  shift 2
  option_in "$(show_argv | tr ' ' '\n')" "$standard" "$@"
}

# refuse_external FILE…: with another runtime k3s writes no configuration of containerd's, and its pause-image counts for
# nothing. Dies with PS-N006.
refuse_external() {
  k3s_setting container-runtime-endpoint "$@"
  endpoint=$(unit_option '' "$k3s_value" container-runtime-endpoint)
  [ -z "$endpoint" ] ||
    die 006 "$runtime_name uses the runtime at $endpoint (container-runtime-endpoint in $config or its unit), not a containerd of its own: set the sandbox image there yourself"
  k3s_setting docker "$@"
  docker=$k3s_value
  case " $(show_argv) " in *' --docker '* | *' --docker=true '*) docker=true ;; *' --docker=false '*) docker='' ;; esac
  case $docker in
    '' | false) ;;
    *) die 006 "$runtime_name runs with docker ($config or its unit), not a containerd of its own: set $flag for its docker yourself, or take docker out" ;;
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
    [ -z "$values" ] || k3s_value=$(lines "$values" | tail -n 1)
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

# Reads what k3s wrote for its containerd. Sets $sandbox_before. Writes $plan/before, $error_file.
k3s_read() {
  toml_list <"$generated" >"$plan/before" 2>"$error_file" || unreadable "$generated"
  our_values "$plan/before"
  sandbox_before=$image_read
}

# One file for all registries, in YAML that people wrote: ours only where there is none. k3s makes a hosts.toml of it. Reads the
# runtime's version. Writes $new. Dies with PS-N005, PS-N022.
k3s_trust() {
  trust_needed || return 0
  if asks_ipv6; then
    answer=$(cri version) || die 005 "containerd does not answer on $socket ($(error)): start $unit, or see journalctl -u $unit"
    refuse_ipv6 "$(lines "$answer" | sed -n 's/^RuntimeVersion: *v*//p')"
  fi
  if [ -e "$registries" ] && ! ours "$registries"; then
    die 022 "$registries exists already, and the script does not edit it: add $registry to it, and leave ca, mirrors, plainHttp and login out"
  fi
  want_ca "${registries%/*}/pause-sandbox-ca.crt"
  registries_yaml >"$new"
  want "$registries" "${kept_login:+0600}"
}

registries_yaml() {
  printf 'mirrors:\n  "%s":\n    endpoint:\n' "$registry"
  all_urls | sed 's/.*/      - "&"/'
  [ "$ca$kept_login" ] || return 0
  echo 'configs:'
  all_urls | sed 's,^https*://\([^/]*\).*,\1,' | sort -u | while IFS= read -r host; do
    printf '  "%s":\n' "$host"
    [ -z "$ca" ] || printf '    tls:\n      ca_file: %s/pause-sandbox-ca.crt\n' "${registries%/*}"
    [ -z "$kept_login" ] || [ "$host" != "$registry" ] || printf '    auth:\n      auth: "%s"\n' "$kept_login"
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

# Restarts $unit, and reads what k3s wrote for its containerd. Writes $plan/after.
k3s_restart() {
  restart_runtime
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

# At each start, k3s and RKE2 import what is in this directory, and pin it: https://docs.k3s.io/import-images. They name the digest
# themselves, and complain of a name that has no tag. Writes $new.
k3s_heal() {
  named_archive "$image" >"$new"
  want "$data/agent/images/pause-sandbox.tar"
  cache=$data/agent/images/.cache.json
  [ ! -e "$cache" ] ||
    say "$cache is there, so $runtime_name imports an archive only once: an image that is deleted does not come back by itself"
}
