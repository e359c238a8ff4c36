# shellcheck shell=sh
# cri-dockerd: docker behind a kubelet. It takes the sandbox image from a flag, which a drop-in of ours gives to its unit.

cri_dockerd_unit=/etc/systemd/system/cri-docker.service.d/zz-pause-sandbox.conf
docker_certs=/etc/docker/certs.d

# Reads the unit, its process and its socket. Sets $cri_dockerd, $socket, $target, $runtime_name, $unit, $socket_unit, $daemon, $namer,
# $runtime_version, $reach, $watched. Dies with PS-N005.
cri_dockerd_find() {
  if ! loaded cri-docker; then
    case $show in
      *LoadState=masked*) die 005 'cri-docker.service is masked, although the kubelet speaks to it: systemctl unmask cri-docker' ;;
    esac
    die 005 "cri-docker.service is not loaded, although the kubelet speaks to it: see systemctl status cri-docker; with RKE, set system_images.pod_infra_container in cluster.yml"
  fi
  runtime_name=cri-dockerd unit=cri-docker socket_unit=cri-docker.socket daemon=cri-docker namer=docker
  need_docker
  program_of cri-docker
  cri_dockerd=$program
  runtime_version=$(bounded 60 "$cri_dockerd" --version 2>&1 | sed -n 's/^cri-dockerd v\{0,1\}\([^ ]*\).*/\1/p')
  socket=$(daemon_option cri-docker '' container-runtime-endpoint)
  case $socket in
    unix://*) socket=${socket#unix://} ;;
    /*) ;;
    # fd:// is what systemd listens on, and the default.
    *)
      socket=$(systemctl show cri-docker.socket -p Listen | sed -n 's/^Listen=\(.*\) (Stream)$/\1/p' | head -n 1)
      socket=${socket:-/run/cri-dockerd.sock}
      ;;
  esac
  target=$cri_dockerd_unit
  reach='*/certs.d/*'
  watched=$cri_dockerd$nl${target%/*}
  docker_only_ca
}

# Only docker itself tells the image of a sandbox.
need_docker() { need_tool docker "install its command line (docker-cli or docker-ce-cli), which shows the image of a sandbox of $runtime_name"; }

# What docker can be told of one registry in a file of its own is whom to trust. Dies with PS-N022.
docker_only_ca() {
  [ -z "$mirrors" ] ||
    die 022 "docker pulls for $runtime_name, and its registry-mirrors in /etc/docker/daemon.json serve Docker Hub only: leave mirrors out, and name the mirror itself as the registry of the image"
  [ -z "$plain_http" ] ||
    die 022 "docker pulls for $runtime_name, and keeps plain HTTP in /etc/docker/daemon.json, which the script does not edit: add $registry to insecure-registries there, and leave plainHttp out"
  if [ -z "$kept_login" ]; then return 0; fi
  case $runtime in
    cri_dockerd) where='/.docker/config.json or /config.json (docker --config /.docker login), since it runs without a HOME' ;;
    *) where="/var/lib/kubelet/config.json or root's .docker/config.json" ;;
  esac
  die 022 "docker pulls for $runtime_name, with the logins in $where: put the login for $registry there and leave it out here, or let it not stay on the node (trust.login.keep: false; keepPullLogin in a stack)"
}

# flag_default PROGRAM: the sandbox image that a program has built in, which its own help tells.
flag_default() {
  bounded 60 "$1" --help 2>&1 | sed -n "s/.*$flag .*(default \"\{0,1\}\([^\")]*\)\"\{0,1\}).*/\1/p" | head -n 1
}

# Reads the process that runs. Sets $sandbox_before. Writes $plan/before, which is empty: there is no file to compare.
cri_dockerd_read() {
  : >"$plan/before"
  loaded cri-docker || :
  sandbox_before=$(daemon_option cri-docker '' "${flag#--}")
  [ "$sandbox_before" ] || sandbox_before=$(flag_default "$cri_dockerd")
}

cri_dockerd_trust() {
  own_ca "$docker_certs/$registry"
  want_ca "$own_ca"
}

cri_dockerd_plan() { plan_unit cri-docker "$target" "$image"; }

cri_dockerd_check() { :; }

# Restarts cri-docker, and has taken compare what it reads.
cri_dockerd_restart() {
  restart_runtime
  [ "$leaving" ] || taken "$image" "$(daemon_option cri-docker '' "${flag#--}")"
}

cri_dockerd_pull() { cri_pull; }

# Its word on a sandbox has no image; the sandbox is a container of docker's. Reads docker.
docker_seen() { ask_docker inspect -f '{{.Config.Image}}' "$sandbox"; }
docker_handlers() { :; }

cri_dockerd_heal() { docker_heal; }
