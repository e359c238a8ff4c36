# shellcheck shell=sh
# containerd's files: which of them count, asked of containerd itself on a copy, before anything is changed.

# Lists every file that containerd reads, in its order: the main file, then what that imports, then what those import. Sets
# $dropin, $dropin_number, $watched. Writes that list, $plan/load, the content of file N, $plan/own/N, and its keys, $plan/keys/N,
# what to watch, $plan/imports, and on the way $plan/queue, $plan/one.imports.
list_files() {
  dropin='' dropin_number='' number=0
  mkdir -p "$plan/own" "$plan/keys" "$plan/try"
  : >"$plan/imports"
  lines "$config" >"$plan/queue"
  # 2.2 and later import a directory that no file names.
  always='/etc/containerd/conf.d/*.toml'
  strings_of imports <"$plan/before" >"$plan/one.imports"
  case $runtime_version in
    1.*) ;;
    *) if listed "$always" "$plan/one.imports"; then expanded "$always" >>"$plan/queue"; fi ;;
  esac
  : >"$plan/load"
  # shellcheck disable=SC2094 # the queue grows while it is read, on purpose
  while IFS= read -r file; do
    if listed "$file" "$plan/load"; then continue; fi
    lines "$file" >>"$plan/load"
    lines "$file" >>"$plan/imports"
    watched=$watched$nl$file
    number=$((number + 1))
    content_of "$file" >"$plan/own/$number"
    toml_list <"$plan/own/$number" >"$plan/keys/$number"
    if [ "$file" = "$dropin" ]; then
      dropin_number=$number
      continue
    fi
    strings_of imports <"$plan/keys/$number" >"$plan/one.imports"
    while IFS= read -r pattern; do
      case $pattern in /*) ;; *) pattern=${file%/*}/$pattern ;; esac
      lines "$pattern" >>"$plan/imports"
      note_dropin "$file" "$pattern"
      expanded "$pattern" >>"$plan/queue"
    done <"$plan/one.imports"
  done <"$plan/queue"
}

# Names an import that is not there: containerd says nothing of it, and reads no import behind it. Reads $plan/imports. Dies with
# PS-N014.
refuse_missing_import() {
  while IFS= read -r path; do
    case $path in *[*?[]*) continue ;; esac
    [ -e "$path" ] || die 014 "$config imports $path, which does not exist: containerd then reads no import behind it; take it out of imports, or put the file there"
  done <"$plan/imports"
}

# note_dropin FILE PATTERN: where the main file imports a directory, and containerd lets that count, ours can go there. Sets
# $dropin.
note_dropin() {
  [ "$1" = "$config" ] || return 0
  case $runtime_version in 2.*) ;; *) return 0 ;; esac
  case $2 in */\*.toml) dropin=${2%/*}/zz-pause-sandbox.toml ;; esac
}

# expanded PATTERN: the files that it means, as Go's Glob has it: `*` matches a dot at the start too, and names are sorted by
# bytes. Without `*` it is a plain name for containerd. Dies with PS-N014.
expanded() {
  case $1 in
    *[\\]* | *\**[][?]* | *[][?]*\**) die 014 "$config: the import '$1' is not understood: write it without brackets, question marks and backslashes" ;;
    *\**)
      hidden=$1
      case ${1##*/} in \**) hidden=${1%/*}/.${1##*/} ;; esac
      {
        [ "$1" != "${dropin%/*}/*.toml" ] || lines "$dropin"
        (
          IFS=''
          # shellcheck disable=SC2086 # patterns on purpose
          lines $1 $hidden
        )
      } | LC_ALL=C sort -u | while IFS= read -r one; do
        if [ -f "$one" ] || [ "$one" = "$dropin" ]; then lines "$one"; fi
      done
      ;;
    *) [ ! -f "$1" ] || lines "$1" ;;
  esac
}

# What a file that containerd reads holds without us.
content_of() {
  real "$1"
  base "$real"
}

