# shellcheck shell=sh
# containerd: which file and which key decide its sandbox image, and whether the runtime's own parse agrees.

# Where the sandbox image is set: `sandbox_image` in the old table, of configuration version 2, which 1.x writes and 2.x still
# reads; `sandbox` in `pinned_images` of the new table, from version 3 on, which 2.x writes. On 1.x it goes into the main file.
# On 2.x it goes into zz-pause-sandbox.toml in a directory that the main file imports, else into the file that decides
# (`place` in containerd-files.sh).
old_cri='plugins|io.containerd.grpc.v1.cri'
new_cri='plugins|io.containerd.cri.v1.images'

# Reads the unit and its process. Sets $config (the path as the daemon sees it: a link stays a link), $target, $containerd,
# $address, $runtime_name, $unit, $daemon, $namer, $runtime_version, $reach, $watched. Dies with PS-N005 where the daemon's own file is not known for
# certain.
containerd_find() {
  loaded containerd ||
    die 005 'containerd.service is not loaded, and no other supported runtime is: set the sandbox image where the runtime of this node is configured'
  runtime_name=containerd unit=containerd daemon=containerd namer=ctr
  program_of containerd
  containerd=$program
  words_of containerd
  config=$(option_in "$run_words" /etc/containerd/config.toml c config)
  case $config in
    *'$'* | [!/]* | '')
      die 005 "containerd's configuration file is '$config', not an absolute path: start containerd, or give --config one in its unit" ;;
  esac
  address=$(option_in "$run_words" '' a address)
  real "$config"
  target=$real
  # containerd github.com/containerd/containerd v2.1.4 abc; a distribution's has no v, and more behind a tilde or a plus.
  runtime_version=$(bounded 60 "$containerd" --version) || :
  runtime_version=${runtime_version#* * }
  runtime_version=${runtime_version%%[ "$nl"]*}
  runtime_version=${runtime_version#v}
  runtime_version=${runtime_version%%[~+]*}
  case $runtime_version in [12].[0-9]*) ;; *) die 005 "$containerd --version says '$runtime_version': containerd 1.x and 2.x are supported" ;; esac
  reach='*/certs.d/*'
  # 2.2 and later import conf.d although no file names it.
  watched=/etc/containerd/conf.d$nl$config$nl$target$nl${config%/*}$nl${target%/*}$nl$containerd${nl}/etc/systemd/system/containerd.service.d
}

address=''

# effective FILE LIST: the runtime's own reading of a configuration file, as `path<TAB>value` lines. Writes LIST, and on the way
# $plan/defaults.toml, $plan/dump, $error_file.
effective() {
  # 2.0's `config dump` shows the defaults for a version 2 file although the daemon migrates it.
  case $runtime_version in 2.0.*) parse=migrate ;; *) parse=dump ;; esac
  read_file=$1
  if [ ! -e "$1" ]; then
    read_file=$plan/defaults.toml
    skeleton >"$read_file"
  fi
  bounded 60 "$containerd" -c "$read_file" config $parse 2>"$error_file" >"$plan/dump" || return 1
  toml_list <"$plan/dump" >"$2" 2>"$error_file" || return 1
  while IFS= read -r set_key; do
    case $set_key in 'plugins|'*) return 0 ;; esac
  done <"$2"
  return 1
}

# The smallest file on which containerd runs as it does without one. From 2.2 on that means a default `imports`.
skeleton() {
  newest_version
  case $runtime_version in 1.*) ;; *) bounded 60 "$containerd" config default | grep '^imports = .*/' || : ;; esac
}
newest_version() { case $runtime_version in 1.*) echo 'version = 2' ;; *) echo 'version = 3' ;; esac; }

# The tables that may hold our keys, and the keys in them.
all_tables="plugins|cri $old_cri $new_cri"

# The keys that may differ afterwards: ours, and what says where they stand.
containerd_keys='^(imports|version|plugins[|]((cri|io[.]containerd[.]grpc[.]v1[.]cri)[|](sandbox_image|registry[|]config_path)|io[.]containerd[.]cri[.]v1[.]images[|](pinned_images[|]sandbox|registry[|]config_path)))$'

