# shellcheck shell=sh
# Carried: an image that comes with the script, as an archive, and takes the place of a pull. No registry is asked.
#
# The archive is the tar of an OCI layout that names one image, and gives it no name (components/archive/archive.ts). Its file `images`
# says for shells what is in it: a line per platform with architecture, config and layers. It is imported under the name of its digest,
# or without a name; the tag is named later, as after a pull (`preflight`), and an undone run takes the names back.
#
# Who names images (`$namer`) also has
#   _carry   imports the image from $plan/archive
#   _used    what containers run on, as `_names` calls it: by name, or by what the name stands for

# Unpacks the archive, and refuses a node that cannot take the image, while it is untouched. Reads $archive, $archive_sum. Writes
# $plan/carried.tar, $plan/archive. Dies with PS-N028.
refuse_carried() {
  [ "$archive" ] || return 0
  unpacks='install it, it unpacks the image that came with the script'
  need_tool base64 "$unpacks"
  need_tool gzip "$unpacks"
  printf %s "$archive" | base64 -d | gzip -d >"$plan/carried.tar" || :
  sum "$plan/carried.tar"
  [ "$sum" = "$archive_sum" ] || die 028 "the image that came with the script has SHA-256 $sum instead of $archive_sum: run again"
  mkdir -p "$plan/archive"
  tar -C "$plan/archive" -xf "$plan/carried.tar"
  "${namer}_carries"
}

# Imports the image in the way of who names images. Nothing is left to be pulled then. Sets $pulled. Changes the runtime's images.
carry() {
  say "importing $image: it came with the script"
  "${namer}_carry" || pull_failed
  pulled=1
}

# The option of ctr for the snapshotter that CRI uses; nothing where that says none. Reads $plan/before.
ctr_snapshotter() {
  snapshotter=$(runtime_has "$new_cri|snapshotter")
  snapshotter=${snapshotter:-$(runtime_has "$old_cri|containerd|snapshotter")}
  printf %s "${snapshotter:+--snapshotter=$snapshotter}"
}

# archive_index NAME…: the index of the archive, with these names for its image. It has a size of its own, that of the room in the
# archive: 2048 bytes behind the first 1536. Reads $plan/carried.tar.
archive_index() {
  one=$(head -c 3584 "$plan/carried.tar" | tail -c 2048)
  one=${one#*\[}
  one=${one%%\}*}
  named=''
  for name; do named="$named${named:+,}$one,\"annotations\":{\"io.containerd.image.name\":\"$name\"}}"; done
  printf '%-2047s\n' "{\"schemaVersion\":2,\"manifests\":[$named]}"
}

# named_archive NAME…: the archive with these names. Reads $plan/carried.tar.
named_archive() {
  head -c 1536 "$plan/carried.tar"
  archive_index "$@"
  tail -c +3585 "$plan/carried.tar"
}
