# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# containerd: which file and which key decide its sandbox image, and whether the runtime's own parse agrees.

old_cri='plugins|io.containerd.grpc.v1.cri'
new_cri='plugins|io.containerd.cri.v1.images'

# Reads the unit. Sets $config (the path as the daemon sees it: a link stays a link), $target, $containerd and what `common`
# names. Dies with 005 where the daemon's own file is not known for certain.
containerd_find() {
  loaded containerd ||
    die 005 'no containerd.service that is loaded, and no kind of node that we know: set the sandbox image where its runtime is configured (systemctl status containerd)'
  runtime_name=containerd
  containerd=$(show_path)
  config=$(daemon_option containerd /etc/containerd/config.toml c config)
  case $config in
    *'$'* | [!/]* | '')
      die 005 "containerd's configuration file is '$config', which is no absolute path: start containerd, or write the whole path behind --config in its unit" ;;
  esac
  address=$(daemon_option containerd '' a address)
  target=$(real "$config")
  runtime_version=$("$containerd" --version | awk '{ sub(/^v/, "", $3); sub(/[~+].*/, "", $3); print $3 }')
  case $runtime_version in [12].[0-9]*) ;; *) die 005 "$containerd --version says '$runtime_version': containerd 1.x and 2.x are supported" ;; esac
  reach='*/certs.d/*'
  watched=$config$nl$target$nl${config%/*}$nl${target%/*}$nl$containerd${nl}/etc/systemd/system/containerd.service.d
}

# Where a test keeps its processes.
proc=/proc
address=''

# daemon_option UNIT DEFAULT NAME…: an option of the process that runs, by any of its names without dashes. Where none
# runs, of the unit's command line, which may still hold a variable of systemd's.
daemon_option() {
  pid=$(systemctl show "$1" -p MainPID | sed -n 's/^MainPID=//p')
  standard=$2
  shift 2
  if [ -r "$proc/${pid:-0}/cmdline" ]; then tr '\0' '\n' <"$proc/$pid/cmdline"; else show_argv | tr ' ' '\n'; fi |
    awk -v found="$standard" -v names=" $* " '
      take { found = $0; take = 0; next }
      /^--?[a-z]/ {
        name = $0
        sub(/^--?/, "", name)
        value = name
        sub(/=.*/, "", name)
        if (!index(names, " " name " ")) next
        if (sub(/^[^=]*=/, "", value)) found = value
        else take = 1
      }
      END { print found }'
}

# What a link leads to, also where that is not there yet.
real() { if [ -L "$1" ]; then readlink -f "$1"; else printf '%s\n' "$1"; fi; }

# The runtime's own reading of a configuration file, as `path<TAB>value` lines. Writes $home/error.
effective() {
  # 2.0's `config dump` shows the defaults for a version 2 file although the daemon migrates it.
  case $runtime_version in 2.0.*) parse=migrate ;; *) parse=dump ;; esac
  read_file=$1
  if [ ! -e "$1" ]; then
    read_file=$home/defaults.toml
    skeleton >"$read_file"
  fi
  "$containerd" -c "$read_file" config $parse 2>"$home/error" >"$plan/dump" || return 1
  toml_list <"$plan/dump" >"$home/parse.out" 2>"$home/error" || return 1
  grep -q '^plugins|' "$home/parse.out" || return 1
  cat "$home/parse.out"
}

# The smallest file on which containerd runs as it does without one. From 2.2 on that means a default `imports`.
skeleton() {
  newest_version
  case $runtime_version in 1.*) ;; *) "$containerd" config default | grep '^imports = .*/' || : ;; esac
}
newest_version() { case $runtime_version in 1.*) echo 'version = 2' ;; *) echo 'version = 3' ;; esac; }

# Is this 2.0 to 2.2, which read a file without a version as one of version 1, and have no key of ours for it?
needs_version() { case $runtime_version in 2.[012].*) ;; *) return 1 ;; esac; }

