# shellcheck shell=bash
# The table of tools. One row a tool:
#   name | version | bundle (modules/BUNDLE-VERSION) | files | what fits on PATH | download site and path | checksum path
# V is the version. There is no download where its authors publish no checksum. Versions on PATH: exact; minor (same
# minor); skew (kubectl: one minor either side is supported); from:X (same major, X or later); none. One that does not fit is
# passed over, with a line that says so.
# shellcheck source=lab/toolchain/versions
. "$(dirname "${BASH_SOURCE[0]}")/../versions"

tools_table() {
  cat <<EOF
pulumi|$PULUMI|pulumi|pulumi|from:$PULUMI_OLDEST|get.pulumi.com releases/sdk/pulumi-vV-linux-x64.tar.gz|releases/sdk/pulumi-V-checksums.txt
kubectl|$KUBERNETES|kubernetes|kubectl|skew|dl.k8s.io release/vV/bin/linux/amd64/kubectl|release/vV/bin/linux/amd64/kubectl.sha256
kubelet|$KUBERNETES|kubernetes|kubelet|exact|dl.k8s.io release/vV/bin/linux/amd64/kubelet|release/vV/bin/linux/amd64/kubelet.sha256
kube-apiserver|$KUBERNETES|kubernetes|kube-apiserver|exact|dl.k8s.io release/vV/bin/linux/amd64/kube-apiserver|release/vV/bin/linux/amd64/kube-apiserver.sha256
kube-controller-manager|$KUBERNETES|kubernetes|kube-controller-manager|exact|dl.k8s.io release/vV/bin/linux/amd64/kube-controller-manager|release/vV/bin/linux/amd64/kube-controller-manager.sha256
kube-scheduler|$KUBERNETES|kubernetes|kube-scheduler|exact|dl.k8s.io release/vV/bin/linux/amd64/kube-scheduler|release/vV/bin/linux/amd64/kube-scheduler.sha256
kubeadm|$KUBERNETES|kubeadm|kubeadm|exact|dl.k8s.io release/vV/bin/linux/amd64/kubeadm|release/vV/bin/linux/amd64/kubeadm.sha256
crictl|$CRICTL|cri-tools|crictl|minor|github.com kubernetes-sigs/cri-tools/releases/download/vV/crictl-vV-linux-amd64.tar.gz|kubernetes-sigs/cri-tools/releases/download/vV/crictl-vV-linux-amd64.tar.gz.sha256
crictl-v1alpha2|$CRICTL|cri-tools-v1alpha2|crictl|none||
containerd|$CONTAINERD|containerd|containerd containerd-shim-runc-v2 ctr|exact|github.com containerd/containerd/releases/download/vV/containerd-V-linux-amd64.tar.gz|containerd/containerd/releases/download/vV/containerd-V-linux-amd64.tar.gz.sha256sum
crio|$CRIO|cri-o|crio pinns|exact|storage.googleapis.com cri-o/artifacts/cri-o.amd64.vV.tar.gz|cri-o/artifacts/cri-o.amd64.vV.tar.gz.sha256sum
cri-dockerd|$CRI_DOCKERD|cri-dockerd|cri-dockerd|exact||
ignition-validate|$IGNITION|ignition|validate|exact||
sdkgen|$PULUMI|sdkgen|sdkgen|exact||
pulumi-resource-docker-build|$DOCKER_BUILD|docker-build|pulumi-resource-docker-build|none||
EOF
}

# shellcheck disable=SC2034 # the other parts read them
# tools_select NAME[@VERSION]: sets TOOL, VERSION, BUNDLE, FILES, FITS, SITE, URL_PATH, SUM_PATH.
tools_select() {
  local row download
  TOOL=${1%%@*}
  row=$(tools_table | grep "^$TOOL|") || {
    log_fail "unknown tool \"$TOOL\"; known: $(tools_table | cut -d'|' -f1 | tr '\n' ' ')language-nodejs go python plugin:NAME"
    return 1
  }
  IFS='|' read -r _ VERSION BUNDLE FILES FITS download SUM_PATH <<<"$row"
  # Who names a version of what may be newer on PATH means that one.
  case $1 in *@?*) VERSION=${1#*@} FITS=${FITS/#from:*/exact} ;; esac
  BUNDLE=$BUNDLE-$VERSION
  SITE=${download%% *}
  URL_PATH=${download#* }
  URL_PATH=${URL_PATH//V/$VERSION}
  SUM_PATH=${SUM_PATH//V/$VERSION}
}

# tools_result: what the caller prints for the selected tool. A runtime is used as a set, hence its directory.
tools_result() {
  case $TOOL in
    containerd | crio) printf '%s\n' "$1" ;;
    *) printf '%s/%s\n' "$1" "$FILES" ;;
  esac
}

# tools_ldflags: the version is stamped in as the official builds do; without it a kubelet says v0.0.0 and the API
# server's skew rules and this project's own detection would misjudge it.
tools_ldflags() {
  local k8s=k8s.io/component-base/version minor=${VERSION#*.}
  case $BUNDLE in
    docker-build-*) echo "-X github.com/pulumi/pulumi-docker-build/provider.Version=$VERSION" ;;
    pulumi-*) echo "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$VERSION" ;;
    kubernetes-* | kubeadm-*)
      echo "-X $k8s.gitVersion=v$VERSION -X $k8s.gitMajor=${VERSION%%.*} -X $k8s.gitMinor=${minor%%.*}"
      ;;
    cri-tools-*) echo "-X sigs.k8s.io/cri-tools/pkg/version.Version=v$VERSION" ;;
    ignition-*) echo "-X github.com/coreos/ignition/v2/internal/version.Raw=v$VERSION" ;;
    cri-dockerd-*) echo "-X github.com/Mirantis/cri-dockerd/cmd/version.Version=$VERSION" ;;
    containerd-1.*) echo "-X github.com/containerd/containerd/version.Version=v$VERSION" ;;
    containerd-*) echo "-X github.com/containerd/containerd/v2/version.Version=v$VERSION" ;;
  esac
}

# tools_tags: what to leave out of a build because C libraries are missing.
tools_tags() {
  case $BUNDLE in
    cri-o-*) echo containers_image_ostree_stub,exclude_graphdriver_btrfs,containers_image_openpgp ;;
  esac
}
