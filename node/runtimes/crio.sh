# shellcheck shell=sh
# CRI-O: a drop-in of ours in its directory, where the last file that sets a key wins; read again without a restart.

# Reads the unit and its process. Sets $crio, $crio_words, $config, $confdir, $target, $runtime_name, $unit, $daemon, $namer,
# $runtime_version, $reach, $watched.
# Dies with PS-N005.
crio_find() {
  loaded crio || die 005 'crio.service is not loaded, although the kubelet speaks to CRI-O: see systemctl status crio'
  runtime_name=cri-o unit=crio daemon=crio namer=crio
  program_of crio
  crio=$program
  words_of crio
  crio_words=$run_words
  crio_setting config /etc/crio/crio.conf c
  config=$crio_setting
  crio_setting config-dir /etc/crio/crio.conf.d d
  confdir=$crio_setting
  runtime_version=$(bounded 60 "$crio" --version | sed -n 's/^crio version //p; s/^Version: *//p' | head -n 1)
  target=$confdir/zz-pause-sandbox.conf
  reach='*/etc/containers/*'
  watched=$config$nl$confdir$nl$crio${nl}/etc/containers/registries.conf${nl}/etc/containers/registries.conf.d
}

# crio_setting NAME DEFAULT [SHORT]: sets $crio_setting to what its command line says, else its environment, as CONTAINER_NAME. Reads
# systemd.
crio_setting() {
  variable=CONTAINER_$(printf %s "$1" | tr 'a-z-' 'A-Z_')
  crio_setting=$(environment_of crio | sed -n "s/^$variable=//p")
  crio_setting=$(option_in "$crio_words" "${crio_setting:-$2}" "$1" "${3:-$1}")
}

# What wins over our files at its next start, and what does not go with our image. Reads $plan/parse.out, systemd. Dies with
# PS-N014.
refuse_crio_settings() {
  for name in pause-image ${kept_login:+pause-image-auth-file}; do
    crio_setting "$name" ''
    case $crio_setting in
      '' | "$image" | "$crio_auth") ;;
      *) die 014 "crio.service starts CRI-O with --$name or its variable set to $crio_setting, which overrides every file: remove it where systemctl cat crio shows it" ;;
    esac
  done
  command=$(crio_told pause_command)
  case $command in
    '' | /pause) ;;
    *) die 014 "CRI-O has pause_command = \"$command\" ($config, $confdir, or systemctl cat crio), and our image has only /pause: set pause_command to /pause, or remove it" ;;
  esac
}

crio_auth=/etc/crio/pause-sandbox-auth.json

# Its own reading of all its files, with the command line and the environment that it has. What is a default is commented out there.
# Writes $plan/parse.out, $error_file.
crio_parse() {
  IFS=$nl
  set -f
  # shellcheck disable=SC2086 # one per line
  set -- $crio_words
  set +f
  unset IFS
  shift
  as_daemon crio bounded 60 "$crio" "$@" config 2>"$error_file" >"$plan/parse.out" && grep -q '^\[crio' "$plan/parse.out"
}

# Reads CRI-O's whole configuration. Sets $socket, $sandbox_before. Writes $plan/before.
crio_read() {
  if crio_parse; then toml_list <"$plan/parse.out" >"$plan/before"; else unreadable "$confdir"; fi
  socket=$(runtime_has 'crio|api|listen')
  socket=${socket:-/run/crio/crio.sock}
  sandbox_before=$(crio_told pause_image)
}

