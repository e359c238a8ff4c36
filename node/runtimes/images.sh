# shellcheck shell=sh
# Images: what the runtime has under its names. A run that does not count leaves every name as it was: the tag, and what a pull
# makes beside it, `repository@digest` and CRI's `sha256:…`. Bytes without a name may stay: the runtime collects them.
#
#   journal/names   before the first pull, a line per name: name, what it stands for, its media type, whether it is pinned
#   journal/pull    whose names these are: the tool that tells, its socket, the image, the digest that was asked for
#
# CRI has no call that gives a name, and containerd's takes all names of the same image away. containerd has `ctr` for it, docker
# its own command line. CRI-O cannot give a name; it takes away the one that it is asked for.

# The digest that a first pull by tag got: a second one gets the same.
fixed=''

# Docker knows a carried image without a tag by its ID alone: this one.
carried_as=''

# What is pulled: by digest where that is known, since a tag may lead elsewhere by then.
by_digest() {
  if [ "$carried_as" ]; then
    printf %s "$carried_as"
    return 0
  fi
  case ${digest:-$fixed} in
    '') printf %s "$image" ;;
    *) printf %s "${image%:*}@${digest:-$fixed}" ;;
  esac
}

# Notes what the runtime has before its images change. Reads the runtime's images. Writes $journal/names,
# by $journal/names.new, and $journal/pull.
note_names() {
  "${namer}_names" >"$journal/names.new" || pull_failed
  lines "$namer" "$socket" "$image" "$digest" >"$journal/pull"
  sync_files "$journal/names.new" "$journal/pull"
  mv -f "$journal/names.new" "$journal/names"
}

# Every name stands for what it stood for before the first pull. Called where `set -e` is off. Reads $journal/pull,
# $journal/names. Changes the runtime's images. Sets $namer, $socket, $noted_image, $noted_digest.
names_back() {
  [ -e "$journal/names" ] || return 0
  {
    read -r namer
    read -r socket
    read -r noted_image
    read -r noted_digest
  } <"$journal/pull"
  # The runtime may just have been restarted.
  within 30 names_restored || return 1
  if [ "$namer" = crio ]; then crio_moved; fi
}

# Does what is left to do, and looks whether that was all. Changes the runtime's images.
names_restored() {
  left=$(names_left) || return 1
  [ "$left" ] || return 0
  lines "$left" | while IFS=$tab read -r verb name stood_for type; do
    "${namer}_$verb" "$name" "$stood_for" "$type" || exit 1
  done || return 1
  left=$(names_left) && [ -z "$left" ]
}

# What is left to do, as names_differ has it. Reads the runtime's images, $journal/names.
names_left() {
  now=$("${namer}_names") || return 1
  lines "$now" | names_differ "$journal/names" "$noted_image" "$noted_digest" "$namer"
}

# names_differ BEFORE IMAGE DIGEST NAMER <NOW: what to do for every name of a run to be as BEFORE has it, a line each:
#   point<TAB>NAME<TAB>TARGET<TAB>TYPE   pin<TAB>NAME<TAB>pinned, or nothing   forget<TAB>NAME
# Others pull at the same time: of what is new, only names of the bytes that this run pulled count, and not even those where
# somebody else has pulled the same.
names_differ() {
  awk -F '\t' -v tag="$2" -v digest="$3" -v namer="$4" '
    FILENAME == ARGV[1] { before[$1] = $2; type[$1] = $3; pin[$1] = $4; next }
    NF { now[$1] = $2; pin_now[$1] = $4 }
    END {
      repository = tag
      sub(/:[^:\/]*$/, "@", repository)
      if (tag in now) came[now[tag]]
      if ((repository digest) in now) came[now[repository digest]]
      # Without a name yet: what came with the script.
      if (digest in now) came[now[digest]]
      for (name in now) if (!made(name) && now[name] != before[name]) theirs[now[name]]
      if ((tag in before) && !(tag in now)) point(tag)
      for (name in now) {
        if (name != tag && (!made(name) || !(now[name] in came) || (now[name] in theirs))) continue
        if (!(name in before)) forget = forget "forget\t" name "\n"
        else if (now[name] != before[name]) point(name)
        if ((name in before) && pin[name] != pin_now[name]) print "pin\t" name "\t" pin[name]
      }
      # No moment without a name that was there.
      printf "%s", forget
    }
    function made(name) { return name == tag || index(name, repository) == 1 || name ~ /^sha256:/ }
    function point(name) { if (namer != "crio") print "point\t" name "\t" before[name] "\t" type[name] }' "$1" -
}

# k3s brings its own.
need_ctr() { command -v k3s >/dev/null || need_tool ctr 'install it, it comes with containerd'; }

# containerd_ctr ARGUMENT…: k3s brings its own, under its own name. Changes what its arguments say. Writes $error_file.
containerd_ctr() {
  limit=60
  [ "$2" != pull ] || limit=$pulling
  set -- -a "$socket" -n k8s.io "$@"
  if command -v ctr >/dev/null; then bounded "$limit" ctr "$@"; else bounded "$limit" k3s ctr "$@"; fi 2>"$error_file"
}

