# shellcheck shell=sh
# Runtimes: what only the doctor asks of each runtime, beside the functions that `plan` has.
#   _serves   dies if the runtime cannot serve CRI            _home    the directory of its images
#   _lists    the files that it reads, $plan/load             _pulls   the unit that pulls images
#   _reaches  what says how it reaches a registry

# The files that a runtime reads, where it is one that decides. Writes $plan/load.
list_target() { lines "$target" >"$plan/load"; }

containerd_serves() {
  refuse_disabled
  refuse_deaf
}

containerd_lists() { list_files; }
containerd_reaches() { told_hosts; }
containerd_home() { root=$(runtime_has root) && echo "${root:-/var/lib/containerd}"; }
containerd_pulls() { lines "$daemon"; }

crio_serves() { :; }
crio_lists() { list_target; }
crio_home() { root=$(runtime_has 'crio|root') && echo "${root:-/var/lib/containers/storage}"; }
crio_pulls() { lines "$daemon"; }

# Its files that name the registry or a pattern, or that may refuse an image, are not read. Reads $plan/before.
crio_reaches() {
  diverts=$(
    grep -lF -e "$registry" -e '"*.' /etc/containers/registries.conf /etc/containers/registries.conf.d/*.conf 2>/dev/null
    grep -lE '"(reject|signedBy|sigstoreSigned)"' /etc/containers/policy.json 2>/dev/null
  ) || :
  set -- /dev/null
  for key in pause_image_auth_file global_auth_file; do
    file=$(runtime_has "crio|image|$key")
    [ -z "$file" ] || set -- "$@" "$file"
  done
  told_certificates "$diverts" "$(has_login "$@")" /etc/containers/certs.d /etc/docker/certs.d
}

cri_dockerd_serves() { :; }
cri_dockerd_lists() { list_target; }
cri_dockerd_reaches() { docker_reaches; }
cri_dockerd_home() { docker_home; }
cri_dockerd_pulls() { lines docker; }

docker_home() { bounded 20 docker info -f '{{.DockerRootDir}}' 2>/dev/null || echo /var/lib/docker; }

# The files that docker reads of a registry. Its own mirrors are not read.
docker_reaches() {
  diverts=$(grep -lE '"(registry-mirrors|insecure-registries)"' /etc/docker/daemon.json 2>/dev/null) || :
  told_certificates "$diverts" "$(has_login /.docker/config.json /config.json /root/.docker/config.json /var/lib/kubelet/config.json)" "$docker_certs"
}

dockershim_serves() { :; }
dockershim_lists() { list_target; }
dockershim_reaches() { docker_reaches; }
dockershim_home() { docker_home; }
dockershim_pulls() { lines docker; }

k3s_serves() { :; }
k3s_lists() { list_target; }
k3s_home() { echo "$data/agent/containerd"; }
k3s_pulls() { lines "$daemon"; }

# The directory that it wrote for its containerd. Sets $certs.
k3s_reaches() {
  certs=${generated%/*}/certs.d
  told_hosts
}