# Copies all that containerd reads, as it is and with its imports in one list of copies, so that the runtime can be asked
# about an edit before anything is changed. Reads $plan/load. Sets $version, $effective_version, $unversioned. Writes
# $plan/own/N ($plan/own/1 is the main file), $plan/keys/1, $plan/try/N.toml, $plan/lists, and on the way $plan/one, $plan/head.
copy_files() {
  : >"$plan/lists"
  number=0 version='' effective_version='' unversioned=''
  while IFS= read -r file; do
    number=$((number + 1))
    # Ours is made when it is needed; with what somebody added to it, it is a file like any other.
    if [ "$file" = "$dropin" ] && [ ! -s "$plan/own/$number" ]; then rm -f "$plan/own/$number" && continue; fi
    if [ "$number" = 1 ] && [ ! -s "$plan/keys/1" ]; then
      # Nothing but comments: any version says the same.
      awk 1 "$plan/own/1" >"$plan/one"
      if [ -s "$plan/one" ]; then newest_version; else skeleton; fi >"$plan/head"
      cat "$plan/one" "$plan/head" >"$plan/own/1"
      toml_list <"$plan/own/1" >"$plan/keys/1"
    fi
    found=$(awk -F '\t' -v n="$number" -v lists="$plan/lists" '{ print n "\t" $0 >>lists } $1 == "version" { v = $2 } END { print v }' "$plan/keys/$number")
    [ "$number" != 1 ] || version=$found
    effective_version=${found:-$effective_version}
    [ -n "${found#1}" ] || unversioned=1
    toml_unset imports <"$plan/own/$number" >"$plan/try/$number.toml"
  done <"$plan/load"
  cp "$plan/try/1.toml" "$plan/main"
  import_copies
}

# parses_for TABLE: containerd 2.3 and 2.4 merge an old and a new table in random order; a file without a version is asked
# more than once too. Reads $plan/lists. Sets $repeat.
parses_for() {
  repeat=1
  tables=$(awk -F '\t' -v more="$1" -v known="$all_tables" '
    function take(table) { if (index(" " known " ", " " table " ") && !seen[table]++) count++ }
    { split($2, part, "|"); take(part[1] "|" part[2]) }
    END { take(more); print count + 0 }' "$plan/lists")
  case $runtime_version in
    1.*) ;;
    *) if [ "$tables" -gt 1 ]; then repeat=20; elif [ "$unversioned" ]; then repeat=3; fi ;;
  esac
}

# Has the copy of the main file import all other copies, in the order of $plan/load. Writes $plan/try/1.toml.
import_copies() {
  list='' number=0
  while IFS= read -r file; do
    number=$((number + 1))
    if [ "$number" -gt 1 ] && [ -e "$plan/try/$number.toml" ]; then list="$list\"$plan/try/$number.toml\", "; fi
  done <"$plan/load"
  toml_set imports "[$list]" <"$plan/main" >"$plan/try/1.toml"
}

# settled WANTED-IMAGE WANTED-TRUST FILE BASE: has the runtime parse FILE as often as it takes, and compares with BASE; only
# our two keys may differ. Sets $other, a key that differs, and $reads. Writes $plan/tried.
settled() {
  other='' reads=''
  round=0
  while [ "$round" -lt "$repeat" ]; do
    round=$((round + 1))
    effective "$3" "$plan/tried" || return 1
    differing "$4" "$plan/tried" "$containerd_keys"
    [ -z "$other" ] || return 1
    our_values "$plan/tried"
    reads=$image_read
    [ -z "$1" ] || [ "$reads" = "$1" ] || return 1
    [ -z "$2" ] || [ "$trust_read" = "$2" ] || return 1
  done
}

# attempt KIND-OF-KEY NUMBER TABLE: our value in that file and table, if the runtime then reads it and all else as before.
# Writes $plan/own/NUMBER, $plan/try/NUMBER.toml, and on the way $plan/saved, $plan/one, $plan/main.
attempt() {
  key_of "$1" "$3"
  case $1 in
    image) value=$image trusted='' ;;
    trust) value=$config_path trusted=$config_path ;;
  esac
  [ -e "$plan/own/$2" ] || printf 'version = %s\n' "${version:-$effective_version}" >"$plan/own/$2"
  if [ -e "$plan/saved" ]; then rm -rf "$plan/saved"; fi
  cp -R "$plan/try" "$plan/saved"
  if edited "$2" "$our_key" "$value" <"$plan/own/$2" >"$plan/one"; then
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

