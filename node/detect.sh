# shellcheck shell=sh
# Detect: what kind of node this is. What we do not patch is refused with the place where that kind keeps the setting.

# The tools that this script runs itself. One that is missing half-way would pass for an answer.
tools='awk cat chmod cmp cp flock grep head id ln mkdir mktemp mv readlink rm rmdir sed sha256sum sleep sort stat sync systemctl tail tar timeout tr uname wc'

# Before anything is looked at.
need_tools() {
  for tool in $tools; do need_tool "$tool" 'install it'; done
}

# need_tool TOOL ADVICE. Dies with PS-N003.
need_tool() { command -v "$1" >/dev/null || die 003 "$1 is not on PATH ($PATH): $2"; }

# What kind of node this is, and what the functions of its runtime need to know: each finds that itself. Dies with PS-N006.
detect() {
  [ "$(uname -s)" = Linux ] || die 006 "$(uname -s) runs this node, which is not supported: set sandbox_image in its containerd's config.toml yourself"
  refuse_kinds
  detect_kubelet
  find_runtime
  "${runtime}_find"
  need_tool crictl 'install it, it comes with cri-tools'
}

# Kinds that keep the setting where nobody can change it over SSH, or write their configuration again at every start: what
# tells them (a unit that is active, or ID in os-release), and the place.
kinds='k0scontroller k0sworker|spec.images.pause in the ClusterConfig, /etc/k0s/k0s.yaml
snap.microk8s.daemon-containerd snap.microk8s.daemon-kubelite|sandbox_image in /var/snap/microk8s/current/args/containerd-template.toml
talos|machine.files in the machine config (/etc/cri/conf.d/20-customization.part); from 1.14 on a CRICustomizationConfig document
nixos|virtualisation.containerd.settings, and extraOpts of services.kubernetes.kubelet, in the configuration of NixOS
bottlerocket|settings.kubernetes.pod-infra-container-image, with apiclient set'
os_release=/etc/os-release

# Refuses a node of such a kind. Reads $os_release, systemd. Dies with PS-N006.
refuse_kinds() {
  os=''
  if [ -r "$os_release" ]; then
    while IFS= read -r line; do
      case $line in ID=*) os=${line#ID=} ;; esac
    done <"$os_release"
  fi
  os=${os#[\"\']} os=${os%[\"\']}
  IFS=$nl
  # shellcheck disable=SC2086 # one per line
  set -- $kinds
  unset IFS
  units=''
  for pair; do units="$units ${pair%%|*}"; done
  any=''
  # shellcheck disable=SC2086 # a list of names
  if is_active $units 2>/dev/null; then any=1; fi
  for pair; do
    for kind in ${pair%%|*}; do
      [ "$kind" = "$os" ] || { [ "$any" ] && is_active "$kind"; } || continue
      die 006 "$kind runs this node, which is not supported: set it yourself, ${pair#*|}"
    done
  done
}

# Which runtime the kubelet speaks to. Its own endpoint says so, since several runtimes may be installed, and docker runs a
# containerd of its own; where that is not known yet, the unit that is there. Reads systemd. Sets $runtime, $unit, $endpoints.
find_runtime() {
  pids=$(running_kubelets)
  # shellcheck disable=SC2086 # numbers
  [ -z "$pids" ] || endpoints=$(kubelet_endpoints $pids)
  if is_active k3s k3s-agent rke2-server rke2-agent 2>/dev/null; then
    for unit in k3s k3s-agent rke2-server rke2-agent; do
      if loaded $unit && is_active $unit; then
        runtime=k3s
        return 0
      fi
    done
  fi
  if [ -z "$endpoints" ] && [ "$kubelet_version" ] && ! kubelet_waits; then endpoints=$(kubelet_endpoints -); fi
  endpoint=${endpoints%%"$nl"*}
  endpoint=${endpoint#* }
  case $endpoint in
    '' | *dockershim*) runtime_by_unit ;;
    *crio*) runtime=crio ;;
    *cri-dockerd*) runtime=cri_dockerd ;;
    *containerd*) runtime=containerd ;;
    *) runtime_by_socket "${endpoint#unix://}" "$endpoint" ;;
  esac
}

# What the kubelets speak to, `PROCESS ENDPOINT` a line.
endpoints=''

# The runtime that this run changes and checks is the one that every kubelet of this node speaks to. Reads $socket. Dies with
# PS-N005.
refuse_other_socket() {
  IFS=$nl
  # shellcheck disable=SC2086 # one per line
  set -- $endpoints
  unset IFS
  for endpoint; do
    pid=${endpoint%% *}
    endpoint=${endpoint#* }
    path=${endpoint#unix://}
    case $path in *dockershim*) continue ;; esac
    # Most systems have a link there.
    case $path in "$socket" | "/var$socket") continue ;; esac
    [ "/var$path" != "$socket" ] || continue
    root=$proc/$pid/root
    [ -d "$root" ] || root=''
    files=$(stat -Lc '%d %i' "$root$path" "$socket" 2>/dev/null) || files=''
    if [ "$files" ] && [ "${files%"$nl"*}" = "${files#*"$nl"}" ]; then continue; fi
    die 005 "the kubelet$([ "$pid" = - ] || echo " (process $pid)") speaks to $endpoint, and $runtime_name listens on $socket: set the sandbox image of the runtime that listens there, or point the kubelet at $runtime_name"
  done
}

