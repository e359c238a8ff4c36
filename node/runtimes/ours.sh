# shellcheck shell=sh
# Ours: names of images that a node has from us alone, also the ID of an image that docker has no name for. They go when the node gets
# another image, or is given back. Otherwise they would stay for good: they are pinned. A name that the runtime had before stays, and loses the pin that it has from us.
#
#   state           `ours NAME` for each name that the runtime did not have before; `ours NAME<TAB>pin` where only its pin is ours
#   commit/leaves   who names images, the socket, then what goes when the run is committed, as in `state`

# sort_ours [IMAGE]: sorts the names that are ours by now. IMAGE stays ours, and what else its repository calls the same bytes. All others
# go with the commit. One that the runtime had before us is not ours. Reads $home/state, $journal/names, the runtime's images. Writes $plan/ours,
# $plan/had, $plan/leaves, $journal/leaves.
sort_ours() {
  : >"$plan/ours"
  if [ -z "$leaving" ] && [ -e "$journal/names" ] && { [ "$archive" ] || [ "$namer" = ctr ]; }; then
    awk -F '\t' -v name="$1" -v other="$(by_digest)" -v namer="$namer" '
      { had[$1]; pin[$1] = $4 }
      END {
        if (!(name in had)) print name
        else if (namer == "ctr" && pin[name] == "") print name "\tpin"
        if (!(other in had) && other != name) print other
      }' "$journal/names" >"$plan/ours"
  fi
  [ -e "$home/state" ] || return 0
  was_at=$(state_of socket)
  if [ "$leaving" ]; then
    # All go, and nobody is asked: a runtime that is down holds no restore up.
    state_of ours >"$plan/leaves"
  # Another runtime than that of before has none of the others.
  elif [ "$was_at" = "$socket" ] && state_of ours >"$plan/had" && [ -s "$plan/had" ]; then
    now=$("${namer}_names") || pull_failed
    lines "$now" | awk -F '\t' -v image="$1" -v leaves="$plan/leaves" '
    # A name that is ours stays so, also where its pin came later.
    FILENAME == ARGV[1] { if ($2 == "" || !($1 in ours)) ours[$1] = $0; next }
    { target[$1] = $2 }
    END {
      repository = image
      sub(/:[^:\/]*$/, "@", repository)
      for (name in ours)
        if (name in target) {
          if (name == image || (index(name, repository) == 1 && target[name] == target[image])) print ours[name]
          else print ours[name] >leaves
        } else if (target[image] == name) print ours[name]
    }' "$plan/had" - >>"$plan/ours"
  fi
  [ -s "$plan/leaves" ] || return 0
  { lines "$namer" "$was_at" && sort "$plan/leaves"; } >"$journal/leaves"
}

# Takes the names away that a committed run leaves behind. One that a sandbox runs on stays without its pin, and the runtime collects
# it later. Never by CRI, which takes all names of an image. Reads $commit/leaves, $commit/forget, the runtime's images. Changes the
# runtime's images. Sets $namer, $socket.
drop_ours() {
  [ -e "$commit/leaves" ] || return 0
  {
    read -r namer
    read -r socket
  } <"$commit/leaves"
  if ! within 30 ours_dropped; then
    say "the image keeps its names $(sed 1,2d "$commit/leaves" | tr '\n' ' ')($(error)): remove them by hand"
    return 0
  fi
  [ -e "$commit/forget" ] || return 0
  now=$("${namer}_names") || return 0
  lines "$now" | while IFS=$tab read -r name _; do
    if listed "$name" "$commit/leaves"; then
      say "$name stays while a sandbox runs on it, and is not pinned any more: garbage collection takes it later"
    fi
  done
}

# Reads $commit/leaves. Changes the runtime's images.
ours_dropped() {
  running=$("${namer}_used") || return 1
  had=$("${namer}_names") || return 1
  leaves=$({
    lines "$running" | awk 'NF { print "run\t" $0 }'
    lines "$had"
  } | names_to_leave "$commit/leaves") || return 1
  lines "$leaves" | while IFS=$tab read -r verb name; do
    [ -z "$name" ] || "${namer}_$verb" "$name" '' || exit 1
  done
}

# names_to_leave LEAVES <`run<TAB>NAME` for each container, and all names: what to do, `pin<TAB>NAME` or `forget<TAB>NAME`. What CRI
# made beside our names goes with them, unless somebody else has the same image.
names_to_leave() {
  awk -F '\t' '
    FILENAME == ARGV[1] { if (FNR > 2 && $2 == "pin") unpin[$1]; else if (FNR > 2) ours[$1]; next }
    $1 == "run" { runs[$2]; next }
    NF { target[$1] = $2; pin[$1] = $4 }
    END {
      for (name in runs) used[(name in target) ? target[name] : name]
      for (name in target) if (!(name in ours) && name !~ /^sha256:/) theirs[target[name]]
      for (name in ours) if (name in target) came[target[name]]
      for (name in target) {
        t = target[name]
        if ((name in unpin) && pin[name] != "") print "pin\t" name
        if (!(name in ours) && (name !~ /^sha256:/ || !(t in came) || (t in theirs))) continue
        # No container is made of this name, and the bytes keep another.
        spare = (t in theirs) && !(name in runs) && name !~ /^sha256:/
        if (!(t in used) || spare) print "forget\t" name
        else if (pin[name] != "") print "pin\t" name
      }
    }' "$1" -
}
