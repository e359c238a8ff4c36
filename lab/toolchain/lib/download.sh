# shellcheck shell=bash
# Official downloads. Each is checked against the checksum file published beside it; whatever goes wrong is one line and
# the next source's turn.

# A mirror of the download sites, laid out as MIRROR/SITE/PATH; also what the tests use.
DOWNLOAD_MIRROR=${PAUSE_SANDBOX_DOWNLOAD_MIRROR:-}
DOWNLOAD_UNREACHABLE=' '
DOWNLOAD_WHY=

download_url() {
  if [ -n "$DOWNLOAD_MIRROR" ]; then
    printf '%s/%s/%s' "${DOWNLOAD_MIRROR%/}" "$1" "$2"
  else
    printf 'https://%s/%s' "$1" "$2"
  fi
}

# download_file SITE PATH TO. A site that cannot be reached is asked once per run: behind a firewall that drops packets
# each further try would cost the whole connect time-out.
download_file() {
  local site=$1 status=0
  case $DOWNLOAD_UNREACHABLE in
    *" $site "*)
      DOWNLOAD_WHY="$site cannot be reached"
      return 1
      ;;
  esac
  command -v curl >/dev/null || {
    DOWNLOAD_WHY='curl is not installed'
    return 1
  }
  # Stalled for 10 s counts as gone; how long a large file may take depends on the line, so there is no limit on that.
  cache_run curl -fsSL --connect-timeout 4 --speed-limit 1024 --speed-time 10 -o "$3" "$(download_url "$site" "$2")" \
    2>/dev/null || status=$?
  case $status in
    0) return 0 ;;
    22) DOWNLOAD_WHY="$site has no $2" ;;
    *)
      DOWNLOAD_UNREACHABLE="$DOWNLOAD_UNREACHABLE$site "
      DOWNLOAD_WHY="$site cannot be reached (curl exit code $status)"
      ;;
  esac
  return 1
}

# download_verify FILE NAME SUMS: NAME's SHA-256 in SUMS, which is either "HASH  NAME" lines or one bare hash.
download_verify() {
  local expected actual
  expected=$(awk -v name="$2" 'NF == 1 || $2 == name || $2 == "*" name { print $1; exit }' "$3")
  actual=$(sha256sum <"$1")
  if [ -z "$expected" ] || [ "$expected" != "${actual%% *}" ]; then
    DOWNLOAD_WHY="checksum of $2 is ${actual%% *}, published is ${expected:-missing}: refused"
    return 1
  fi
}

# download_unpack FILE: the executables of an archive, or the file itself, into the stage's out.
download_unpack() {
  case $URL_PATH in
    *.tar.gz)
      mkdir "$CACHE_STAGE/unpacked"
      tar -xzf "$1" -C "$CACHE_STAGE/unpacked" --no-same-owner || {
        DOWNLOAD_WHY="${URL_PATH##*/} does not unpack"
        return 1
      }
      find "$CACHE_STAGE/unpacked" -type f -perm -u+x -exec mv -t "$CACHE_STAGE/out" {} +
      ;;
    *) mv "$1" "$CACHE_STAGE/out/$FILES" ;;
  esac
}

# download_tool: the selected tool from its official site.
download_tool() {
  local file=$CACHE_STAGE/file sums=$CACHE_STAGE/sums start=$SECONDS
  [ -n "$SITE" ] || return 1
  [ "$(uname -m)" = x86_64 ] || {
    log "$TOOL $VERSION: no download, only amd64 is wired up"
    return 1
  }
  # shellcheck disable=SC2153 # set by tools_select
  if download_file "$SITE" "$SUM_PATH" "$sums" &&
    download_file "$SITE" "$URL_PATH" "$file" &&
    download_verify "$file" "${URL_PATH##*/}" "$sums" &&
    download_unpack "$file"; then
    cache_publish "$BUNDLE" "downloaded from $SITE, checksum verified"
    log "$TOOL $VERSION: downloaded from $SITE in $(log_duration $((SECONDS - start))), checksum verified"
  else
    log "$TOOL $VERSION: no download: $DOWNLOAD_WHY"
    return 1
  fi
}

# download_reachable SITE…: whether one of them answers at all.
download_reachable() {
  local site
  for site in "$@"; do
    case $DOWNLOAD_UNREACHABLE in *" $site "*) continue ;; esac
    curl -sS -o /dev/null --connect-timeout 4 --max-time 8 "$(download_url "$site" '')" 2>/dev/null && return 0
    DOWNLOAD_UNREACHABLE="$DOWNLOAD_UNREACHABLE$site "
  done
  return 1
}
