# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# Detect: what kind of node this is. What we do not patch is refused with the place where that kind keeps the setting.

detect() {
  refuse_kinds
  for tool in crictl flock systemctl awk sed; do
    command -v $tool >/dev/null || die 003 "$tool is not on PATH ($PATH): install it (crictl comes with cri-tools)"
  done
  show=$(systemctl show containerd -p ExecStart -p LoadState)
  case $show in
    *LoadState=loaded*) ;;
    *) die 005 'no containerd.service that is loaded, and no kind of node that we know: set the sandbox image where its runtime is configured (systemctl status containerd)' ;;
  esac
  containerd=${show#*path=}
  containerd=${containerd%% *}
  config=$(config_option "$show")
  target=$config
  # A link is followed: replacing it by a file would cut it.
  [ ! -L "$config" ] || config=$(readlink -f "$config")
  runtime_version=$("$containerd" --version | awk '{ sub(/^v/, "", $3); sub(/[~+].*/, "", $3); print $3 }')
  detect_kubelet
}

# The file that containerd's unit names, else its default.
config_option() {
  argv=${1#*argv\[\]=}
  argv=${argv%% ;*}
  found=/etc/containerd/config.toml
  take=''
  for word in $argv; do
    [ -z "$take" ] || found=$word
    take=''
    case $word in
      -c | --config) take=1 ;;
      --config=* | -c=*) found=${word#*=} ;;
    esac
  done
  printf %s "$found"
}

# Kinds that keep the setting elsewhere, or make their configuration anew at every start: what tells them (a unit that is
# active, or ID in os-release), and the place.
kinds='k3s|pause-image in /etc/rancher/k3s/config.yaml
k3s-agent|pause-image in /etc/rancher/k3s/config.yaml
rke2-server|pause-image in /etc/rancher/rke2/config.yaml
rke2-agent|pause-image in /etc/rancher/rke2/config.yaml
k0scontroller|spec.images.pause in the ClusterConfig, /etc/k0s/k0s.yaml
k0sworker|spec.images.pause in the ClusterConfig, /etc/k0s/k0s.yaml
snap.microk8s.daemon-containerd|sandbox_image in /var/snap/microk8s/current/args/containerd-template.toml
snap.microk8s.daemon-kubelite|sandbox_image in /var/snap/microk8s/current/args/containerd-template.toml
crio|pause_image in /etc/crio/crio.conf.d
cri-docker|--pod-infra-container-image of cri-dockerd, in a drop-in of cri-docker.service
talos|machine.files in the machine config (/etc/cri/conf.d/20-customization.part)
bottlerocket|settings.kubernetes.pod-infra-container-image, with apiclient set'
os_release=/etc/os-release

refuse_kinds() {
  os=$(sed -n 's/^ID=//p' "$os_release" 2>/dev/null | tr -d "\"'") || :
  units=$(printf '%s\n' "$kinds" | sed 's/|.*//')
  any=''
  # shellcheck disable=SC2086 # a list of names
  ! systemctl -q is-active $units 2>/dev/null || any=1
  IFS=$nl
  # shellcheck disable=SC2086 # one a line
  set -- $kinds
  unset IFS
  for pair; do
    kind=${pair%%|*}
    [ "$kind" = "$os" ] || { [ "$any" ] && systemctl -q is-active "$kind"; } || continue
    die 006 "$kind runs this node, which is not supported: set it yourself, ${pair#*|}"
  done
}

# kubelet_minor is empty where no kubelet runs as a service.
detect_kubelet() {
  kubelet_version='' kubelet_minor=''
  kubelet_show=$(systemctl show kubelet -p ExecStart -p LoadState -p EnvironmentFiles -p FragmentPath -p DropInPaths)
  case $kubelet_show in *LoadState=loaded*) ;; *) return 0 ;; esac
  kubelet=${kubelet_show#*path=}
  kubelet=${kubelet%% *}
  kubelet_version=$("$kubelet" --version)
  kubelet_version=${kubelet_version##*v}
  kubelet_minor=${kubelet_version#*.}
  kubelet_minor=${kubelet_minor%%.*}
}