# The tables that may hold our keys, and the keys in them.
all_tables="plugins|cri $old_cri $new_cri"
image_key() { case $1 in "$new_cri") printf %s "$1|pinned_images|sandbox" ;; *) printf %s "$1|sandbox_image" ;; esac; }
trust_key() { printf %s "$1|registry|config_path"; }

# The table that a file of this version has.
table_of() {
  case $1 in
    3 | 4) printf %s "$new_cri" ;;
    2) printf %s "$old_cri" ;;
    # No version means 1; containerd 2.3 and later read a version 2 table there.
    *) case $runtime_version in 2.*) printf %s "$old_cri" ;; *) printf %s 'plugins|cri' ;; esac ;;
  esac
}

# strings_of KEY <LIST: the strings of an array, one a line.
strings_of() {
  awk -F '\t' -v want="$1" '$1 == want {
    s = substr($0, length($1) + 2)
    while (match(s, /"([^"\\]|\\.)*"|\047[^\047]*\047/)) {
      print substr(s, RSTART + 1, RLENGTH - 2)
      s = substr(s, RSTART + RLENGTH)
    }
  }'
}

# Reads the runtime's whole configuration. Sets $socket, $sandbox_before, $trust_before, $certs. Dies with 007.
containerd_read() {
  effective "$config" >"$plan/before" || unreadable "$config"
  socket=${address:-$(toml_get 'plugins|io.containerd.server.v1.grpc|address' <"$plan/before")}
  socket=${socket:-$(toml_get 'grpc|address' <"$plan/before")}
  socket=${socket#unix://}
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

# Without its CRI plugin containerd runs no Pod, whatever its configuration says of a sandbox image.
refuse_disabled() {
  off=$(strings_of disabled_plugins <"$plan/before" | grep -xE 'cri|io\.containerd\.(grpc\.v1\.cri|cri\.v1\.(images|runtime))' | head -n 1) || :
  [ -z "$off" ] ||
    die 024 "$config: disabled_plugins holds \"$off\", so that no kubelet can use this containerd: remove it there and restart containerd"
}

# The socket is derived: nothing is changed before something listens there.
refuse_deaf() {
  [ -S "$socket" ] || die 005 "$socket, where containerd would listen by $config, is no socket: start containerd, or see systemctl status containerd"
}

# Lists every file that containerd reads in $plan/load, in its order: the main file, then what that imports, then what
# those import. Writes $plan/imports (what to watch); sets $dropin, where the main file's imports read a file of ours.
list_files() {
  dropin=''
  : >"$plan/imports"
  printf '%s\n' "$config" >"$plan/queue"
  # 2.2 and later import a directory that no file names.
  always='/etc/containerd/conf.d/*.toml'
  strings_of imports <"$plan/before" >"$plan/one.imports"
  case $runtime_version in
    1.*) ;;
    *) if grep -qxF "$always" "$plan/one.imports"; then expanded "$always" >>"$plan/queue"; fi ;;
  esac
  : >"$plan/load"
  # shellcheck disable=SC2094 # the queue grows while it is read, on purpose
  while IFS= read -r file; do
    if grep -qxF "$file" "$plan/load"; then continue; fi
    printf '%s\n' "$file" >>"$plan/load"
    [ "$file" != "$dropin" ] || continue
    content_of "$file" >"$plan/one"
    toml_list <"$plan/one" >"$plan/one.list"
    strings_of imports <"$plan/one.list" >"$plan/one.imports"
    while IFS= read -r pattern; do
      case $pattern in /*) ;; *) pattern=${file%/*}/$pattern ;; esac
      printf '%s\n' "$pattern" >>"$plan/imports"
      case $runtime_version$file$pattern in 2.*"$config"*/\*.toml) [ "$file" != "$config" ] || dropin=${pattern%/*}/zz-pause-sandbox.toml ;; esac
      expanded "$pattern" >>"$plan/queue"
    done <"$plan/one.imports"
  done <"$plan/queue"
  cat "$plan/load" >>"$plan/imports"
  watched=$watched$nl$(cat "$plan/load")
}

# expanded PATTERN: the files that it means, as Go's Glob has it: `*` matches a dot at the start too, and names are sorted
# by bytes. Without `*` it is a plain name for containerd.
expanded() {
  case $1 in
    *[\\]* | *\**[][?]* | *[][?]*\**) die 014 "$config: the import '$1' is not understood: write it without brackets, question marks and backslashes" ;;
    *\**)
      hidden=$1
      case ${1##*/} in \**) hidden=${1%/*}/.${1##*/} ;; esac
      {
        [ "$1" != "${dropin%/*}/*.toml" ] || printf '%s\n' "$dropin"
        (
          IFS=''
          # shellcheck disable=SC2086 # patterns on purpose
          printf '%s\n' $1 $hidden
        )
      } | LC_ALL=C sort -u | while IFS= read -r one; do
        if [ -f "$one" ] || [ "$one" = "$dropin" ]; then printf '%s\n' "$one"; fi
      done
      ;;
    *) [ ! -f "$1" ] || printf '%s\n' "$1" ;;
  esac
}

