# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# k3s and RKE2: they write containerd's configuration anew at every start, from their own.

k3s_find() {
  runtime_name=${unit%%-*}
  k3s=$(show_path)
  runtime_version=$("$k3s" --version | sed -n 's/^[a-z0-9]* version v\{0,1\}\([^ ]*\).*/\1/p' | head -n 1)
  config=$(option_of "/etc/rancher/$runtime_name/config.yaml" -c --config)
  target=$config.d/zz-pause-sandbox.yaml
  registries=$(option_of "/etc/rancher/$runtime_name/registries.yaml" --private-registry)
  data=$(option_of "$(cat "$config" "$config.d"/*.yaml 2>/dev/null | sed -n 's/^data-dir: *//p' | tr -d "\"'" | tail -n 1)" -d --data-dir)
  generated=${data:-/var/lib/rancher/$runtime_name}/agent/etc/containerd/config.toml
  socket=/run/k3s/containerd/containerd.sock
  # Both are read at a start only.
  reach=''
  watched=$config$nl$config.d$nl$registries$nl$k3s
}

k3s_read() {
  toml_list <"$generated" >"$plan/before" 2>"$home/error" || unreadable "$generated"
  sandbox_before=$(effective_image <"$plan/before")
}

# One file for all registries, in YAML that people wrote: ours only where there is none.
k3s_trust() {
  trust_needed || return 0
  if [ -e "$registries" ] && ! ours "$registries"; then
    die 022 "$registries is there already, and is not edited here: add $registry to it yourself, and leave ca, mirrors, plainHttp and login out"
  fi
  want_ca "${registries%/*}/pause-sandbox-ca.crt"
  registries_yaml >"$new"
  want "$registries" "${auth:+0600}"
}

registries_yaml() {
  printf 'mirrors:\n  "%s":\n    endpoint:\n' "$registry"
  printf '%s%s\n' "$mirrors" "$(own_url)" | awk '!seen[$0]++ { printf "      - \"%s\"\n", $0 }'
  [ "$ca$auth" ] || return 0
  echo 'configs:'
  printf '%s%s\n' "$mirrors" "$(own_url)" | sed 's,^https*://\([^/]*\).*,\1,' | sort -u | while IFS= read -r host; do
    printf '  "%s":\n' "$host"
    [ -z "$ca" ] || printf '    tls:\n      ca_file: %s/pause-sandbox-ca.crt\n' "${registries%/*}"
    [ -z "$auth" ] || [ "$host" != "$registry" ] || printf '    auth:\n      auth: "%s"\n' "$auth"
  done
}

k3s_plan() {
  printf 'pause-image: "%s"\n' "$image" >"$new"
  want "$target"
}

# What it makes of this shows in the configuration that it writes at its start.
k3s_check() { :; }

k3s_restart() {
  restart "$unit" || die 015 "$unit does not restart: see systemctl status $unit"
  within 60 cri version || die 015 "containerd does not answer on $socket after the restart of $unit: see journalctl -u $unit"
  toml_list <"$generated" >"$plan/after"
  [ "$leaving" ] || taken "$image" "$(effective_image <"$plan/after")"
}

# Before the restart the image is pulled the way that will be: by containerd's own resolver, from a hosts.toml like the
# one that k3s will write.
k3s_pull() {
  if trust_needed && [ -z "$configured" ]; then
    mkdir -p "$plan/certs/$registry"
    [ -z "$ca" ] || printf %s "$ca" >"$plan/certs/$registry/ca.crt"
    hosts_toml "$plan/certs/$registry" >"$plan/certs/$registry/hosts.toml"
    ctr_pull "$plan/certs"
  else
    cri_pull
  fi
}
