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

# The registry has a table of its own beside `server`, since containerd 1.x takes no CA from the keys at the top; 2.x tries
# `server` last, with those keys, and would name a certificate instead of what was wrong before.
hosts_toml() {
  own=https://$registry
  [ -z "$plain_http" ] || own=http://$registry
  printf 'server = "%s"\n' "$own"
  host_keys "$own" "$1" ''
  printf '%s%s\n' "$mirrors" "$own" | awk '!seen[$0]++' | while IFS= read -r url; do
    printf '\n[host."%s"]\n' "$url"
    host_keys "$url" "$1" '  '
  done
}

host_keys() {
  printf '%scapabilities = ["pull", "resolve"]\n' "$3"
  case $ca$1 in
    ?*https:*) printf '%sca = "%s/ca.crt"\n' "$3" "$2" ;;
  esac
}
