# shellcheck shell=bash
# A Python that has Pulumi's SDK and a type checker: a virtual environment of the packages in python.txt.

PYTHON_PACKAGES=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/python.txt

# python_tool: its directory is named after its list and Python's version: another of these needs another.
python_tool() {
  local version dir log=$CACHE/log/python.log
  python3 -c 'import ensurepip, venv' 2>/dev/null || apt_ensure python3 python3-venv >&2 || return 1
  version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')-$(sha256sum <"$PYTHON_PACKAGES" | cut -c1-12)
  dir=$CACHE/python/$version
  if [ -x "$dir/bin/python" ]; then
    log "python: cached ($dir)"
  else
    cache_guard
    cache_begin "python-$version"
    [ -x "$dir/bin/python" ] || log_step "Python's packages" python_fetch "$dir" "$log" || return 1
    cache_end
  fi
  printf '%s\n' "$dir/bin/python"
}

# python_fetch DIR LOG: moved into place when it is complete, so only `python -m` runs its commands.
python_fetch() {
  local part=$CACHE_STAGE/venv
  mkdir -p "$CACHE/python"
  if ! cache_run python_install "$part" >"$2" 2>&1; then
    tail -n 5 "$2" >&2
    ! python_unreachable "$2" ||
      log_fail "PyPI cannot be reached; name a mirror with PIP_INDEX_URL, and run it again"
    return 1
  fi
  mv -T "$part" "$1"
}

# Nothing is compiled, and no code of a package runs while it is installed.
python_install() {
  nice python3 -m venv "$1" && nice "$1/bin/python" -m pip install --only-binary :all: --requirement "$PYTHON_PACKAGES"
}

# python_unreachable LOG: whether it is the network that the installation failed for.
python_unreachable() { grep -qE 'NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Failed to establish' "$1"; }
