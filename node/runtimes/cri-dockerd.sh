# shellcheck shell=sh disable=SC2034,SC2154 # the parts share their variables: node/pack.ts joins them
# cri-dockerd: docker behind a kubelet. It takes the sandbox image from a flag, which a drop-in of ours gives to its unit.

cri_dockerd_unit=/etc/systemd/system/cri-docker.service.d/zz-pause-sandbox.conf
docker_certs=/etc/docker/certs.d

cri_dockerd_find() {
  loaded cri-docker || die 005 'cri-docker.service is not loaded, although the kubelet speaks to it: see systemctl status cri-docker'
  runtime_name=cri-dockerd
  cri_dockerd=$(show_path)
  runtime_version=$("$cri_dockerd" --version 2>&1 | sed -n 's/^cri-dockerd v\{0,1\}\([^ ]*\).*/\1/p')
  socket=$(systemctl show cri-docker.socket -p Listen | sed -n 's/^Listen=\(.*\) (.*/\1/p')
  socket=${socket:-/run/cri-dockerd.sock}
  target=$cri_dockerd_unit
  reach='*/certs.d/*'
  watched=$cri_dockerd$nl${target%/*}
  docker_only_ca
}

# What docker can be told of one registry in a file of its own is whom to trust.
docker_only_ca() {
  [ -z "$mirrors$plain_http" ] ||
    die 022 "docker pulls for $runtime_name, and keeps mirrors and plain HTTP in /etc/docker/daemon.json, which is not edited here: set registry-mirrors or insecure-registries there, and leave mirrors and plainHttp out"
  [ -z "$auth" ] ||
    die 022 "docker pulls for $runtime_name, with the logins in /var/lib/kubelet/config.json or root's .docker/config.json: put the login for $registry there, and leave it out here"
}

cri_dockerd_read() {
  : >"$plan/before"
  sandbox_before=$(running_flag cri-docker)
}

cri_dockerd_trust() { want_ca "$docker_certs/$registry/ca.crt"; }

cri_dockerd_plan() { plan_unit cri-docker "$target" "$image"; }

cri_dockerd_check() { :; }

cri_dockerd_restart() {
  restart cri-docker || die 015 'cri-dockerd does not restart: see systemctl status cri-docker'
  within 60 cri version || die 015 "cri-dockerd does not answer on $socket after its restart: see journalctl -u cri-docker"
}

cri_dockerd_pull() { cri_pull; }

# Its word on a sandbox has no image; the sandbox is a container of docker's.
docker_seen() { docker inspect -f '{{.Config.Image}}' "$sandbox" 2>"$home/error"; }
