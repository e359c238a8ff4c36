# shellcheck shell=sh
# Trust: how containerd reaches the registry, in certs.d/<host[:port]>/. Other registries' directories stay untouched.

# Is there anything to say about the registry? If not, how the runtime reaches it stays as it is.
trust_needed() { [ "$ca$mirrors$plain_http$kept_login" ]; }

# Is the registry, or a mirror, at an IPv6 address?
asks_ipv6() {
  case $registry in *]*) return 0 ;; esac
  case $mirrors in *]*) ;; *) return 1 ;; esac
}

own_url() {
  case $plain_http in 1) printf 'http://%s' "$registry" ;; *) printf 'https://%s' "$registry" ;; esac
}

# Where the image is looked for: the mirrors, then the registry itself, one URL per line.
all_urls() { printf '%s%s\n' "$mirrors" "$(own_url)" | awk '!seen[$0]++'; }

# Which directory containerd reads for the registry: in each of $config_path the one that is there first of `host_port_`, `host:port`
# and `_default`; else the one that we make. Sets $hosts_dir.
find_hosts_dir() {
  hosts_dir=''
  IFS=:
  set -f
  # shellcheck disable=SC2086 # a directory each
  set -- $config_path
  set +f
  unset IFS
  for root; do
    for name in "${registry%:*}_${registry##*:}_" "$registry" _default; do
      hosts_dir=$root/$name
      case $name in
        _default) if has_site_files "$hosts_dir"; then return 0; fi ;;
        *) if [ -d "$hosts_dir" ]; then return 0; fi ;;
      esac
    done
  done
  hosts_dir=$certs/$registry
}

# Where this run has its own.
hosts_at=''

# Is there something in directory DIR that counts for containerd, and is not ours? What we replaced is a site's.
has_site_files() {
  for one in "$1/hosts.toml" "$1"/*.crt "$1"/*.cert; do
    if site_file "$one"; then return 0; fi
  done
  return 1
}

# Plans hosts.toml and the CA that it names. A site's own way to the registry is kept: its hosts.toml; certificates alone, as docker
# has them, beside which a CA of ours is another one; hosts for every registry. Sets $dir, $hosts_at. Writes $new. Dies with PS-N025 where
# that lacks something of ours.
plan_hosts() {
  find_hosts_dir
  dir=$hosts_dir hosts_at=$hosts_dir
  if site_hosts "$dir/hosts.toml"; then
    lacking=$(missing_in "$dir/hosts.toml")
    [ -z "$lacking" ] ||
      case $dir in
        */_default) die 025 "$dir/hosts.toml is how this node reaches $registry, and one for $registry alone would replace it: write ${dir%/*}/$registry/hosts.toml with these hosts and with $lacking, or leave trust out of the stack" ;;
        *) die 025 "$dir/hosts.toml exists already, and is not our file: add $lacking to it, or leave trust out of the stack" ;;
      esac
    say "$dir/hosts.toml is not our file, and already has all settings: it stays unchanged"
    return 0
  fi
  if has_site_files "$dir"; then
    [ -z "$mirrors$plain_http$kept_login" ] ||
      die 025 "$dir has certificates that are not ours, and a hosts.toml would disable them: write $dir/hosts.toml with them (ca, client) and with all that the stack asks for, or leave mirrors, plainHttp and login out"
    case $dir in
      */_default) die 025 "$dir has certificates that are not ours, and a directory for $registry alone would disable them: copy them to ${dir%/*}/$registry, or leave trust out of the stack" ;;
    esac
    say "$dir has certificates that are not ours: our CA is added beside them"
    own_ca "$dir"
    want_ca "$own_ca"
    return 0
  fi
  own_ca "$dir"
  want_ca "$own_ca"
  hosts_toml "$dir" >"$new"
  want "$dir/hosts.toml" "${kept_login:+0600}"
}

# Did somebody else write the file? One that we wrote, or replaced with a copy of it in our backup, is ours to write.
site_hosts() {
  [ -s "$1" ] || return
  managed "$1"
  [ -z "$known" ]
}

# Is the file a site's, or was it before we replaced it?
site_file() { site_hosts "$1" || { [ -s "$1" ] && [ -s "$backup/root$1" ]; }; }

# missing_in FILE: what a site's hosts.toml lacks of what is asked for, in words; nothing when all is there. Writes
# $plan/hosts, $plan/urls.
missing_in() {
  toml_list <"$1" >"$plan/hosts"
  sep=''
  all_urls >"$plan/urls"
  while IFS= read -r url; do
    # A host without a table is reached through `server` alone.
    if ! grep -qF "host|$url|" "$plan/hosts"; then
      lacks "[host.\"$url\"] with capabilities = [\"pull\", \"resolve\"]"
    fi
    # No CA counts then.
    if takes_ca "$url" && grep -qxF -e "host|$url|skip_verify	true" -e "skip_verify	true" "$plan/hosts"; then
      lacks "skip_verify = false in [host.\"$url\"]"
    fi
    if takes_ca "$url" && ! names_ca "$url" "${1%/*}"; then
      lacks "the CA of the stack, in a file that ca names in [host.\"$url\"]"
    fi
  done <"$plan/urls"
  if [ "$kept_login" ] && ! grep -qiF "host|$(own_url)|header|authorization	" "$plan/hosts"; then
    lacks "[host.\"$(own_url)\".header] with the login as Authorization"
  fi
}

# lacks TEXT: an item of the list. Sets $sep.
lacks() {
  printf %s "$sep$1"
  sep=', '
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

# own_ca DIR: sets $own_ca to our CA in a directory of certificates, under a name that no site has. It was ca.crt in 0.1.0, and stays
# so where that took nobody's place. Reads $home/state, $backup.
own_ca() {
  own_ca=$1/pause-sandbox-ca.crt
  managed "$1/ca.crt"
  if [ "$known" ] && [ ! -e "$backup/root$1/ca.crt" ]; then own_ca=$1/ca.crt; fi
}

# The registry has a table of its own beside `server`, since containerd 1.x takes no CA from the keys at the top; 2.x tries
# `server` last, with those keys, and would name a certificate instead of what was wrong before.
#
# A login that stays is a header: containerd's own settings for it are deprecated in 1.x and gone in 2.x, and no Pod's credentials
# are used for a sandbox (containerd#10916).
hosts_toml() {
  own=$(own_url)
  printf 'server = "%s"\n' "$own"
  host_keys "$own" "$1" ''
  all_urls | while IFS= read -r url; do
    printf '\n[host."%s"]\n' "$url"
    host_keys "$url" "$1" '  '
    [ "$url" != "$own" ] || [ -z "$kept_login" ] ||
      printf '\n[host."%s".header]\n  Authorization = ["Basic %s"]\n' "$url" "$kept_login"
  done
}

# The hosts.toml that the settings ask for, where no runtime reads it: ctr is told of it. Writes $plan/certs.
hosts_aside() {
  mkdir -p "$plan/certs/$registry"
  [ -z "$ca" ] || printf %s "$ca" >"$plan/certs/$registry/pause-sandbox-ca.crt"
  hosts_toml "$plan/certs/$registry" >"$plan/certs/$registry/hosts.toml"
}

host_keys() {
  printf '%scapabilities = ["pull", "resolve"]\n' "$3"
  if takes_ca "$1"; then
    own_ca "$2"
    printf '%sca = "%s"\n' "$3" "$own_ca"
  fi
}
