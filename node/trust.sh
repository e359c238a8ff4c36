# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# Trust: how containerd reaches the registry, in certs.d/<host[:port]>/. Other registries' directories stay untouched.

# Is there anything to say about the registry? If not, certs.d and config_path stay as they are.
trust_needed() { [ "$ca$mirrors$plain_http" ]; }

plan_trust() {
  trust_needed || return 0
  dir=$certs/$registry
  if [ "$ca" ]; then
    printf %s "$ca" >"$new"
    want "$dir/ca.crt"
  fi
  hosts_toml "$dir" >"$new"
  want "$dir/hosts.toml"
}

hosts_toml() {
  scheme=https
  [ -z "$plain_http" ] || scheme=http
  printf 'server = "%s://%s"\n' "$scheme" "$registry"
  printf %s "$mirrors" | while IFS= read -r mirror; do host_table "$mirror" "$1"; done
  host_table "$scheme://$registry" "$1"
}

host_table() {
  printf '\n[host."%s"]\n  capabilities = ["pull", "resolve"]\n' "$1"
  case $ca$1 in
    ?*https:*) printf '  ca = "%s/ca.crt"\n' "$2" ;;
  esac
}
