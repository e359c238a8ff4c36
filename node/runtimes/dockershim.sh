# shellcheck shell=sh
# dockershim: docker behind a kubelet up to 1.23, as a part of the kubelet itself. Its sandbox image is the kubelet's flag.

# Reads docker. Sets $socket, $target, $runtime_name, $unit, $daemon, $namer, $runtime_version, $reach, $watched. Dies with PS-N022.
dockershim_find() {
  [ -z "$no_flag" ] || die 022 "the dockershim knows its sandbox image by $flag alone: leave kubeletFlag out"
  loaded docker
  runtime_name=dockershim unit=kubelet daemon=docker namer=docker
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

dockershim_heal() { docker_heal; }