# runtime_by_socket PATH ENDPOINT: the runtime that says of itself that it listens on PATH. Reads systemd. Sets $runtime.
# Dies with PS-N005 where none does.
runtime_by_socket() {
  if systemctl show cri-docker.socket -p Listen | grep -qF "=$1 " || argv_of cri-docker | grep -qF "$1"; then
    runtime=cri_dockerd
  elif argv_of containerd | grep -qxF -e "$1" -e "--address=$1"; then
    runtime=containerd
  elif argv_of crio | grep -qxF -e "$1" -e "--listen=$1"; then
    runtime=crio
  else
    die 005 "the kubelet speaks to $2, and no supported runtime listens there: set the sandbox image where that runtime is configured"
  fi
}

# Where the kubelet names no socket: the unit that is there. Sets $runtime.
runtime_by_unit() {
  if [ "$kubelet_minor" ] && [ "$kubelet_minor" -le 23 ] && loaded docker; then
    runtime=dockershim
  elif loaded crio; then
    runtime=crio
  elif loaded cri-docker; then
    runtime=cri_dockerd
  else
    runtime=containerd
  fi
}

# What is known of the kubelet; all is empty where no kubelet runs as kubelet.service. Sets $kubelet_show, $kubelet,
# $kubelet_pid, $kubelet_words, $kubelet_version, $kubelet_minor, $opaque, $program. Reads systemd. Dies with PS-N023.
detect_kubelet() {
  kubelet_version='' kubelet_minor='' kubelet_pid='' opaque=''
  if ! loaded kubelet; then return 0; fi
  kubelet_show=$show
  kubelet=$(show_path)
  property MainPID "$show"
  kubelet_pid=${property#0}
  # One that does not stay up may just be about to start.
  runs "$kubelet_pid" || program='' kubelet_pid=''
  running=${program%' (deleted)'}
  words_of kubelet
  kubelet_words=$run_words
  if [ -z "$running" ] || [ "$running" = "$kubelet" ] || [ "$running" = "$(readlink -f "$kubelet")" ]; then
    # What will be started counts. A script may start a kubelet, whatever it is asked.
    if is_program "$kubelet"; then kubelet_version=$(version_in "$kubelet"); fi
  else
    opaque=$kubelet
    kubelet_version=$(version_in "$proc/$kubelet_pid/exe")
  fi
  [ "$kubelet_version" ] ||
    die 023 "kubelet.service runs $kubelet, which is not a kubelet, so its version and arguments are unknown: set the sandbox image by hand"
  kubelet_minor=${kubelet_version#*.}
  kubelet_minor=${kubelet_minor%%[!0-9]*}
}

# The version that a kubelet says it has, without the v; nothing from any other program. `1.35.1+vmware.1` is minor 35.
# What hangs, or starts something instead of an answer, is stopped.
version_in() { bounded 60 "$1" --version 2>/dev/null </dev/null | sed -n 's/^Kubernetes v\([0-9][0-9]*\.[0-9][0-9]*[^ ]*\).*/\1/p'; }

# The processes that are kubelets of this node: that of kubelet.service, else any of that name, such as RKE's or a snap's. Where
# some other program starts the kubelet, that counts for which no process of the name is found.
running_kubelets() {
  found=''
  if [ "$kubelet_pid" ] && named_kubelet "$proc/$kubelet_pid"; then
    lines "$kubelet_pid"
    return 0
  fi
  for process in "$proc"/[0-9]*; do
    named_kubelet "$process" || continue
    # That of a container, such as a node of kind, is no kubelet of this node.
    [ "$(readlink "$process/ns/pid")" = "$(readlink "$proc/self/ns/pid")" ] || continue
    found=1
    lines "${process##*/}"
  done
  [ "$found" ] || [ -z "$kubelet_pid" ] || lines "$kubelet_pid"
}
named_kubelet() {
  { read -r name <"$1/comm"; } 2>/dev/null || return 1
  [ "$name" = kubelet ]
}

# kubelet_endpoints PROCESS…: where each kubelet finds its runtime, `PROCESS ENDPOINT` a line: from its command line, else its
# configuration, else where it looks by itself. `-` is kubelet.service, which does not run.
kubelet_endpoints() {
  for pid; do
    case $pid in
      - | "$kubelet_pid") words=$kubelet_words ;;
      *) words=$(tr '\0' '\n' <"$proc/$pid/cmdline") || continue ;;
    esac
    found=''
    case $words in *-container-runtime-endpoint*) found=$(option_in "$words" '' container-runtime-endpoint) ;; esac
    case $words in *"$nl"-*config*) found=${found:-$(kubelet_setting containerRuntimeEndpoint "$words" "$pid")} ;; esac
    # Up to 1.23 it has a runtime of its own.
    [ "$found" ] || [ "${kubelet_minor:-24}" -lt 24 ] || found=unix:///run/containerd/containerd.sock
    [ -z "$found" ] || printf '%s %s\n' "$pid" "$found"
  done
}