# What a file that containerd reads holds without us.
content_of() { base "$(real "$1")"; }

# Copies all that containerd reads to $plan/own/N (as it is) and $plan/try/N.toml (imports in one list of copies), so that
# the runtime can be asked about an edit before anything is changed. Sets $version, $effective_version and $unversioned.
copy_files() {
  rm -rf "$plan/own" "$plan/try"
  mkdir -p "$plan/own" "$plan/try"
  : >"$plan/lists"
  number=0 version='' effective_version='' unversioned=''
  while IFS= read -r file; do
    number=$((number + 1))
    [ "$file" != "$dropin" ] || continue
    content_of "$file" >"$plan/own/$number"
    toml_list <"$plan/own/$number" >"$plan/list"
    if [ "$number" = 1 ] && [ ! -s "$plan/list" ]; then
      # Nothing but comments: any version says the same.
      awk 1 "$plan/own/1" >"$plan/one"
      if [ -s "$plan/one" ]; then newest_version; else skeleton; fi >"$plan/first"
      cat "$plan/one" "$plan/first" >"$plan/own/1"
      toml_list <"$plan/own/1" >"$plan/list"
    fi
    awk -v n="$number" '{ print n "\t" $0 }' "$plan/list" >>"$plan/lists"
    found=$(toml_get version <"$plan/list")
    [ "$number" != 1 ] || version=$found
    effective_version=${found:-$effective_version}
    [ -n "${found#1}" ] || unversioned=1
    toml_unset imports <"$plan/own/$number" >"$plan/try/$number.toml"
  done <"$plan/load"
  cp "$plan/try/1.toml" "$plan/main"
  import_copies
}

# parses_for TABLE: sets $repeat. containerd 2.3 and 2.4 merge an old and a new table in random order; a file without a
# version is asked more than once too.
parses_for() {
  repeat=1
  tables=$(awk -F '\t' '{ split($2, p, "|"); t = p[2]; if (p[1] == "plugins" && (t == "cri" || t ~ /^io\.containerd\.(grpc\.v1\.cri|cri\.v1\.images)$/) && !seen[t]++) print "plugins|" t }' "$plan/lists" &&
    printf '%s\n' "$1")
  tables=$(printf '%s\n' "$tables" | sed '/^$/d' | sort -u | wc -l)
  case $runtime_version in
    1.*) ;;
    *) if [ "$tables" -gt 1 ]; then repeat=20; elif [ "$unversioned" ]; then repeat=3; fi ;;
  esac
}

# Has the copy of the main file import all other copies, in the order of $plan/load.
import_copies() {
  list='' number=0
  while IFS= read -r file; do
    number=$((number + 1))
    if [ "$number" -gt 1 ] && [ -e "$plan/try/$number.toml" ]; then list="$list\"$plan/try/$number.toml\", "; fi
  done <"$plan/load"
  toml_set imports "[$list]" <"$plan/main" >"$plan/try/1.toml"
}

