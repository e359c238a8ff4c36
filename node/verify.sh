# shellcheck shell=sh
# Verify: what the runtime itself says, through CRI, before a run counts.

# cri ARGUMENT…: asks the runtime through CRI, for at most $patience seconds. Changes what its arguments say. Writes
# $error_file.
cri() { "$limiter" "$patience" crictl --timeout "${patience}s" --runtime-endpoint "unix://$socket" --image-endpoint "unix://$socket" "$@" 2>"$error_file"; }

# cri_told VERB TEMPLATE NAME: what the runtime says of an image or a sandbox. Reads the runtime.
cri_told() { cri "$1" -o go-template --template "$2" "$3"; }

# What the last tool had to say in the end: the lines before are its log.
error() { sed -n '$s/^time=[^ ]* level=[a-z]* msg=//p; $t; $p' "$error_file"; }

# The seconds that one call to the runtime may take; and a pull, or the start of a sandbox.
patience=60
pulling=180

# bounded SECONDS COMMAND…: runs it, for that long at most. What ends this run ends it too: a shell hears of a signal while it
# waits, not while a command runs. What it leaves behind does not hold the lock.
bounded() {
  timeout "$@" 8>&- 9>&- &
  awaited
}
limiter=bounded

# Waits for the last process that was started. Sets $child.
awaited() {
  child=$!
  ended=0
  wait "$child" || ended=$?
  child=''
  return "$ended"
}
child=''

# Sets $up to the clock that nobody sets, in seconds.
uptime() {
  read -r up _ </proc/uptime
  up=${up%.*}
}

# within SECONDS COMMAND…: waits until the command succeeds, and asks often at first. A call that hangs ends with the time that is
# left. Sets $patience.
within() {
  uptime
  until_then=$((up + $1))
  shift
  pauses='0.1 0.2 0.3 0.4 1'
  while :; do
    uptime
    patience=$((until_then - up))
    if [ "$patience" -le 0 ]; then
      patience=60
      return 1
    fi
    if [ "$patience" -gt 60 ]; then patience=60; fi
    if "$@" >/dev/null 2>&1; then
      patience=60
      return 0
    fi
    # POSIX has whole seconds only.
    sleep "${pauses%% *}" 2>/dev/null || sleep 1
    pauses=${pauses#* }
  done
}

# pull_failed [STATUS]: tells a wrong architecture, and a digest that is not there, from a registry that cannot be reached or trusted,
# or that takes too long. Dies with PS-N010, PS-N011, PS-N028.
pull_failed() {
  case ${1:-} in
    124 | 143) die 010 "image $image is not pulled within $pulling s: the registry, a mirror or a proxy answers too slowly, or not at all" ;;
  esac
  why=$(error) || :
  case $why in
    *'no match for platform'* | *'no image found in'* | *'no matching manifest'* | *'exec format error'*)
      wrong_architecture 'it holds other platforms only' ;;
  esac
  [ -z "$archive" ] || die 028 "image $image, which came with the script, is not taken by $runtime_name: $why"
  case $why in
    *': not found'* | *'manifest unknown'*)
      [ -z "$digest" ] ||
        die 011 "image $image: the registry does not have the pushed digest $digest: push again under a new tag, or repair the mirror ($why)" ;;
  esac
  case $why in
    *x509*) setting='; see trust.ca (registryCa in a stack file)' ;;
    *nauthorized* | *orbidden* | *denied* | *'authorization failed'* | *'no basic auth'*) setting=$(login_advice) ;;
    *'server gave HTTP response'*) setting='; see trust.plainHttp (registryPlainHttp in a stack file)' ;;
    *) setting='' ;;
  esac
  die 010 "image $image cannot be pulled the way the runtime pulls it: $why$setting"
}

# 1 once the image was pulled the way that the runtime will, or needs no pull.
pulled=''

# Pulls through the very path that the runtime will use, before its configuration is touched. The name changes when what was
# pulled is known to be right. A node on which nothing changes, and which has the very bytes that are asked for, needs no registry. Sets
# $pulled.
preflight() {
  if needs_no_registry; then
    pulled=1
    return 0
  fi
  note_names
  take_image || say "the image is pulled after the restart of $runtime_name, which has to read the settings for $registry first"
}

# Gets the image, and gives it its name once it is known to be the right one; false where only a runtime that was restarted can. Sets
# $tried.
take_image() {
  tried=$(by_digest)
  if [ "$archive" ]; then carry; else "${runtime}_pull" || return 1; fi
  # CRI hears of what ctr pulls, and of a name, by an event.
  within 10 inspect_name "$tried" || pull_failed
  check_digest
  check_architecture "$tried"
  "${namer}_name"
  within 10 has_name || inspect_image || pull_failed
  check_digest
}

# Is nothing to change, and are the very bytes there that are asked for?
needs_no_registry() { [ -z "$changed_paths" ] && [ "$digest" ] && as_reported "$(state_of report)" && [ "$digest" = "$got" ]; }

# Does the runtime know the digest by the image's name too?
has_name() { inspect_image && has_digest; }
has_digest() { [ -z "$digest" ] || [ "$digest" = "$got" ]; }

