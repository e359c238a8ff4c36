# shellcheck shell=sh
# Carried: an image that comes with the script, as an archive, and takes the place of a pull. No registry is asked.
#
# The archive is the tar of an OCI layout that names one image, and gives it no name (components/archive/archive.ts). It is imported
# under the name of its digest; the tag is named later, as after a pull (`preflight`), and an undone run takes the names back.
#
#   state           `carried NAME` for each name of ours that the runtime did not have before
#   commit/carried  the socket, then the names that go when the run is committed

# Refuses a node that cannot take the image, while it is untouched. Dies with PS-N003, PS-N028.
refuse_carried() {
  [ "$archive" ] || return 0
  [ "$runtime" = containerd ] ||
    die 028 "$runtime_name takes no image that comes with the script: push the image to a registry, and set imageSource to build, mirror or existing"
  if command -v base64 >/dev/null && command -v gzip >/dev/null; then return 0; fi
  die 003 "base64 and gzip unpack the image, and are not both on PATH ($PATH): install them"
}

# Unpacks the archive. Reads $archive, $archive_sum. Writes $journal/carried.tar, $journal/archive. Dies with PS-N028.
unpack_archive() {
  printf %s "$archive" | base64 -d | gzip -d >"$journal/carried.tar" || :
  sum "$journal/carried.tar"
  [ "$sum" = "$archive_sum" ] || die 028 "the image that came with the script has SHA-256 $sum instead of $archive_sum: run again"
  rm -rf "$journal/archive"
  mkdir "$journal/archive"
  tar -C "$journal/archive" -xf "$journal/carried.tar"
}

# Imports the image under the name of its digest. Nothing is left to be pulled then. Changes the runtime's images. Sets $pulled. Writes
# $journal/archive/index.json and what is beside it, $journal/carried.tar.
carry() {
  say "importing $image: it came with the script"
  unpack_archive
  index=$(cat "$journal/archive/index.json")
  printf '%s,"annotations":{"io.containerd.image.name":"%s"}}]}\n' "${index%\}]\}}" "$(by_digest)" >"$journal/archive/index.json"
  tar -C "$journal/archive" -cf "$journal/carried.tar" oci-layout index.json blobs
  ctr_carry "$journal/carried.tar" || pull_failed
  pulled=1
}

# ctr_carry TAR: imports it, for the snapshotter that CRI uses. Reads $plan/before. Changes the runtime's images.
ctr_carry() {
  snapshotter=$(toml_get "$new_cri|snapshotter" <"$plan/before")
  snapshotter=${snapshotter:-$(toml_get "$old_cri|containerd|snapshotter" <"$plan/before")}
  ctr_local import ${snapshotter:+--snapshotter "$snapshotter"} "$1"
}

# carried_now: the names that are ours after this run, one per line: those of before that are still there, and what this run gives
# names to for the first time. Reads $home/state, $journal/names, the runtime's images. Writes $plan/carried.
carried_now() {
  state_of carried >"$plan/carried"
  if [ -s "$plan/carried" ]; then
    there=$(ctr_names) || return 1
    printf '%s\n' "$there" | while IFS=$tab read -r name _; do
      if listed "$name" "$plan/carried"; then printf '%s\n' "$name"; fi
    done
  fi
  if [ -z "$archive" ] || [ ! -e "$journal/names" ]; then return 0; fi
  for name in "$image" "$(by_digest)"; do
    awk -F '\t' -v name="$name" '$1 == name { had = 1 } END { if (!had) print name }' "$journal/names"
  done
}

# leave_carried [NAME…]: notes which names of ours go with the commit: all but these. Reads $home/state. Writes $journal/carried.
leave_carried() {
  ours_before=$(state_of carried)
  [ "$ours_before" ] || return 0
  {
    printf '%s\n' "$socket"
    printf '%s\n' "$ours_before" | while IFS= read -r name; do
      for stays; do [ "$stays" != "$name" ] || continue 2; done
      printf '%s\n' "$name"
    done
  } >"$journal/carried"
}

# Takes the names away that a committed run leaves behind. One that a sandbox runs on stays without its pin, and the runtime collects
# it later. Never by CRI, which takes all names of an image. Reads $commit/carried, $commit/forget, the runtime's images. Changes the
# runtime's images. Sets $socket.
drop_carried() {
  [ -e "$commit/carried" ] || return 0
  IFS= read -r socket <"$commit/carried"
  if ! within 30 carried_dropped; then
    say "the image keeps its names $(sed 1d "$commit/carried" | tr '\n' ' ')($(error)): remove them with ctr -n k8s.io images rm"
    return 0
  fi
  [ -e "$commit/forget" ] || return 0
  now=$(ctr_names) || return 0
  printf '%s\n' "$now" | while IFS=$tab read -r name _; do
    if listed "$name" "$commit/carried"; then
      say "$name stays while a sandbox runs on it, and is not pinned any more: garbage collection takes it later"
    fi
  done
}

# Reads $commit/carried. Changes the runtime's images.
carried_dropped() {
  running=$(containerd_ctr containers ls) || return 1
  had=$(ctr_names) || return 1
  leaves=$(printf '%s\n%s\n' "$(printf '%s\n' "$running" | awk 'NR > 1 { print "run\t" $2 }')" "$had" | names_to_leave "$commit/carried") || return 1
  printf '%s\n' "$leaves" | while IFS=$tab read -r verb name; do
    [ -z "$name" ] || "ctr_$verb" "$name" '' || exit 1
  done
}

# names_to_leave CARRIED <`run<TAB>NAME` for each container, and all names: what to do, `pin<TAB>NAME` or `forget<TAB>NAME`. What CRI
# made beside our names goes with them, unless somebody else has the same image.
names_to_leave() {
  awk -F '\t' '
    FILENAME == ARGV[1] { if (FNR > 1) ours[$0]; next }
    $1 == "run" { runs[$2]; next }
    NF { target[$1] = $2; pin[$1] = $4 }
    END {
      for (name in runs) if (name in target) used[target[name]]
      for (name in target) if (!(name in ours) && name !~ /^sha256:/) theirs[target[name]]
      for (name in ours) if (name in target) came[target[name]]
      for (name in target) {
        t = target[name]
        if (!(name in ours) && (name !~ /^sha256:/ || !(t in came) || (t in theirs))) continue
        if (!(t in used)) print "forget\t" name
        else if (pin[name] != "") print "pin\t" name
      }
    }' "$1" -
}
