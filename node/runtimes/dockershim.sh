# shellcheck shell=sh
# dockershim: docker behind a kubelet up to 1.23, as a part of the kubelet itself. Its sandbox image is the kubelet's flag.

# Reads docker. Sets $socket, $target, $runtime_name, $runtime_version, $reach, $watched. Dies with PS-N022.
dockershim_find() {
  [ -z "$no_flag" ] || die 022 "the dockershim knows its sandbox image by $flag alone: leave kubeletFlag out"
  loaded docker
  runtime_name=dockershim
  need_docker
  runtime_version=$(bounded 60 docker version -f '{{.Server.Version}}' 2>/dev/null) || :
  socket=/var/run/dockershim.sock
  target=${kubelet:-kubelet}
  reach='*/certs.d/*'
  watched=''
  docker_only_ca
}

# Reads the process that runs. Sets $sandbox_before. Writes $plan/before, which is empty: there is no file to compare.
dockershim_read() {
  : >"$plan/before"
  sandbox_before=$(option_in "$(argv_of kubelet)" '' "${flag#--}")
  [ "$sandbox_before" ] || sandbox_before=$(flag_default "$kubelet")
}

dockershim_trust() { cri_dockerd_trust; }

dockershim_plan() { :; }

dockershim_check() { :; }

dockershim_restart() { settle_kubelet; }

dockershim_pull() { cri_pull; }

# Its units, the restarted one first; the unit of its process; what a sandbox runs on; who names its images.
dockershim_units() { printf '%s\n' kubelet; }
dockershim_daemon() { printf '%s\n' docker; }
dockershim_seen() { docker_seen; }
dockershim_namer() { echo docker; }
dockershim_serves() { :; }
dockershim_lists() { list_target; }
dockershim_reaches() { docker_reaches; }
dockershim_home() { docker_home; }
dockershim_pulls() { printf '%s\n' docker; }
