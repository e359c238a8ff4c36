# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# containerd: which file and which key decide its sandbox image, and whether the runtime's own parse agrees.

old_cri='plugins|io.containerd.grpc.v1.cri'
new_cri='plugins|io.containerd.cri.v1.images'

containerd_find() {
  loaded containerd ||
    die 005 'no containerd.service that is loaded, and no kind of node that we know: set the sandbox image where its runtime is configured (systemctl status containerd)'
  runtime_name=containerd
  containerd=$(show_path)
  config=$(option_of /etc/containerd/config.toml -c --config)
  target=$config
  # A link is followed: replacing it by a file would cut it.
  [ ! -L "$config" ] || config=$(readlink -f "$config")
  runtime_version=$("$containerd" --version | awk '{ sub(/^v/, "", $3); sub(/[~+].*/, "", $3); print $3 }')
  reach='*/certs.d/*'
  watched=$config$nl${config%/*}$nl$containerd${nl}/etc/systemd/system/containerd.service.d
}

# The runtime's own reading of a configuration file, as `path<TAB>value` lines.
effective() {
  # 2.0's `config dump` shows the defaults for a version 2 file although the daemon migrates it.
  case $runtime_version in 2.0.*) parse=migrate ;; *) parse=dump ;; esac
  file=$1
  if [ ! -e "$1" ]; then
    file=$home/defaults.toml
    skeleton >"$file"
  fi
  "$containerd" -c "$file" config $parse 2>"$home/error" | toml_list >"$home/parse.out"
  # A pipe's status is its last part's: an unreadable file shows as no configuration at all.
  grep -q '^plugins|' "$home/parse.out" || return 1
  cat "$home/parse.out"
}

# The smallest file on which containerd runs as it does without one. From 2.2 on that means a default `imports`.
skeleton() {
  case $runtime_version in
    1.*) echo 'version = 2' ;;
    *)
      echo 'version = 3'
      "$containerd" config default | grep '^imports = .*/' || :
      ;;
  esac
}

# The paths of our two keys as a file of this version writes them: $key_image, $key_trust.
keys_of() {
  case $1 in
    3 | 4) key_image="$new_cri|pinned_images|sandbox" table=$new_cri ;;
    2) key_image="$old_cri|sandbox_image" table=$old_cri ;;
    *)
      # No version means 1; containerd 2.3 and later read a version 2 table there.
      table='plugins|cri'
      case $runtime_version in 2.*) table=$old_cri ;; esac
      key_image="$table|sandbox_image"
      ;;
  esac
  key_trust="$table|registry|config_path"
}