# key_of KIND-OF-KEY TABLE: sets $our_key.
key_of() {
  our_key=$2'|sandbox_image'
  if [ "$2" = "$new_cri" ]; then our_key=$2'|pinned_images|sandbox'; fi
  if [ "$1" = trust ]; then our_key=$2'|registry|config_path'; fi
}

# table_of VERSION: sets $table to the one that files of this version have.
table_of() {
  case $1 in
    3 | 4) table=$new_cri ;;
    2) table=$old_cri ;;
    # No version means 1; containerd 2.3 and later read a version 2 table there.
    *) case $runtime_version in 2.*) table=$old_cri ;; *) table='plugins|cri' ;; esac ;;
  esac
}

# strings_of KEY <LIST: the strings of an array, one per line.
strings_of() {
  awk -F '\t' -v want="$1" '$1 == want {
    s = substr($0, length($1) + 2)
    while (match(s, /"([^"\\]|\\.)*"|\047[^\047]*\047/)) {
      print substr(s, RSTART + 1, RLENGTH - 2)
      s = substr(s, RSTART + RLENGTH)
    }
  }'
}

# A handler with a snapshotter of its own finds no image whose layers are gone: a pull unpacks for one snapshotter. Reads
# $plan/before. Writes $plan/handlers.
say_other_snapshotters() {
  awk -F '\t' '
    /[|]discard_unpacked_layers\ttrue$/ { discards = 1 }
    $1 ~ /[|]containerd[|]snapshotter$|^plugins[|]io[.]containerd[.]cri[.]v1[.]images[|]snapshotter$/ { common = $2 }
    $1 ~ /[|]runtimes[|][^|]*[|]snapshotter$/ { n = split($1, part, "|"); own[part[n - 1]] = $2 }
    END { for (name in own) if (discards && own[name] !~ /^(""|\047\047)$/ && own[name] != common) print name }' "$plan/before" >"$plan/handlers"
  while IFS= read -r name; do
    say "the runtime handler $name has a snapshotter of its own, and discard_unpacked_layers is true: its Pods may not find the image"
  done <"$plan/handlers"
}

# Reads the runtime's whole configuration. Sets $socket, $sandbox_before, $trust_before, $config_path (as it
# is to be), $certs (its first directory). Writes $plan/before.
containerd_read() {
  effective "$config" "$plan/before" || unreadable "$config"
  socket=${address:-$(runtime_has 'plugins|io.containerd.server.v1.grpc|address')}
  socket=${socket:-$(runtime_has 'grpc|address')}
  socket=${socket#unix://}
  socket=${socket:-/run/containerd/containerd.sock}
  our_values "$plan/before"
  sandbox_before=$image_read trust_before=$trust_read
  # 2.1 to 2.4 read a colon-separated list as one odd name, but where CRI itself pulls: by its own key, and for each setting that the
  # transfer service has not (CheckLocalImagePullConfigs), which the dump of a configuration does not say.
  config_path=${trust_before:-/etc/containerd/certs.d}
  certs=${config_path%%:*}
  [ "$config_path" = "$certs" ] || case $runtime_version in
    1.* | 2.0.*) ;;
    *) grep -Eq 'images.*((image_pull|layers|sync_fs)	t|annotations	f|downloads	([^3]|3.)|(mirrors|configs|auths)[|])' "$plan/before" || config_path=$certs ;;
  esac
}

# Its runtime handlers. Without `sandboxer = "shim"` a sandbox is a pause container; 1.x reads no such key by default. From 2.3 on the
# image is needed all the same, and 2.4 has a key against that. Reads $plan/before.
ctr_handlers() {
  awk -F '\t' -v version="$runtime_name $runtime_version" '
    $1 ~ /^plugins[|][^|]*[|]containerd[|]runtimes[|]/ {
      split($1, part, "|")
      name = part[5]
      if (!(name in known)) order[++count] = name
      known[name] = 1
      if (part[6] == "sandboxer" && $2 ~ /^.shim.$/) shim[name] = 1
      if (part[6] == "disable_pause_image_pull" && $2 == "true") off[name] = 1
    }
    END {
      for (i = 1; i <= count; i++) {
        word = "every"
        if (order[i] in shim) word = order[i] in off || version ~ /^containerd 2[.][012][.]/ ? "none" : "image"
        print order[i] "\t" word
      }
    }' "$plan/before"
}

