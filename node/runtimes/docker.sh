# shellcheck shell=sh
# Docker: what cri-dockerd and the dockershim have in common where images change. It calls an image without a name by its ID.

# ask_docker ARGUMENT…: changes what its arguments say. Writes $error_file.
ask_docker() { bounded 60 docker "$@" 2>"$error_file"; }

# Docker says names of Docker Hub without its name. Reads the runtime's images.
docker_names() {
  listed=$(ask_docker images --no-trunc --digests --format "{{.Repository}}$tab{{.Tag}}$tab{{.Digest}}$tab{{.ID}}") || return 1
  lines "$listed" | awk -F '\t' -v OFS='\t' '
    NF < 4 { next }
    $1 == "<none>" { print $4, $4; next }
    {
      host = $1
      sub(/\/.*/, "", host)
      if (host == $1) $1 = "docker.io/library/" $1
      else if (host !~ /[.:]/ && host != "localhost") $1 = "docker.io/" $1
    }
    $2 != "<none>" { print $1 ":" $2, $4 }
    $3 != "<none>" { print $1 "@" $3, $4 }'
}

# Gives the name to the image that was pulled by digest, or loaded. Changes the runtime's images.
docker_name() {
  [ -z "$digest" ] || ask_docker tag "$(by_digest)" "$image" || pull_failed
}

# docker_point NAME ID. Changes the runtime's images.
docker_point() { ask_docker tag "$2" "$1"; }

# docker_forget NAME. Changes the runtime's images.
docker_forget() { ask_docker rmi "$1" >/dev/null; }

# The images that containers are made from, by ID. Reads the runtime.
docker_used() {
  containers=$(ask_docker ps -aq --no-trunc) || return 1
  # shellcheck disable=SC2086 # an ID a word
  [ -z "$containers" ] || ask_docker inspect --type container -f '{{.Image}}' $containers
}

# Finds the image for this node in the archive. Docker gives it no digest, and CRI reports its ID: this is what is compared, and what the
# report has as digest. The ID is that of the config, but in containerd's store that of the whole. Reads $plan/archive/images. Sets $digest,
# $carried_as. Writes $plan/archive/manifest.json.
docker_carries() {
  found=$(awk -v arch="$(architecture)" -v most="$(uname -m | sed -n 's/^armv\([0-9]\).*/\1/p')" '
    {
      split($1, part, "/")
      variant = substr(part[2], 2) + 0
      if (part[1] != arch || (most != "" && variant > most)) next
      # Of arm, the newest that the node runs.
      if (line == "" || (most != "" && variant > best)) { line = $0; best = variant }
    }
    END { print line }' "$plan/archive/images")
  [ "$found" ] || wrong_architecture 'it holds other platforms only'
  lines "$found" | awk '
    function file(digest) { sub(/:/, "/", digest); return "\"blobs/" digest "\"" }
    {
      for (i = 3; i <= NF; i++) layers = layers (i > 3 ? "," : "") file($i)
      print "[{\"Config\":" file($2) ",\"RepoTags\":[],\"Layers\":[" layers "]}]"
    }' >"$plan/archive/manifest.json"
  case $(ask_docker info -f '{{.DriverStatus}}') in
    *io.containerd.snapshotter*) ;;
    *)
      digest=${found#* }
      digest=${digest%% *}
      ;;
  esac
  carried_as=$digest
}

# Loads the image without a name. Reads $plan/archive. Changes the runtime's images. Writes $plan/carried.tar.
docker_carry() {
  say "$runtime_name reports it by its ID, $digest"
  tar -C "$plan/archive" -cf "$plan/carried.tar" oci-layout index.json manifest.json blobs &&
    ask_docker load -q -i "$plan/carried.tar" >/dev/null
}

# As docker_carry. Docker itself says whether it has the name: the dockershim is not there before the kubelet. Reads
# $plan/archive/manifest.json.
docker_heal() {
  # shellcheck disable=SC2016 # the program's dollars
  want_heal 'docker image inspect "$image" >/dev/null 2>&1' \
    'tar -C "$unpacked" -xf "$archive" &&' \
    "  printf '%s\\n' '$(cat "$plan/archive/manifest.json")' >\"\$unpacked/manifest.json\" &&" \
    '  tar -C "$unpacked" -cf "$unpacked.tar" oci-layout index.json manifest.json blobs &&' \
    '  docker load -q -i "$unpacked.tar" &&' \
    "  docker tag '$carried_as' \"\$image\" &&" \
    '  rm "$unpacked.tar"'
}