# The files that the main file imports, in order; globs as they stand.
imports_of() {
  toml_list <"$1" | awk -F '\t' '$1 == "imports" { print $2 }' | tr ',' '\n' | sed "s/^[][ \"']*//; s/[][ \"']*\$//; /^\$/d" |
    while IFS= read -r one; do
      case $one in /*) printf '%s\n' "$one" ;; *) printf '%s/%s\n' "${config%/*}" "$one" ;; esac
    done
}

containerd_read() {
  effective "$config" >"$plan/before" || unreadable "$config"
  socket=$(toml_get 'grpc|address' <"$plan/before")
  socket=${socket:-/run/containerd/containerd.sock}
  sandbox_before=$(effective_image <"$plan/before")
  trust_before=$(effective_trust <"$plan/before")
  # One directory: 2.1 to 2.4 read a colon-separated list as one odd name.
  certs=${trust_before%%:*}
  certs=${certs:-/etc/containerd/certs.d}
}
effective_image() { awk -F '\t' -v k="$old_cri|sandbox_image" -v l="$new_cri|pinned_images|sandbox" '$1 == k || $1 == l { print substr($2, 2, length($2) - 2) }'; }
effective_trust() { awk -F '\t' -v k="$old_cri|registry|config_path" -v l="$new_cri|registry|config_path" '$1 == k || $1 == l { print substr($2, 2, length($2) - 2) }'; }

# containerd refuses `config_path` beside the deprecated tables, and ignores certs.d without it.
refuse_conflict() {
  trust_needed && [ -z "$trust_before" ] || return 0
  clash=$(awk -F '\t' '$1 ~ /\|registry\|(mirrors|configs)\|/ && $1 !~ /\|auth\|/ { print $1; exit }' "$plan/before")
  [ -z "$clash" ] ||
    die 009 "$config: $clash cannot stand beside config_path: move it to $certs/<registry>/hosts.toml first"
}

# Chooses the file whose word counts: $target. On 1.x the last file that has the CRI table replaces all before it; on 2.x
# a drop-in of ours where the main file's imports read one, else the last file that sets the key.
choose_target() {
  target=$config
  dropin=''
  [ -e "$config" ] || return 0
  imports_of "$plan/main" >"$plan/imports"
  while IFS= read -r pattern; do
    case $runtime_version$pattern in 2.*/\*.toml) dropin=${pattern%/*}/zz-pause-sandbox.toml ;; esac
    for file in $pattern; do
      if [ ! -f "$file" ] || [ "$file" = "$dropin" ]; then continue; fi
      case $runtime_version in 1.*) sets=$table ;; *) sets=$key_image ;; esac
      toml_list <"$file" | grep -qF "$sets|" || toml_list <"$file" | grep -qF "$sets	" || continue
      target=$file
    done
  done <"$plan/imports"
  [ -z "$dropin" ] || [ -z "$version" ] || target=$dropin
}

containerd_trust() { ! trust_needed || plan_hosts "$certs"; }

containerd_plan() {
  refuse_conflict
  base "$config" >"$plan/main"
  version=$(toml_list <"$plan/main" | toml_get version)
  keys_of "$version"
  choose_target
  base "$target" >"$plan/edit"
  if [ "$target" = "$dropin" ]; then
    printf 'version = %s\n' "$version" >"$plan/edit"
  elif [ ! -s "$plan/edit" ]; then
    skeleton >"$plan/edit"
    keys_of "$(toml_list <"$plan/edit" | toml_get version)"
  fi
  edit_key "$key_image" "\"$image\""
  ! trust_needed || edit_key "$key_trust" "\"$certs\""
  cat "$plan/edit" >"$new"
  want "$target"
}

edit_key() {
  toml_set "$1" "$2" <"$plan/edit" >"$plan/edited" ||
    die 008 "$target: $1 lies in an inline table: write it as a [table] first"
  mv "$plan/edited" "$plan/edit"
}

# Lets containerd parse what it would start with, and compares key by key with what it read before.
containerd_check() {
  effective "$config" >"$plan/after" || refused
  unchanged_but '^(imports|version)$|\|sandbox(_image)?$|\|registry\|config_path$'
  taken "$1" "$(effective_image <"$plan/after")"
  [ -z "$1" ] || ! trust_needed || taken "$certs" "$(effective_trust <"$plan/after")"
}

containerd_restart() {
  restart containerd || die 015 'containerd does not restart: see systemctl status containerd'
  within 60 cri version || die 015 "containerd does not answer on $socket after its restart: see journalctl -u containerd"
}

# Edits in certs.d count at once; where `config_path` is not set yet, `ctr` reads the same directory with containerd's own
# resolver.
containerd_pull() {
  if trust_needed && [ "$trust_before" != "$certs" ] && [ -z "$configured" ]; then
    ctr_pull "$certs"
  else
    cri_pull
  fi
}

# What is left of a configuration file of containerd's when our keys go: the values of before where there were any.
containerd_without() {
  cp "$1" "$plan/edit"
  version=$(toml_list <"$plan/edit" | toml_get version)
  keys_of "$version"
  reset_key "$key_image" "$1" "$image_ours"
  reset_key "$key_trust" "$1" "$certs"
  cat "$plan/edit"
}

# A value that is no longer ours is somebody's decision and stays.
reset_key() {
  [ "$(toml_list <"$plan/edit" | toml_get "$1")" = "$3" ] || return 0
  was=''
  # Without a copy of before, the image of then is known all the same.
  case $1 in *sandbox*) [ -e "$backup/root$2" ] || absent "$backup" "$2" || was="\"$previous\"" ;; esac
  [ ! -e "$backup/root$2" ] || was=$(toml_list <"$backup/root$2" | awk -F '\t' -v k="$1" '$1 == k { print $2 }')
  if [ "$was" ]; then toml_set "$1" "$was"; else toml_unset "$1"; fi <"$plan/edit" >"$plan/edited"
  mv "$plan/edited" "$plan/edit"
}
