# shellcheck shell=sh
# Trust: how containerd reaches the registry, in certs.d/<host[:port]>/. Other registries' directories stay untouched.

# Is there anything to say about the registry? If not, how the runtime reaches it stays as it is.
trust_needed() { [ "$ca$mirrors$plain_http$login" ]; }

own_url() {
  case $plain_http in 1) printf 'http://%s' "$registry" ;; *) printf 'https://%s' "$registry" ;; esac
}

# plan_hosts DIR: plans hosts.toml and the CA that it names in certs.d directory DIR. A site's own file is kept. Writes $new.
# Dies with PS-N025 where that lacks something of ours.
plan_hosts() {
  dir=$1/$registry
  if site_hosts "$dir/hosts.toml"; then
    lacking=$(missing_in "$dir/hosts.toml")
    [ -z "$lacking" ] ||
      die 025 "$dir/hosts.toml is there already, is not ours and is not replaced: add $lacking to it, or leave trust out of the stack"
    say "$dir/hosts.toml is not ours, and has all that is asked for: it stays as it is"
    return 0
  fi
  want_ca "$dir/ca.crt"
  hosts_toml "$dir" >"$new"
  want "$dir/hosts.toml" "${login:+0600}"
}

# Did somebody else write the file? One that we wrote, or replaced with a copy of it in our backup, is ours to write.
site_hosts() {
  [ -e "$1" ] || return
  managed "$1"
  [ -z "$known" ]
}

# missing_in FILE: what a site's hosts.toml lacks of what is asked for, in words; nothing when all is there. Writes
# $plan/hosts, $plan/urls.
missing_in() {
  toml_list <"$1" >"$plan/hosts"
  sep=''
  printf '%s%s\n' "$mirrors" "$(own_url)" | awk '!seen[$0]++' >"$plan/urls"
  while IFS= read -r url; do
    # A host without a table is reached through `server` alone.
    if ! grep -qF "host|$url|" "$plan/hosts"; then
      printf '%s[host."%s"] with capabilities = ["pull", "resolve"]' "$sep" "$url"
      sep=', '
    fi
    if takes_ca "$url" && ! names_ca "$url" "${1%/*}"; then
      printf '%sthe CA of the stack, in a file that ca names in [host."%s"]' "$sep" "$url"
      sep=', '
    fi
  done <"$plan/urls"
  if [ "$login" ] && ! grep -qiF "host|$(own_url)|header|authorization	" "$plan/hosts"; then
    printf '%s[host."%s".header] with the login as Authorization' "$sep" "$(own_url)"
  fi
}

# names_ca URL DIR: does a file that the host's `ca` names, in DIR or by its whole path, hold our CA? Only the text of the
# certificates counts. Reads $plan/hosts. Writes $plan/cas, $plan/ca.text.
names_ca() {
  awk -F '\t' -v key="host|$1|ca" '$1 == key { print "ca\t" $2 }' "$plan/hosts" | strings_of ca >"$plan/cas"
  while IFS= read -r named; do
    case $named in /*) ;; *) named=$2/$named ;; esac
    [ -e "$named" ] || continue
    tr -d ' \t\r\n' <"$named" >"$plan/ca.text"
    if grep -qFe "$(printf %s "$ca" | tr -d ' \t\r\n')" "$plan/ca.text"; then return 0; fi
  done <"$plan/cas"
  return 1
}

# Is a server at URL $1 checked by a CA of ours?
takes_ca() {
  case $1 in https:*) [ "$ca" ] ;; *) return 1 ;; esac
}

# want_ca PATH: plans the CA, where there is one. Writes $new.
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
    [ "$url" != "$own" ] || [ -z "$login" ] ||
      printf '\n[host."%s".header]\n  Authorization = ["Basic %s"]\n' "$url" "$login"
  done
}

host_keys() {
  printf '%scapabilities = ["pull", "resolve"]\n' "$3"
  if takes_ca "$1"; then printf '%sca = "%s/ca.crt"\n' "$3" "$2"; fi
}
