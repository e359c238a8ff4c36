# shellcheck shell=sh
# Settings: what this run is asked to do, read as data from arguments and stdin, and how it talks to people.
#
# An argument is `key=value`, a line of stdin `key value`. The value goes verbatim to its end and is never evaluated. A repeated
# `ca` appends a line, a repeated `mirror` appends a mirror. A script that came as a file brings its certificates along.

asked='' copied='' node=node owner='' image='' digest='' ca=${file_ca:-} archive=${file_archive:-} archive_sum='' mirrors='' plain_http='' no_flag='' no_heal='' login='' kept_login='' settings='' given_name=''
# What `exit` says when something goes wrong: 2 bad settings, 3 refused with the node untouched, 4 failed and rolled
# back, 5 failed and not rolled back.
fail=2
nl='
'
tab='	'

# lines TEXT…: each on a line of its own.
lines() { printf '%s\n' "$@"; }

# say TEXT…: a line for people on stderr. A closed SSH session must not break a transaction half-way, so a message that nobody reads
# is no failure. Anything but plain ASCII goes through `visible`.
say() {
  set -- "[$node] $*"
  case $1 in
    *[!\ -~]*) lines "$1" | visible >&2 || : ;;
    *) lines "$1" >&2 || : ;;
  esac
}

# visible: stdin with `?` for each character that a terminal obeys, or that nobody sees, in UTF-8. Newlines and tabs stay. Files, names
# and errors of tools are other people's.
visible() {
  LC_ALL=C awk '{
    gsub(/[\001-\010\013-\037\177]|\302[\200-\237\255]|\342\200[\213-\217\250-\256]|\342\201[\240-\257]|\357\273\277/, "?")
    print
  }'
}

# coded CODE TEXT: says it with its code and its page.
coded() { say "PS-N$1 $2, see docs/errors/PS-N$1.md"; }

# die CODE TEXT…: the one way to fail on purpose. The text names file, key, value and the way out. Sets $said.
die() {
  code=$1
  shift
  said=1
  # Tools print errors over many lines; one line per failure is what people can grep. No tool joins them: one may be missing.
  set -f
  IFS=$nl$tab
  # shellcheck disable=SC2048,SC2086 # one word per line
  set -- $*
  unset IFS
  set +f
  coded "$code" "$*"
  exit "$fail"
}

# setting LINE: takes one `key value`. Sets $settings, $copied, $node, $given_name, $owner, $image, $digest, $ca, $archive, $archive_sum,
# $mirrors, $plain_http, $no_flag, $no_heal, $login, $kept_login. Dies with PS-N002.
setting() {
  value=${1#* }
  case $1 in
    # It only has the engine run us again.
    'recheck '*) return 0 ;;
    # Where the script was copied to, in the home directory of who logs in.
    'copy '*)
      copied=$value
      case $value in */* | [!.]*) die 002 "copy '$value': use a name in the home directory" ;; esac
      return 0
      ;;
    # A login for this run alone: another one is no other request.
    'login once '*)
      login=${value#once } kept_login=''
      settings="${settings}login once$nl"
      return 0
      ;;
  esac
  settings=$settings$1$nl
  case $1 in
    'node '*) node=$value given_name=1 ;;
    'owner '*) owner=$value ;;
    'image '*) image=$value ;;
    'digest '*) digest=$value ;;
    'ca '*) ca=$ca$value$nl ;;
    # People compare it with what they know; the certificate itself came with the script.
    'ca-sha256 '*) [ "$ca" ] || die 002 "ca-sha256 '$value': the script's file has no certificate" ;;
    # The image as an archive, gzipped, in base64; it came with the script, or on stdin.
    'archive '*) archive=$value ;;
    'archive-sha256 '*)
      archive_sum=$value
      [ "$archive" ] || die 002 "archive-sha256 '$value': the script's file has no image"
      ;;
    'mirror '*) mirrors=$mirrors$value$nl ;;
    'plain-http 1') plain_http=1 ;;
    'kubelet-flag 0') no_flag=1 ;;
    'self-heal 0') no_heal=1 ;;
    # The base64 of user:password, as every runtime's file has it.
    'login '*) login=$value kept_login=$value ;;
    *) die 002 "unknown setting '${1%% *}'" ;;
  esac
}

# settings_read [KEY=VALUE…]: takes the settings as data. What is not known, or could break out of where it is written, is
# refused. Reads $asked, stdin. Sets $node, $registry, $id, $archive, and what setting sets. Dies with PS-N002.
settings_read() {
  for word in "$@"; do
    case $word in
      # Everybody on the node can read a command line.
      'login='*) die 002 'login: send it on stdin, never on the command line' ;;
      *=*) setting "${word%%=*} ${word#*=}" ;;
      *) die 002 "'$word' is not key=value" ;;
    esac
  done
  while IFS= read -r line; do setting "$line"; done
  # A machine that is made from a payload has no name yet when the payload is written.
  [ "$given_name" ] || node=$(uname -n)
  # The reference ends up in TOML, in a unit's environment and on command lines: nothing but its own characters.
  registry=${image%%/*}
  case $image in
    *[!]a-zA-Z0-9./:_[-]* | *//*) ok='' ;;
    *) ok=1 ;;
  esac
  case ${image#*/} in
    *:*/* | *:*:* | :* | */:* | *:) ok='' ;;
    # It becomes the name of a directory, and a word of a command line.
    */.* | .* | */-* | -*) ok='' ;;
    ?*:?*) ;;
    *) ok='' ;;
  esac
  case $registry in "$image" | '' | [!a-zA-Z0-9[]*) ok='' ;; esac
  # Who gives a node back names no image.
  if [ -z "$image" ] && [ "$asked" = restore ]; then ok=1; fi
  [ "$ok" ] || die 002 "image '$image': use host[:port]/repository:tag"
  # The script's file has one for every verb: it counts where it is asked for.
  [ "$archive_sum" ] || archive=''
  [ -z "$archive" ] || [ "$digest" ] || die 002 'archive-sha256: it comes with the digest of its image'
  case $login in *[!A-Za-z0-9+/=]*) die 002 'login: the base64 of user:password' ;; esac
  case $mirrors in *[!]a-zA-Z0-9./:_${nl}[-]*) die 002 "mirror: use URLs such as https://mirror.example.com:5000" ;; esac
  # What was asked, and by which version of this script: the same again is a no-op.
  # Where the tool is missing, need_tools names it next.
  if command -v sha256sum >/dev/null; then id=$(printf %s "$script_id$settings" | sha256sum); fi
}
