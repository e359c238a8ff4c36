# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# Trust: how containerd reaches the registry, in certs.d/<host[:port]>/. Other registries' directories stay untouched.

# Is there anything to say about the registry? If not, how the runtime reaches it stays as it is.
trust_needed() { [ "$ca$mirrors$plain_http$auth" ]; }

own_url() {
  case $plain_http in 1) printf 'http://%s' "$registry" ;; *) printf 'https://%s' "$registry" ;; esac
}

# Plans hosts.toml and the CA that it names in certs.d directory $1.
plan_hosts() {
  dir=$1/$registry
  want_ca "$dir/ca.crt"
  hosts_toml "$dir" >"$new"
  want "$dir/hosts.toml" "${auth:+0600}"
}

want_ca() {
  [ "$ca" ] || return 0
  printf %s "$ca" >"$new"
  want "$1"
}

# The registry has a table of its own beside `server`, since containerd 1.x takes no CA from the keys at the top; 2.x tries
# `server` last, with those keys, and would name a certificate instead of what was wrong before.
#
# The login is a header: containerd's own settings for it are deprecated in 1.x and gone in 2.x, and no Pod's credentials
# are used for a sandbox (containerd#10916).
hosts_toml() {
  own=$(own_url)
  printf 'server = "%s"\n' "$own"
  host_keys "$own" "$1" ''
  printf '%s%s\n' "$mirrors" "$own" | awk '!seen[$0]++' | while IFS= read -r url; do
    printf '\n[host."%s"]\n' "$url"
    host_keys "$url" "$1" '  '
    [ "$url" != "$own" ] || [ -z "$auth" ] ||
      printf '\n[host."%s".header]\n  Authorization = ["Basic %s"]\n' "$url" "$auth"
  done
}

host_keys() {
  printf '%scapabilities = ["pull", "resolve"]\n' "$3"
  case $ca$1 in
    ?*https:*) printf '%sca = "%s/ca.crt"\n' "$3" "$2" ;;
  esac
}
