# shellcheck shell=sh
# containerd: which file and which key decide its sandbox image, and whether the runtime's own parse agrees.

# Where the sandbox image is set: `sandbox_image` in the old table, of configuration version 2, which 1.x writes and 2.x still
# reads; `sandbox` in `pinned_images` of the new table, from version 3 on, which 2.x writes. On 1.x it goes into the main file.
# On 2.x it goes into zz-pause-sandbox.toml in a directory that the main file imports, else into the file that decides
# (`place` in containerd-files.sh).
old_cri='plugins|io.containerd.grpc.v1.cri'
new_cri='plugins|io.containerd.cri.v1.images'

# Reads the unit and its process. Sets $config (the path as the daemon sees it: a link stays a link), $target, $containerd,
# $address, $runtime_name, $runtime_version, $reach, $watched. Dies with PS-N005 where the daemon's own file is not known for
# certain.
containerd_find() {
  loaded containerd ||
    die 005 'no containerd.service is loaded, and this is no other supported kind of node: set the sandbox image where its runtime is configured (systemctl status containerd)'
  runtime_name=containerd
  program_of containerd
  containerd=$program
  words_of containerd
  config=$(option_in "$run_words" /etc/containerd/config.toml c config)
  case $config in
    *'$'* | [!/]* | '')
      die 005 "containerd's configuration file is '$config', which is not an absolute path: start containerd, or give --config an absolute path in its unit" ;;
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
# $home/defaults.toml, $plan/dump, $home/error.
effective() {
  # 2.0's `config dump` shows the defaults for a version 2 file although the daemon migrates it.
  case $runtime_version in 2.0.*) parse=migrate ;; *) parse=dump ;; esac
  read_file=$1
  if [ ! -e "$1" ]; then
    read_file=$home/defaults.toml
    skeleton >"$read_file"
  fi
  bounded 60 "$containerd" -c "$read_file" config $parse 2>"$home/error" >"$plan/dump" || return 1
  toml_list <"$plan/dump" >"$2" 2>"$home/error" || return 1
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

# Is this 2.0 to 2.2, which read a file without a version as one of version 1, and have no key of ours for it?
needs_version() { case $runtime_version in 2.[012].*) ;; *) return 1 ;; esac; }

# The tables that may hold our keys, and the keys in them.
all_tables="plugins|cri $old_cri $new_cri"

# The keys that may differ afterwards: ours, and what says where they stand.
containerd_keys='^(imports|version|plugins[|](cri|io[.]containerd[.]grpc[.]v1[.]cri)[|]sandbox_image|plugins[|]io[.]containerd[.]cri[.]v1[.]images[|]pinned_images[|]sandbox|plugins[|](cri|io[.]containerd[.]grpc[.]v1[.]cri|io[.]containerd[.]cri[.]v1[.]images)[|]registry[|]config_path)$'

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
  keeps=1
  while [ "$keeps" ] && IFS= read -r line; do
    case $line in *"|discard_unpacked_layers${tab}true") keeps='' ;; esac
  done <"$plan/before"
  if [ "$keeps" ]; then return 0; fi
  awk -F '\t' '
    $1 ~ /[|]containerd[|]snapshotter$|^plugins[|]io[.]containerd[.]cri[.]v1[.]images[|]snapshotter$/ { common = $2 }
    $1 ~ /[|]runtimes[|][^|]*[|]snapshotter$/ { n = split($1, part, "|"); own[part[n - 1]] = $2 }
    END { for (name in own) if (own[name] !~ /^(""|\047\047)$/ && own[name] != common) print name }' "$plan/before" >"$plan/handlers"
  while IFS= read -r name; do
    say "the runtime handler $name has a snapshotter of its own, and discard_unpacked_layers is true: its Pods may not find the image"
  done <"$plan/handlers"
}

# Reads the runtime's whole configuration. Sets $socket, $sandbox_before, $trust_before, $config_path (as it
# is to be), $certs (its first directory). Writes $plan/before.
containerd_read() {
  effective "$config" "$plan/before" || unreadable "$config"
  socket=${address:-$(toml_get 'plugins|io.containerd.server.v1.grpc|address' <"$plan/before")}
  socket=${socket:-$(toml_get 'grpc|address' <"$plan/before")}
  socket=${socket#unix://}
  socket=${socket:-/run/containerd/containerd.sock}
  our_values "$plan/before"
  sandbox_before=$image_read trust_before=$trust_read
  # 2.1 to 2.4 read a colon-separated list as one odd name, but where CRI itself pulls.
  config_path=${trust_before:-/etc/containerd/certs.d}
  certs=${config_path%%:*}
  case $runtime_version in
    1.* | 2.0.*) ;;
    *)
      [ "$config_path" = "$certs" ] || [ "$(toml_get "$new_cri|use_local_image_pull" <"$plan/before")" = true ] || config_path=$certs
      ;;
  esac
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

# Without its CRI plugin containerd runs no Pod, whatever its configuration says of a sandbox image. Reads $plan/before.
# Writes $plan/disabled. Dies with PS-N024.
refuse_disabled() {
  strings_of disabled_plugins <"$plan/before" >"$plan/disabled"
  while IFS= read -r off; do
    case $off in
      cri | io.containerd.grpc.v1.cri | io.containerd.cri.v1.images | io.containerd.cri.v1.runtime)
        die 024 "$config: disabled_plugins holds \"$off\", so the kubelet cannot use this containerd: remove it there and restart containerd" ;;
    esac
  done <"$plan/disabled"
}

# The socket is derived: nothing is changed before something listens there. Dies with PS-N005.
refuse_deaf() {
  [ -S "$socket" ] || die 005 "$socket, where containerd listens according to $config, is not a socket: start containerd, or see systemctl status containerd"
}

containerd_trust() { if trust_needed; then plan_hosts; fi; }

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
  effective "$plan/try/1.toml" "$plan/base" || die 014 "$config: containerd cannot read a copy of its files ($(cat "$home/error"))"
  parses_for ''
  if [ "$repeat" -gt 1 ]; then
    settled '' '' "$plan/try/1.toml" "$plan/base" ||
      die 014 "$config: containerd reads ${other:-it} differently from one start to the next: keep one of its [plugins.cri] and [plugins.\"io.containerd.grpc.v1.cri\"] tables"
  fi
  # The copy stands for the real files only as long as it reads the same.
  differing "$plan/before" "$plan/base"
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

# Restarts containerd, and waits until it answers. Dies with PS-N015.
containerd_restart() {
  restart containerd || die 015 'containerd does not restart: see systemctl status containerd'
  within 60 cri version || die 015 "containerd does not answer on $socket after its restart: see journalctl -u containerd"
}

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
    was=$(awk -F '\t' -v k="$1" '$1 == k { print $2 }' "$plan/list")
  fi
  if [ "$was" ]; then toml_set "$1" "$was"; else toml_unset "$1"; fi <"$plan/edit" >"$plan/edited"
  mv "$plan/edited" "$plan/edit"
}

# Its units, the restarted one first; the unit of its process; what a sandbox runs on; who names its images.
containerd_units() { printf '%s\n' containerd; }
containerd_daemon() { printf '%s\n' containerd; }
containerd_seen() { cri_seen; }
containerd_namer() { echo ctr; }

# What keeps it from serving any Pod.
containerd_serves() {
  refuse_disabled
  refuse_deaf
}

containerd_lists() { list_files; }
containerd_reaches() { told_hosts; }
containerd_home() { root=$(toml_get root <"$plan/before") && echo "${root:-/var/lib/containerd}"; }
containerd_pulls() { containerd_daemon; }
