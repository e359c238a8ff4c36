# shellcheck shell=sh
# cri-dockerd: docker behind a kubelet. It takes the sandbox image from a flag, which a drop-in of ours gives to its unit.

cri_dockerd_unit=/etc/systemd/system/cri-docker.service.d/zz-pause-sandbox.conf
docker_certs=/etc/docker/certs.d

# Reads the unit, its process and its socket. Sets $cri_dockerd, $socket, $target, $runtime_name, $runtime_version, $reach,
# $watched. Dies with PS-N005.
cri_dockerd_find() {
  if ! loaded cri-docker; then
    case $show in
      *LoadState=masked*) die 005 'cri-docker.service is masked, although the kubelet speaks to it: systemctl unmask cri-docker' ;;
    esac
    die 005 "cri-docker.service is not loaded, although the kubelet speaks to it: see systemctl status cri-docker; with RKE, set system_images.pod_infra_container in cluster.yml"
  fi
  runtime_name=cri-dockerd
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

# Only docker itself tells the image of a sandbox. Dies with PS-N003.
need_docker() {
  command -v docker >/dev/null ||
    die 003 "docker is not on PATH ($PATH): install its command line (docker-cli or docker-ce-cli), which shows the image of a sandbox of $runtime_name"
}

# What docker can be told of one registry in a file of its own is whom to trust. Dies with PS-N022.
docker_only_ca() {
  [ -z "$mirrors" ] ||
    die 022 "docker pulls for $runtime_name, and its registry-mirrors in /etc/docker/daemon.json serve Docker Hub only: leave mirrors out, and name the mirror itself as the registry of the image"
  [ -z "$plain_http" ] ||
    die 022 "docker pulls for $runtime_name, and keeps plain HTTP in /etc/docker/daemon.json, which the script does not edit: add $registry to insecure-registries there, and leave plainHttp out"
  if [ -z "$login" ]; then return 0; fi
  case $runtime in
    cri_dockerd) die 022 "docker pulls for cri-dockerd, which runs without a HOME and reads its logins from /.docker/config.json or /config.json: put the login for $registry there (docker --config /.docker login), and leave it out here" ;;
    *) die 022 "docker pulls for $runtime_name, with the logins in /var/lib/kubelet/config.json or root's .docker/config.json: put the login for $registry there, and leave it out here" ;;
  esac
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

# Restarts cri-docker, waits until it answers, and has taken compare what it reads. Dies with PS-N015, and as taken does.
cri_dockerd_restart() {
  restart cri-docker || die 015 'cri-dockerd does not restart: see systemctl status cri-docker'
  within 60 cri version || die 015 "cri-dockerd does not answer on $socket after its restart: see journalctl -u cri-docker"
  [ "$leaving" ] || taken "$image" "$(daemon_option cri-docker '' "${flag#--}")"
}

cri_dockerd_pull() { cri_pull; }

# Its word on a sandbox has no image; the sandbox is a container of docker's. Reads docker. Writes $home/error.
docker_seen() { bounded 60 docker inspect -f '{{.Config.Image}}' "$sandbox" 2>"$home/error"; }

# Its units, the restarted one first; the unit of its process; what a sandbox runs on; who names its images.
cri_dockerd_units() { printf '%s\n' cri-docker cri-docker.socket; }
cri_dockerd_daemon() { printf '%s\n' cri-docker; }
cri_dockerd_seen() { docker_seen; }
cri_dockerd_namer() { echo docker; }
cri_dockerd_serves() { :; }
cri_dockerd_lists() { list_target; }
cri_dockerd_reaches() { docker_reaches; }
cri_dockerd_home() { docker_home; }
docker_home() { bounded 20 docker info -f '{{.DockerRootDir}}' 2>/dev/null || echo /var/lib/docker; }
cri_dockerd_pulls() { printf '%s\n' docker; }

# What docker reads of a registry. Its own mirrors are not read.
docker_reaches() {
  diverts=$(grep -lE '"(registry-mirrors|insecure-registries)"' /etc/docker/daemon.json 2>/dev/null) || :
  told_certificates "$diverts" "$(has_login /.docker/config.json /config.json /root/.docker/config.json /var/lib/kubelet/config.json)" "$docker_certs"
}