# ctr_local COMMAND ARGUMENT…: what ctr does with images by itself. From 2.0 on it has the daemon do it, unless it is told
# otherwise, and that one forgets the labels; 1.6 has no other way, and no flag. Changes the runtime's images.
ctr_local() {
  command=$1
  shift
  case $(containerd_ctr images "$command" --help) in *--local*) set -- --local "$@" ;; esac
  containerd_ctr images "$command" "$@" >/dev/null
}

# Imports a carried image under the name of its digest. Changes the runtime's images. Writes $journal/carried.tar.
ctr_carry() {
  named_archive "$(by_digest)" >"$journal/carried.tar"
  option=$(ctr_snapshotter)
  ctr_local import ${option:+"$option"} "$journal/carried.tar"
}

# The names that containers run on. Reads the runtime.
ctr_used() {
  listed=$(containerd_ctr containers ls) || return 1
  lines "$listed" | awk 'NR > 1 { print $2 }'
}

# Reads the runtime's images.
ctr_names() {
  listed=$(containerd_ctr images ls) || return 1
  lines "$listed" | awk -v OFS='\t' '
    NR > 1 { print $1, $3, $2, ($0 ~ /[ ,]io\.cri-containerd\.pinned=pinned(,|[ ]*$)/ ? "pinned" : "") }'
}

# ctr_target NAME: the digest that a name stands for, and its media type; nothing where it is not there. Reads the runtime's
# images.
ctr_target() {
  found=$(ctr_names) || return 1
  lines "$found" | awk -F '\t' -v name="$1" '$1 == name { print $2 " " $3 }'
}

# Gives the name to the bytes that were pulled by digest, and has CRI keep them: CRI itself would pin at a pull after its
# restart. With the labels that it writes it has nothing to correct, and so puts nothing back that changes meanwhile. Changes
# the runtime's images.
ctr_name() {
  if [ "$digest" ]; then
    was=$(ctr_target "$image") || pull_failed
    pulled_as=$(ctr_target "$(by_digest)") || pull_failed
    case $was in
      "$pulled_as") ;;
      '') ctr_local tag "$(by_digest)" "$image" || pull_failed ;;
      *) ctr_point "$image" "${pulled_as% *}" "${pulled_as#* }" || pull_failed ;;
    esac
  fi
  ctr_pin "$image" pinned || pull_failed
}

# ctr_point NAME DIGEST TYPE: has a name stand for bytes that are there, in one step: `tag --force` deletes it first, and a
# sandbox that starts in between pulls. An import of an index alone updates the name, and keeps its labels. Changes the
# runtime's images. Writes $journal/archive/oci-layout, $journal/archive/index.json and an archive of both.
ctr_point() {
  # An import refuses a size of 0.
  size=$(containerd_ctr content get "$2" | wc -c)
  rm -rf "$journal/archive"
  mkdir "$journal/archive" &&
    printf '{"imageLayoutVersion":"1.0.0"}\n' >"$journal/archive/oci-layout" &&
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"%s","size":%d,"annotations":{"io.containerd.image.name":"%s"}}]}\n' \
      "$3" "$2" "$size" "$1" >"$journal/archive/index.json" &&
    tar -C "$journal/archive" -cf "$journal/archive/tar" oci-layout index.json &&
    ctr_local import --no-unpack "$journal/archive/tar"
}

# ctr_pin NAME [pinned]: by the label that CRI goes by. Changes the runtime's images.
ctr_pin() { containerd_ctr images label "$1" "io.cri-containerd.pinned=$2" >/dev/null; }

# ctr_forget NAME: never by CRI, which takes all names of the same image. Changes the runtime's images.
ctr_forget() { containerd_ctr images rm "$1" >/dev/null; }

# `name<TAB>id` lines. Reads the runtime's images.
crio_names() {
  listed=$(cri images -v) || return 1
  lines "$listed" | awk -v OFS='\t' '/^ID: / { id = $2 } /^(RepoTags|RepoDigests): / { print $2, id }'
}

# Only a pull of the tag gives the name, and brings what the registry has under it by then. A carried image is copied once more. Changes
# the runtime's images.
crio_name() {
  if has_name; then return 0; fi
  if [ "$archive" ]; then crio_copy "$image" || pull_failed; else cri_get "$image"; fi
  inspect_image || pull_failed
  check_digest
}

# crio_forget NAME: an image that has another name stays under that. Changes the runtime's images.
crio_forget() { cri rmi "$1" >/dev/null; }

# Says where the tag does not stand for what it stood for. Reads the runtime's images, $journal/names. Sets $but.
crio_moved() {
  was=$(value_of "$noted_image" <"$journal/names")
  now=$(crio_names) && now=$(lines "$now" | value_of "$noted_image") || return 1
  if [ -z "$was" ] || [ "$was" = "$now" ]; then return 0; fi
  say "$noted_image is now $now and was $was before: CRI-O cannot set a tag back, see docs/errors/PS-N011.md"
  but=1
}