# our_values LIST: what such a list says of our two keys; a space between the two, where both tables have one. Sets $image_read,
# $trust_read.
our_values() {
  image_read=$(awk -F '\t' -v old="$old_cri" -v new="$new_cri" '
    function add(text, value) { return text (text == "" ? "" : " ") substr(value, 2, length(value) - 2) }
    $1 == old "|sandbox_image" || $1 == new "|pinned_images|sandbox" { image = add(image, $2) }
    $1 == old "|registry|config_path" || $1 == new "|registry|config_path" { trust = add(trust, $2) }
    END { print image "\t" trust }' "$1")
  trust_read=${image_read#*"$tab"}
  image_read=${image_read%%"$tab"*}
}

# containerd refuses `config_path` beside the deprecated tables, and ignores certs.d without it. Reads $plan/before.
# Dies with PS-N009.
refuse_conflict() {
  trust_needed && [ -z "$trust_before" ] || return 0
  clash=$(awk -F '\t' '$1 ~ /\|registry\|(mirrors|configs)\|/ && $1 !~ /\|auth\|/ { print $1; exit }' "$plan/before")
  [ -z "$clash" ] ||
    die 009 "$config: containerd refuses $clash together with config_path: move it to $certs/<registry>/hosts.toml first"
}

# Without its CRI plugin containerd runs no Pod, whatever its configuration says of a sandbox image. Reads $plan/before. Dies with
# PS-N024.
refuse_disabled() {
  off=$(strings_of disabled_plugins <"$plan/before" | grep -xE 'cri|io[.]containerd[.](grpc[.]v1[.]cri|cri[.]v1[.](images|runtime))' | head -n 1) || :
  [ -z "$off" ] || die 024 "$config: disabled_plugins holds \"$off\", so the kubelet cannot use this containerd: remove it there and restart containerd"
}

# The socket is derived: nothing is changed before something listens there. Dies with PS-N005.
refuse_deaf() {
  [ -S "$socket" ] || die 005 "$socket, where containerd listens according to $config, is not a socket: see systemctl status containerd"
}

containerd_trust() {
  if ! trust_needed; then return 0; fi
  if asks_ipv6; then refuse_ipv6 "$runtime_version"; fi
  plan_hosts
}

# refuse_ipv6 VERSION: the TOML parser of containerd 1.x allows no closing bracket in the name of a table, and hosts.toml has a table for
# each host. containerd logs that, and goes on without the file. Dies with PS-N022.
refuse_ipv6() {
  case $1 in
    1.*) die 022 "containerd $1 cannot read a hosts.toml with an IPv6 address: give the registry and its mirrors host names, or use containerd 2.x" ;;
  esac
}

# Plans the files of containerd that decide. Reads $plan/before. Sets $target. Writes $plan/base, $new. Dies with PS-N014.
containerd_plan() {
  need_ctr
  refuse_disabled
  refuse_deaf
  refuse_conflict
  say_other_snapshotters
  list_files
  copy_files
  refuse_unversioned
  effective "$plan/try/1.toml" "$plan/base" || die 014 "$config: containerd cannot read a copy of its files ($(cat "$error_file"))"
  parses_for ''
  if [ "$repeat" -gt 1 ]; then
    settled '' '' "$plan/try/1.toml" "$plan/base" ||
      die 014 "$config: containerd reads ${other:-it} differently from one start to the next: keep one of its [plugins.cri] and [plugins.\"io.containerd.grpc.v1.cri\"] tables"
  fi
  # The copy stands for the real files only as long as it reads the same.
  differing "$plan/before" "$plan/base" "$containerd_keys"
  [ -z "$other" ] || refuse_missing_import
  [ -z "$other" ] ||
    die 014 "$config: containerd reads $other differently from a copy of its files ($(tr '\n' ' ' <"$plan/load")): check their imports"
  placed=''
  place image
  real "$(sed -n "${placed}p" "$plan/load")"
  target=$real
  first=$placed
  if trust_needed; then place trust; fi
  for one in $first $placed; do
    cat "$plan/own/$one" >"$new"
    # Both keys in one file: the second time says the same.
    chosen=$(sed -n "${one}p" "$plan/load")
    want "$chosen"
    [ "$first" != "$placed" ] || break
  done
}

# Lets containerd parse what it would start with, and compares key by key with what it read before. Reads $plan/before. Writes
# $plan/after. Dies with PS-N014, PS-N026.
containerd_check() {
  effective "$config" "$plan/after" || refused
  unchanged_but "$containerd_keys"
  our_values "$plan/after"
  taken "$1" "$image_read"
  if [ "$1" ] && trust_needed; then
    taken "$config_path" "$trust_read"
    find_hosts_dir
    [ "$hosts_dir" = "${hosts_at:-"$hosts_dir"}" ] || die 026 "$hosts_dir was made by somebody else during this run, and wins over $hosts_at: see who else manages this node, and run again"
  fi
  # Its order may be another one at its next start.
  [ -n "$1" ] && [ "${repeat:-1}" -gt 1 ] && [ -s "$plan/before" ] || return 0
  settled "$1" "$(if trust_needed; then printf %s "$config_path"; fi)" "$config" "$plan/before" ||
    die 014 "$target: containerd does not read the same from one start to the next (${other:-"$reads"})"
}

containerd_restart() { restart_runtime; }

# Edits in certs.d count at once; where `config_path` is not set yet, `ctr` reads the same directory with containerd's own
# resolver.
containerd_pull() {
  if trust_needed && [ "$trust_before" != "$config_path" ] && [ -z "$configured" ]; then
    ctr_pull "$certs"
  else
    cri_pull
  fi
}

# containerd_without FILE: what is left of a configuration file of containerd's when our keys go: the values of before where
# there were any. Writes $plan/edit.
containerd_without() {
  cp "$1" "$plan/edit"
  for name in $all_tables; do
    key_of image "$name"
    reset_key "$our_key" "$1" "$image_ours"
    key_of trust "$name"
    reset_key "$our_key" "$1" "$config_path"
  done
  cat "$plan/edit"
}

# reset_key KEY FILE OURS: a value that is no longer ours is somebody's decision and stays. Reads $backup. Writes $plan/edit,
# by $plan/list, $plan/edited.
reset_key() {
  toml_list <"$plan/edit" >"$plan/list"
  [ "$(toml_get "$1" <"$plan/list")" = "$3" ] || return 0
  was=''
  # Without a copy of before, the image of then is known all the same.
  case $1 in *sandbox*) [ -e "$backup/root$2" ] || absent "$backup" "$2" || was="\"$previous\"" ;; esac
  if [ -e "$backup/root$2" ]; then
    toml_list <"$backup/root$2" >"$plan/list"
    was=$(value_of "$1" <"$plan/list")
  fi
  if [ "$was" ]; then toml_set "$1" "$was"; else toml_unset "$1"; fi <"$plan/edit" >"$plan/edited"
  mv "$plan/edited" "$plan/edit"
}

ctr_carries() { :; }

# By its own client, in one step: both names, then the pin. What was interrupted has no pin, and is imported again. Its label says so: before
# 1.6.38, CRI tells of no pin.
containerd_heal() {
  # shellcheck disable=SC2016 # the program's dollars
  want_heal "$there_by_cri"' && ctr -a "$socket" -n k8s.io images ls "name==$image" 2>/dev/null | grep -q "pinned=pinned"' \
    "index='$(archive_index "$image" "$(by_digest)" | tr -s ' ')'" \
    'client() { ctr -a "$socket" -n k8s.io images "$@"; }' \
    'case $(client import --help) in *--local*) set -- --local ;; esac' \
    '{ head -c 1536 "$archive"; printf "%-2047s\n" "$index"; tail -c +3585 "$archive"; } |' \
    "  client import \"\$@\" $(ctr_snapshotter) - &&" \
    '  client label "$image" io.cri-containerd.pinned=pinned'
}
