# shellcheck shell=sh
# Login: how a pull of ours gets the login for the registry. It goes to the runtime through crictl, as a kubelet gives it the login of
# a Pod, so that the runtime sends it to the registry and to where that gives out tokens.

# The program by which crictl gets the login; none where there is no login, or no mirror may get it.
login_program=''

# By the environment of crictl alone: everybody can read a command line, and `timeout` needs no login. Without a configuration: with one
# it may print what it sends.
# shellcheck disable=SC2016 # another shell expands it
login_by_auth='IFS= read -r CRICTL_AUTH; export CRICTL_AUTH; exec "$0" --config /dev/null "$@"'
# Docker's runtimes take user and password only.
# shellcheck disable=SC2016 # as above
login_by_creds='CRICTL_CREDS=$(base64 -d); export CRICTL_CREDS; exec "$0" --config /dev/null "$@"'

# Refuses a login that the runtime cannot get, or that others would, while the node is untouched. Reads crictl's help. Sets
# $login_program. Dies with PS-N003, PS-N022.
refuse_login() {
  if [ -z "$login" ] || [ "$archive" ]; then return 0; fi
  if [ "$namer" = ctr ] && [ "$mirrors" ]; then
    [ "$kept_login" ] ||
      die 022 "containerd gives the login of a pull to each mirror that asks for one: leave mirrors out, or let the login stay on the node (trust.login.keep; keepPullLogin in a stack)"
    return 0
  fi
  case $namer in
    docker)
      need_tool base64 'install it, it unpacks the login for crictl'
      by=CRICTL_CREDS login_program=$login_by_creds
      ;;
    *) by=CRICTL_AUTH login_program=$login_by_auth ;;
  esac
  case $(bounded 60 crictl pull --help 2>/dev/null) in
    *"\$$by"*) ;;
    *) die 003 "$(bounded 60 crictl --version 2>/dev/null) takes a login on its command line only, where every user of the node can read it: install crictl 1.24 or later" ;;
  esac
}

# pull_once NAME: by CRI, with the login if there is one. Changes the runtime's images. Sets $limiter. Writes $error_file.
pull_once() {
  [ -z "$login_program" ] || limiter=with_login
  came=0
  cri pull "$1" >/dev/null || came=$?
  limiter=bounded
  return "$came"
}

# with_login SECONDS CRICTL ARGUMENT…: as bounded, with the login.
with_login() {
  limit=$1
  shift
  lines "$login" | timeout "$limit" sh -c "$login_program" "$@" 8>&- 9>&- &
  awaited
}

# login_advice: what to do where the registry does not let the node pull.
login_advice() {
  field='trust.login (pullUsername and pullPassword in a stack file)'
  if [ -z "$login" ]; then
    printf %s "; see $field"
  elif [ -z "$login_program" ] && [ "$runtime" = containerd ]; then
    printf '; beside mirrors, containerd gets the login from hosts.toml alone, and before 2.1 sends it to no token server: leave mirrors out'
  else
    printf %s "; the registry does not take the login of $field for this repository: give one that may pull it"
  fi
}
