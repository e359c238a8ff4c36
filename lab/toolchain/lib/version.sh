# shellcheck shell=bash
# Which version an executable is, and whether that will do.

# version_of FILE TOOL: the bare version (1.34.2), or nothing when it does not tell.
version_of() {
  local flag
  case $2 in
    pulumi | kubeadm) flag=version ;;
    kubectl) flag='version --client' ;;
    *) flag=--version ;;
  esac
  # shellcheck disable=SC2086 # two words on purpose
  "$1" $flag 2>/dev/null </dev/null | grep -oE '\bv?[0-9]+\.[0-9]+\.[0-9]+' | head -n 1 | sed 's/^v//' || true
}

# version_le A B: A ≤ B, compared as versions.
version_le() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

version_minor() { local rest=${1#*.} && echo "${rest%%.*}"; }

# version_fits RULE WANTED FOUND
version_fits() {
  local rule=$1 wanted=$2 found=$3 skew
  [ -n "$found" ] || return 1
  case $rule in
    exact) [ "$found" = "$wanted" ] ;;
    minor) [ "${found%.*}" = "${wanted%.*}" ] ;;
    from:*) [ "${found%%.*}" = "${wanted%%.*}" ] && version_le "${rule#from:}" "$found" ;;
    skew)
      skew=$(($(version_minor "$found") - $(version_minor "$wanted")))
      [ "${found%%.*}" = "${wanted%%.*}" ] && [ "$skew" -ge -1 ] && [ "$skew" -le 1 ]
      ;;
    *) return 1 ;;
  esac
}

# version_on_path: prints the directory of the selected tool on PATH when all of its files are there and fit.
version_on_path() {
  local first found file dir
  first=$(command -v "${FILES%% *}") || return 1
  dir=$(dirname "$first")
  found=$(version_of "$first" "$TOOL")
  if ! version_fits "$FITS" "$VERSION" "$found"; then
    log "$TOOL $VERSION: $first is ${found:-of unknown version}, which does not fit"
    return 1
  fi
  for file in $FILES; do
    [ -x "$dir/$file" ] || return 1
  done
  log "$TOOL $VERSION: on PATH ($first, $found)"
  printf '%s\n' "$dir"
}