# settled WANTED-IMAGE WANTED-TRUST FILE BASE: has the runtime parse FILE as often as it takes, and compares with BASE; only
# our two keys may differ. Sets $other, a key that differs, and $reads.
settled() {
  other='' reads=''
  round=0
  while [ "$round" -lt "$repeat" ]; do
    round=$((round + 1))
    effective "$3" >"$plan/tried" || return 1
    other=$(awk -F '\t' -v first="$4" '
      BEGIN { while ((getline line < first) > 0) count[line]++ }
      { count[$0]-- }
      END {
        for (line in count) if (count[line]) {
          split(line, part, "\t")
          if (part[1] !~ /^(imports|version)$|[|]sandbox(_image)?$|[|]registry[|]config_path$/) { print part[1]; exit }
        }
      }' "$plan/tried")
    [ -z "$other" ] || return 1
    reads=$(effective_image <"$plan/tried")
    [ -z "$1" ] || [ "$reads" = "$1" ] || return 1
    [ -z "$2" ] || [ "$(effective_trust <"$plan/tried")" = "$2" ] || return 1
  done
}

# attempt KIND-OF-KEY NUMBER TABLE: our value in that file and table, if the runtime then reads it and all else as before.
attempt() {
  case $1 in
    image) key=$(image_key "$3") value=$image trusted='' ;;
    trust) key=$(trust_key "$3") value=$certs trusted=$certs ;;
  esac
  [ -e "$plan/own/$2" ] || printf 'version = %s\n' "${version:-$effective_version}" >"$plan/own/$2"
  rm -rf "$plan/saved"
  cp -R "$plan/try" "$plan/saved"
  if edited "$2" <"$plan/own/$2" >"$plan/one"; then
    toml_unset imports <"$plan/one" >"$plan/try/$2.toml"
    [ "$2" != 1 ] || cp "$plan/try/1.toml" "$plan/main"
    import_copies
    parses_for "$3"
    if settled "$image" "$trusted" "$plan/try/1.toml" "$plan/base"; then
      mv "$plan/one" "$plan/own/$2"
      return 0
    fi
  fi
  rm -rf "$plan/try"
  mv "$plan/saved" "$plan/try"
  toml_unset imports <"$plan/try/1.toml" >"$plan/main"
  return 1
}

# The file on stdin with $key set to $value. Notes an inline table in $inline; dies with 014 when awk fails otherwise.
edited() {
  status=0
  toml_set "$key" "\"$value\"" 2>"$home/error" || status=$?
  case $status in
    0) return 0 ;;
    3) inline="$(sed -n "${1}p" "$plan/load"): $key" ;;
    *) die 014 "$(sed -n "${1}p" "$plan/load"): awk ends with status $status and cannot set $key ($(cat "$home/error"))" ;;
  esac
  return 1
}

# The places where a key can go, `number<TAB>table` a line, best first: a drop-in of ours; where the key is set; where its
# table is; by the version of the main file. The last file that is read comes first.
candidates() {
  {
    [ -z "$dropin" ] || [ -z "$version$effective_version" ] ||
      printf '%s\t%s\n' "$(awk -v d="$dropin" '$0 == d { print NR }' "$plan/load")" "$(table_of "${version:-$effective_version}")"
    for name in $all_tables; do
      case $1 in image) set_there=$(image_key "$name") ;; *) set_there=$(trust_key "$name") ;; esac
      awk -F '\t' -v key="$set_there" -v t="$name" '$2 == key { print $1 "\t" t }' "$plan/lists"
    done | sort -rn
    for name in $all_tables; do
      awk -F '\t' -v t="$name" 'index($2, t "|") == 1 { print $1 "\t" t }' "$plan/lists"
    done | sort -rnu
    for name in "$(table_of "$version")" "$(table_of "$effective_version")" $all_tables; do printf '1\t%s\n' "$name"; done
  } | awk '!seen[$0]++'
}