# edited NUMBER KEY VALUE: the file on stdin with KEY set to VALUE, which fails in an inline table. Sets $inline to the place
# of that. Writes $error_file. Dies with PS-N014 when awk fails otherwise.
edited() {
  status=0
  toml_set "$2" "\"$3\"" 2>"$error_file" || status=$?
  case $status in
    0) return 0 ;;
    3) inline="$(sed -n "${1}p" "$plan/load"): $2" ;;
    *) die 014 "$(sed -n "${1}p" "$plan/load"): awk ends with status $status and cannot set $2 ($(cat "$error_file"))" ;;
  esac
  return 1
}

# The places where a key can go, `number<TAB>table` a line, best first: a drop-in of ours; where the key is set; where its
# table is; by the version of the main file. The last file that is read comes first.
candidates() {
  if [ "$dropin" ] && [ "$version$effective_version" ]; then
    table_of "${version:-$effective_version}"
    printf '%s\t%s\n' "$dropin_number" "$table"
  fi
  set_there=''
  for name in $all_tables; do
    key_of "$1" "$name"
    set_there="$set_there $our_key"
  done
  awk -F '\t' -v tables="$all_tables" -v keys="$set_there" '
    BEGIN { n = split(tables, table, " "); split(keys, key, " ") }
    { for (i = 1; i <= n; i++) if ($2 == key[i]) print $1 "\t" table[i] }' "$plan/lists" | sort -rn
  awk -F '\t' -v tables="$all_tables" '
    BEGIN { n = split(tables, table, " ") }
    { for (i = 1; i <= n; i++) if (index($2, table[i] "|") == 1) { there[$1, i]; if ($1 > last) last = $1 + 0 } }
    END { for (; last > 0; last--) for (i = 1; i <= n; i++) if ((last, i) in there) { print last "\t" table[i]; break } }' "$plan/lists"
  for value in "$version" "$effective_version"; do
    table_of "$value"
    printf '1\t%s\n' "$table"
  done
  for name in $all_tables; do printf '1\t%s\n' "$name"; done
}

# place KIND-OF-KEY: tries the candidates in turn, the one of before first. Sets $placed, $place_table. Writes
# $plan/candidates. Dies with PS-N008, PS-N014, with the node untouched.
place() {
  inline='' tried=''
  if [ "${placed:-}" ]; then
    if attempt "$1" "$placed" "$place_table" </dev/null; then return 0; fi
    tried=$placed$tab$place_table
  fi
  candidates "$1" | awk -v tried="$tried" '$0 != tried && !seen[$0]++' >"$plan/candidates"
  while IFS='	' read -r placed place_table; do
    if attempt "$1" "$placed" "$place_table" </dev/null; then return 0; fi
  done <"$plan/candidates"
  [ -z "$inline" ] || die 008 "$inline lies in an inline table: write it as a [table] first"
  setters=$(awk -F '\t' '$2 ~ /^plugins[|].*(sandbox_image|pinned_images[|]sandbox)$/ { print $1 }' "$plan/lists" | sort -un | while read -r n; do sed -n "${n}p" "$plan/load"; done | tr '\n' ' ')
  die 014 "$config: containerd $runtime_version reads the sandbox image from no place that the script can edit (${other:+"$other would change too; "}it reads '${reads:-nothing}', set in ${setters:-no file}): set $image there yourself"
}

# A file without a version is one of version 1 for 2.0 to 2.2. They have no key of ours for it, and what it says of plugins counts for
# nothing or in part. Dies with PS-N014.
refuse_unversioned() {
  case $runtime_version in 2.[012].*) ;; *) return 0 ;; esac
  [ -z "$effective_version" ] || [ "$effective_version" = 1 ] || return 0
  hint='"version = 3"'
  if grep -qF "	$old_cri|" "$plan/lists"; then hint='"version = 2"'; fi
  if grep -q '	plugins|cri|' "$plan/lists"; then hint='"version = 2" and name its [plugins.cri] tables [plugins."io.containerd.grpc.v1.cri"]'; fi
  die 014 "$config has no version, and containerd $runtime_version does not read a sandbox image there: write $hint at its top"
}
