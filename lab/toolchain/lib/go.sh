# shellcheck shell=bash
# A Go that can build a module: the one on PATH, or a newer one that it fetches, or, from Debian's old one, the
# toolchain module that newer Gos would fetch by themselves.

# What an old Go fetches. At least the highest `go` line under modules/; a test checks that.
GO_FALLBACK=1.26.8

# go_version FILE: 1.26.1; nothing when it is no Go.
go_version() { GOTOOLCHAIN=local "$1" version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p'; }

# go_find NEEDED: sets GO to an executable that builds a module whose go.mod says `go NEEDED`.
go_find() {
  local needed=$1 found
  GO=$(command -v go || true)
  found=$([ -z "$GO" ] || go_version "$GO")
  if [ -n "$found" ] && version_le "$needed" "$found"; then
    export GOTOOLCHAIN=local
  elif [ -n "$found" ] && version_le 1.21.0 "$found"; then
    log "Go $found on PATH is older than $needed: it fetches what it needs"
    export GOTOOLCHAIN=auto
  else
    go_fallback "$found"
  fi
}

# go_tool: prints the Go that sdkgen is built with, for tests that compile what it writes.
go_tool() {
  cache_guard
  cache_begin go
  go_find "$(sed -n 's/^go //p' "$MODULES"/sdkgen-*/go.mod | sort -V | tail -n 1)" >&2 || return 1
  cache_end
  log "go: $GO"
  printf '%s\n' "$GO"
}

# go_fallback FOUND: sets GO to the toolchain module's, which any Go that knows modules can fetch and verify.
go_fallback() {
  local root=$CACHE/go/$GO_FALLBACK
  if [ ! -x "$root/bin/go" ]; then
    if [ -z "$1" ]; then
      log "no Go on PATH: taking Debian's to fetch Go $GO_FALLBACK"
      apt_ensure golang-go ca-certificates || return 1
      GO=$(command -v go || echo /usr/lib/go/bin/go)
    fi
    log_step "Go $GO_FALLBACK as a module, by $("$GO" version)" go_fetch "$GO" "$root" || return 1
  fi
  GO=$root/bin/go
  export GOTOOLCHAIN=local GOROOT=$root
}

# go_fetch GO ROOT: a module's zip holds no modes and no nested go.mod files, so both are put right, as `go` itself does.
go_fetch() {
  local module=golang.org/toolchain@v0.0.1-go$GO_FALLBACK.linux-amd64 part=$2.part log=$CACHE/log/go.log dir
  mkdir -p "$CACHE/go" "$CACHE_STAGE/empty"
  (cd "$CACHE_STAGE/empty" && "$1" mod download -json "$module") >"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    ! module_unreachable "$log" || module_hint
    return 1
  }
  dir=$(sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' "$log")
  [ -n "$dir" ] || return 1
  rm -rf "$part"
  cp -R "$dir" "$part" || return 1
  chmod -R u+w "$part"
  chmod 0755 "$part"/bin/* "$part"/pkg/tool/*/*
  find "$part" -name _go.mod -execdir mv _go.mod go.mod \;
  mv -T "$part" "$2"
}