# The architecture of this node in the words of an image.
architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    armv*) echo arm ;;
    i?86) echo 386 ;;
    loongarch64) echo loong64 ;;
    *) uname -m ;;
  esac
}

# check_architecture [NAME]: containerd pulls a single manifest of any architecture; every Pod of the node would then fail to
# start. Reads the runtime's images.
check_architecture() {
  built=$(built_for "${1:-$image}") || pull_failed
  [ "$built" = "$(architecture)" ] || wrong_architecture "it is built for $built"
}

# built_for NAME: an image's architecture. The dockershim does not tell it by CRI, so docker is asked. Reads the runtime's
# images.
built_for() {
  case $namer in
    docker) ask_docker image inspect -f '{{.Architecture}}' "$1" ;;
    *) cri_told inspecti '{{.info.imageSpec.architecture}}' "$1" ;;
  esac
}

# wrong_architecture WHY. Dies with PS-N012.
wrong_architecture() {
  way='push one for it'
  [ -z "$archive" ] || way='name it in platforms, or carry an image that has it'
  die 012 "image $image: $1, and this node is $(architecture): $way"
}

# What the runtime knows of the image, as inspect_name has it.
inspect_image() { inspect_name "$image"; }

# inspect_name NAME [DIGEST]: what the runtime knows of an image; false where it has none. Reads the runtime's images. Sets $pinned, and
# $got, the digest by which the runtime knows it: DIGEST, else the wanted one, where it is among them. A carried image is known by its
# ID where the runtime tells no digest.
inspect_name() {
  # The same digest may be known under other names: only our repository's counts. Docker leaves docker.io out.
  pinned=$(cri_told inspecti '{{.status.pinned}} {{.status.id}}{{range .status.repoDigests}} {{.}}{{end}}' "$1") || return 1
  got=$(lines "$pinned" | tr ' ' '\n' | awk -v p="${image%:*}@" -v wanted="${2:-$digest}" -v carried="$archive_sum" '
    function short(name) { sub(/^docker\.io\/(library\/)?/, "", name); return name }
    BEGIN { p = short(p) }
    NR == 2 { if (carried != "") first = $0; next }
    { name = short($0) }
    index(name, p) == 1 { one = substr(name, length(p) + 1); if ((!told++ && (first == "" || first != wanted)) || one == wanted) first = one }
    END { print first }')
  pinned=${pinned%% *}
}

# The image is the one that was pushed. Dies with PS-N011.
check_digest() {
  has_digest ||
    die 011 "image $image: on this node it is ${got:-without a digest}, but $digest was pushed: push again under a new tag, or repair the mirror"
}

# The image is there, is the right one, and stays. Dies with PS-N016.
check_image() {
  if [ -z "$pulled" ]; then take_image || pull_failed; fi
  inspect_image || pull_failed
  check_digest
  check_architecture
  [ "$pinned" = true ] ||
    # Up to 1.28 the kubelet's flag protects the image; later only the pin does.
    { [ "$kubelet_minor" ] && [ "$kubelet_minor" -le 28 ] && [ -z "$no_flag" ]; } ||
    die 016 "$runtime_name $runtime_version does not pin $image, so that garbage collection would delete it: use containerd 1.6.38 or 1.7.3, CRI-O 1.28, cri-dockerd 0.3.10, or later"
}

same_image() {
  one=$(image_id "$1")
  [ "$one" ] && [ "$one" = "$(image_id "$2")" ]
}

# image_id IMAGE: the id behind a name. Reads the runtime's images.
image_id() { cri_told inspecti '{{.status.id}}' "$1"; }

check_name=pause-sandbox-check

# A sandbox in the host's network needs no CNI and nobody sees it; with a PID namespace of its own it has a pause in CRI-O
# too. Changes the runtime: the sandbox runs and is removed. Sets $sandbox, and $seen, the image that it ran on. Writes
# $plan/sandbox.json, $journal/sandbox.
run_sandbox() {
  drop_check_sandboxes
  printf '{"metadata":{"name":"%s","namespace":"kube-system","uid":"%s","attempt":0},"linux":{"security_context":{"namespace_options":{"network":2}}}}' \
    "$check_name" "$check_name" >"$plan/sandbox.json"
  printf %s "$socket" >"$journal/sandbox"
  sandbox=$(cri runp "$plan/sandbox.json") || return 1
  seen=$("${namer}_seen") || return 1
  # One image may have several names (the same bytes pushed under another tag), and the runtime gives any of them.
  if [ "$seen" != "$image" ] && same_image "$seen" "$image"; then seen=$image; fi
  drop_check_sandboxes
}

# A sandbox starts on the node. Sets $patience. Dies with PS-N017.
check_sandbox() {
  patience=$pulling
  run_sandbox || die 017 "no sandbox starts on $image: $(error)"
  patience=60
}
runs_on() { run_sandbox && [ "$seen" = "$1" ]; }

# Changes the runtime: removes sandboxes of ours, also those of a killed run.
drop_check_sandboxes() {
  for pod in $(cri pods -q --namespace '^kube-system$' --name "^$check_name\$"); do
    cri rmp -f "$pod" >/dev/null || :
  done
}