# Its runtime handlers. The infra container is left out where a Pod does not share its PID namespace, but for a virtual machine. Its image
# is needed all the same. Defaults are commented out, and so is an example. Reads $plan/parse.out.
crio_handlers() {
  awk '
    { line = $0; example = sub(/^# */, "", line) && line ~ /[.]runtime-handler[]]$/ }
    line ~ /^[[][a-z._]*/ && line !~ /^[[]crio[.]runtime[.]runtimes[.]/ { name = "" }
    sub(/^[[]crio[.]runtime[.]runtimes[.]/, "", line) {
      sub(/[]]$/, "", line)
      gsub(/"/, "", line)
      name = example ? "" : line
      if (name != "") order[++count] = name
    }
    name != "" && line ~ /^runtime_type = "vm"/ { vm[name] = 1 }
    line ~ /^drop_infra_ctr = false/ { keeps = 1 }
    END {
      for (i = 1; i <= count; i++)
        print order[i] "\t" (keeps || order[i] in vm || tolower(order[i]) ~ /kata/ ? "every" : "shared-pid")
    }' "$plan/parse.out"
}

# certs.d is read at each pull; how a registry is reached otherwise, with CRI-O's own configuration. Writes $plan/hosts, $new. Dies with
# PS-N022.
crio_trust() {
  if asks_ipv6; then
    die 022 "CRI-O takes no IPv6 address in the name of an image or of a mirror: give the registry and its mirrors host names"
  fi
  trust_needed || return 0
  all_urls | sed -n 's,^https://\([^/]*\).*,\1,p' | sort -u >"$plan/hosts"
  while IFS= read -r host; do
    crio_certs_dir "$host"
    own_ca "$crio_certs_dir"
    want_ca "$own_ca"
  done <"$plan/hosts"
  if [ "$mirrors$plain_http" ] && ! site_registry; then
    registries_conf >"$new"
    want /etc/containers/registries.conf.d/zz-pause-sandbox.conf
  fi
  if [ "$kept_login" ]; then
    printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$registry" "$kept_login" >"$new"
    want "$crio_auth" 0600
  fi
}

# crio_certs_dir HOST: sets $crio_certs_dir to the directory of HOST that CRI-O reads: the first that is there, else ours.
crio_certs_dir() {
  for crio_certs_dir in /root/.config/containers/certs.d /etc/containers/certs.d /etc/docker/certs.d; do
    crio_certs_dir=$crio_certs_dir/$1
    if [ -d "$crio_certs_dir" ]; then return 0; fi
  done
  crio_certs_dir=/etc/containers/certs.d/$1
}

# Has a site a [[registry]] of its own for our image, with all that is asked for? CRI-O takes one for each prefix, the last. Dies
# with PS-N025 where that lacks something of ours.
site_registry() {
  for file in "$registries_dir.conf" "$registries_dir.conf.d"/*.conf; do
    case $file in */zz-pause-sandbox.conf) continue ;; esac
    if [ ! -f "$file" ]; then continue; fi
    lacking=$(NAME=${image%:*} HTTP=$plain_http MIRRORS=$mirrors awk '
      function value(s) { sub(/^[^=]*=[ \t]*/, "", s); sub(/[ \t]*(#.*)?$/, "", s); gsub(/["\047]/, "", s); return s }
      function ours(p,   host) {
        if (p == "" || name == p || index(name, p "/") == 1 || index(name, p ":") == 1) return p != ""
        host = name; sub(/[:\/].*/, "", host)
        return p ~ /^\*\./ && length(host) > length(p) && substr(host, length(host) - length(p) + 2) == substr(p, 2)
      }
      function end(   i) {
        if (!ours(prefix == "" ? location : prefix)) return
        found = 1
        if (ENVIRON["HTTP"] && !insecure) add("insecure = true")
        for (i = 1; i <= n; i++) if (mirror[i] != "" && !((block, mirror[i]) in has)) add("a [[registry.mirror]] with location = \"" mirror[i] "\"")
      }
      function add(text) { out = out (out == "" ? "" : ", ") text }
      BEGIN { name = ENVIRON["NAME"]; n = split(ENVIRON["MIRRORS"], mirror, "\n"); for (i = 1; i <= n; i++) sub(/^[^:]*:\/\//, "", mirror[i]) }
      /^[ \t]*\[\[[ \t]*registry[ \t]*\]\]/ { end(); block++; prefix = location = insecure = ""; top = 1; next }
      /^[ \t]*\[/ { top = 0 }
      /^[ \t]*prefix[ \t]*=/ && top { prefix = value($0) }
      /^[ \t]*location[ \t]*=/ { if (top) location = value($0); else has[block, value($0)] }
      /^[ \t]*insecure[ \t]*=[ \t]*true/ && top { insecure = 1 }
      END { end(); print (found ? "found " out : "") }' "$file")
    case $lacking in
      '') continue ;;
      'found ')
        say "$file already has all settings: it stays unchanged"
        return 0
        ;;
    esac
    die 025 "$file has a [[registry]] for $registry that is not ours, and our file would disable it: add ${lacking#found } to it, or leave mirrors and plainHttp out"
  done
  return 1
}
registries_dir=/etc/containers/registries

registries_conf() {
  printf '[[registry]]\nprefix = "%s"\nlocation = "%s"\n' "$registry" "$registry"
  [ -z "$plain_http" ] || echo 'insecure = true'
  printf %s "$mirrors" | while IFS= read -r url; do
    printf '\n[[registry.mirror]]\nlocation = "%s"\n' "${url#*//}"
    case $url in http:*) echo 'insecure = true' ;; esac
  done
}

# Plans our drop-in, which sets the image and, with a login that stays, the file that holds it. Writes $new. Reads $plan/parse.out.
crio_plan() {
  refuse_crio_settings
  {
    printf '[crio.image]\npause_image = "%s"\n' "$image"
    [ -z "$kept_login" ] || printf 'pause_image_auth_file = "%s"\n' "$crio_auth"
  } >"$new"
  want "$target"
}

# Lets CRI-O parse what it would read, and compares key by key with what it read before. Writes $plan/after.
crio_check() {
  if crio_parse; then toml_list <"$plan/parse.out" >"$plan/after"; else refused; fi
  unchanged_but '^crio[|]image[|]pause_image(_auth_file)?$'
  taken "$1" "$(crio_told pause_image)"
}

# Restarts nothing: CRI-O reads its files again. Dies with PS-N015.
crio_reload() { restart crio reload || die 015 'CRI-O does not reload its configuration: see systemctl status crio'; }

# A live reload, which is over when a sandbox runs on the image.
crio_restart() {
  crio_reload
  [ "$leaving" ] || within 30 runs_on "$image" || :
}

# Changes the runtime's images.
crio_pull() {
  if [ -z "$configured" ] && changed_in '/registries\.conf\.d/'; then
    crio_reload
    # It is not over at once.
    within 10 pull_once "$(by_digest)" || :
  fi
  cri_pull
}

crio_seen() { ctr_seen; }

# CRI-O itself only pulls. podman keeps a database of its own in the storage, which stays, and differs by how it was called first. Dies
# with PS-N028.
crio_carries() {
  command -v skopeo >/dev/null ||
    die 028 "CRI-O imports no image by itself, and skopeo is not on PATH ($PATH): install the package skopeo"
}
crio_carry() { crio_copy "$(by_digest)"; }

# crio_copy NAME: copies the carried image into the storage that CRI-O has. No signature is looked for: the SHA-256 of the archive was
# compared. Reads $plan/parse.out. Changes the runtime's images. Writes $error_file.
crio_copy() {
  bounded 60 skopeo copy -q --insecure-policy "oci:$plan/archive" "containers-storage:[$(crio_storage)]$1" >/dev/null 2>"$error_file"
}

# The storage, as skopeo names it. Reads $plan/parse.out.
crio_storage() {
  # A list: each entry on its own line, or all on one.
  options=$(awk '/^#* *storage_option = \[/ { on = 1 } on { print } on && /\]/ { exit }' "$plan/parse.out" |
    tr ',' '\n' | sed -n 's/^[^"]*"\([^"]*\)".*/\1/p' | tr '\n' ',')
  lines "$(crio_told storage_driver)@$(crio_told root)+$(crio_told runroot)${options:+:${options%,}}"
}

# crio_told KEY: what CRI-O has for a key, defaults included. Reads $plan/parse.out.
crio_told() { sed -n "s/^#* *$1 = \"\(.*\)\"/\1/p" "$plan/parse.out" | head -n 1; }

# What sandboxes run on. Reads the runtime.
crio_used() {
  sandboxes=$(cri pods -q) || return 1
  for one in $sandboxes; do cri_told inspectp '{{.info.image}}{{"\n"}}' "$one" || return 1; done
}

# As crio_carry, into the same storage. CRI-O pins what it is configured with. Reads $plan/parse.out.
crio_heal() {
  # shellcheck disable=SC2016 # the program's dollars
  want_heal "$there_by_cri" \
    'tar -C "$unpacked" -xf "$archive" &&' \
    "  for name in '$(by_digest)' \"\$image\"; do" \
    "    skopeo copy -q --insecure-policy \"oci:\$unpacked\" 'containers-storage:[$(crio_storage)]'\"\$name\" || exit 1" \
    '  done'
}