# place KIND-OF-KEY: tries the candidates in turn, the one of before first. Sets $placed and $place_table; dies with 008 or
# 014, with the node untouched.
place() {
  inline=''
  { [ -z "${placed:-}" ] || printf '%s\t%s\n' "$placed" "$place_table"; candidates "$1"; } | awk '!seen[$0]++' >"$plan/candidates"
  while IFS='	' read -r placed place_table; do
    if attempt "$1" "$placed" "$place_table" </dev/null; then return 0; fi
  done <"$plan/candidates"
  [ -z "$inline" ] || die 008 "$inline lies in an inline table: write it as a [table] first"
  setters=$(awk -F '\t' '$2 ~ /^plugins[|].*(sandbox_image|pinned_images[|]sandbox)$/ { print $1 }' "$plan/lists" | sort -un | while read -r n; do sed -n "${n}p" "$plan/load"; done | tr '\n' ' ')
  die 014 "$config: containerd $runtime_version takes the sandbox image from no place where it can be written (${other:+"$other would change too; "}it reads '${reads:-nothing}', set in ${setters:-no file}): set $image there yourself"
}

# A file without a version is one of version 1 for 2.0 to 2.2, and what it says of plugins counts for nothing or in part.
refuse_unversioned() {
  needs_version || return 0
  [ -z "$effective_version" ] || [ "$effective_version" = 1 ] || return 0
  hint='"version = 3"'
  if grep -qF "	$old_cri|" "$plan/lists"; then hint='"version = 2"'; fi
  if grep -q '	plugins|cri|' "$plan/lists"; then hint='"version = 2" and name its [plugins.cri] tables [plugins."io.containerd.grpc.v1.cri"]'; fi
  die 014 "$config has no version, and containerd $runtime_version does not read a sandbox image there: write $hint at its top"
}

containerd_trust() { ! trust_needed || plan_hosts "$certs"; }

# Plans the files of containerd that decide. Sets $target and $repeat.
containerd_plan() {
  refuse_disabled
  refuse_deaf
  refuse_conflict
  list_files
  copy_files
  refuse_unversioned
  effective "$plan/try/1.toml" >"$plan/base" || die 014 "$config: containerd cannot read a copy of its files ($(cat "$home/error"))"
  parses_for ''
  settled '' '' "$plan/try/1.toml" "$plan/base" ||
    die 014 "$config: containerd reads ${other:-it} differently from one start to the next: keep one of its [plugins.cri] and [plugins.\"io.containerd.grpc.v1.cri\"] tables"
  # The copy stands for the real files only as long as it reads the same.
  repeat=1
  settled '' '' "$plan/try/1.toml" "$plan/before" ||
    die 014 "$config: containerd reads ${other:-it} otherwise from a copy of its files ($(tr '\n' ' ' <"$plan/load")): check their imports"
  placed=''
  place image
  target=$(real "$(sed -n "${placed}p" "$plan/load")")
  first=$placed
  ! trust_needed || place trust
  for one in $first $placed; do
    cat "$plan/own/$one" >"$new"
    # Both keys in one file: the second time says the same.
    want "$(real "$(sed -n "${one}p" "$plan/load")")"
    [ "$first" != "$placed" ] || break
  done
}

# Lets containerd parse what it would start with, and compares key by key with what it read before.
containerd_check() {
  effective "$config" >"$plan/after" || refused
  unchanged_but '^(imports|version)$|[|]sandbox(_image)?$|[|]registry[|]config_path$'
  taken "$1" "$(effective_image <"$plan/after")"
  [ -z "$1" ] || ! trust_needed || taken "$certs" "$(effective_trust <"$plan/after")"
  # Its order may be another one at its next start.
  [ -n "$1" ] && [ "${repeat:-1}" -gt 1 ] && [ -s "$plan/before" ] || return 0
  settled "$1" "$(! trust_needed || printf %s "$certs")" "$config" "$plan/before" ||
    die 014 "$target: containerd does not read the same from one start to the next (${other:-"$reads"})"
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
  for name in $all_tables; do
    reset_key "$(image_key "$name")" "$1" "$image_ours"
    reset_key "$(trust_key "$name")" "$1" "$certs"
  done
  cat "$plan/edit"
}

# A value that is no longer ours is somebody's decision and stays.
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
