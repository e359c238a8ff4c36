# shellcheck shell=bash
# Tools built from their published Go modules: modules/BUNDLE holds a go.mod whose `tool` lines name the commands, and a
# go.sum that pins every byte that goes in.

MODULES=$(cd "$(dirname "${BASH_SOURCE[0]}")/../modules" && pwd)

# module_tool: builds the selected tool's whole bundle. Its tools share most packages and the lab wants them all.
module_tool() {
  local dir=$MODULES/${BUNDLE/-v1alpha2-/-} start=$SECONDS origin
  [ -f "$dir/go.mod" ] || {
    log_fail "$TOOL $VERSION: nothing to build it from" \
      "there is no lab/toolchain/modules/$BUNDLE; add it with lab/toolchain/modules/add (see its --help)"
    return 1
  }
  origin="built from $(module_name "$dir/go.mod") v$VERSION"
  go_find "$(sed -n 's/^go //p' "$dir/go.mod")" || return 1
  log "$TOOL $VERSION: building it with $(module_go version | cut -d' ' -f3) …"
  module_build "$dir" || {
    log_fail "$BUNDLE: the build failed; the end of $CACHE/log/$BUNDLE.log:"
    tail -n 15 "$CACHE/log/$BUNDLE.log" >&2
    ! module_unreachable "$CACHE/log/$BUNDLE.log" || module_hint
    return 1
  }
  cache_publish "$BUNDLE" "$origin"
  log "$TOOL $VERSION: $origin in $(log_duration $((SECONDS - start)))"
}

# module_name GO_MOD: the module whose commands its `tool` lines name.
module_name() {
  sed -n 's/^tool \([^(]\)/\1/p; /^tool (/,/^)/s/^\t//p' "$1" | sed -n '1s,/\(provider/\)\{0\,1\}cmd/.*,,; 1p'
}

# module_unreachable LOG: whether it is the network that a build failed for.
module_unreachable() { grep -qE 'dial tcp|proxyconnect|i/o timeout|no such host|tls: |x509: |: reading https?://' "$1"; }

module_hint() {
  log_fail "the Go module proxy cannot be reached (GOPROXY=$("$GO" env GOPROXY))" \
    "set GOPROXY to one that can, or put $TOOL $VERSION on PATH, and run it again"
}

# module_go ARGUMENT…: what a user's own Go settings could change about the result is set aside. The niceness keeps the
# machine usable; a build takes minutes.
module_go() {
  GOFLAGS='' GOWORK=off CGO_ENABLED=0 GOTMPDIR=$CACHE_STAGE nice "$GO" "$@"
}

module_build() {
  local log=$CACHE/log/$BUNDLE.log total
  cd "$1" || return 1
  cache_run module_list "$CACHE_STAGE/packages" "$log" || return 1
  total=$(wc -l <"$CACHE_STAGE/packages")
  case $BUNDLE in *-v1alpha2-*) module_v1alpha2 >>"$log" 2>&1 || return 1 ;; esac
  cache_run module_compile "$total" "$log" || return 1
  case $BUNDLE in cri-o-*) module_pinns >>"$log" 2>&1 ;; esac
}

# module_pinns: the small C program that CRI-O makes a Pod's namespaces with lies in its module.
module_pinns() {
  local sources
  sources=$(module_go list -mod=readonly -m -f '{{.Dir}}' github.com/cri-o/cri-o)/pinns/src
  "${CC:-cc}" -std=gnu99 -Os -static -s -o "$CACHE_STAGE/out/pinns" "$sources"/*.c
}

# module_v1alpha2: a crictl for the dockershim, which serves the CRI under its older name only. Its messages are the same. The
# crictl of that time is not published as a module.
module_v1alpha2() {
  local api=$CACHE_STAGE/cri-api
  cp -R "$(module_go list -mod=readonly -m -f '{{.Dir}}' k8s.io/cri-api)" "$api" || return 1
  chmod -R u+w "$api"
  sed -i 's,runtime\.v1\.\(Runtime\|Image\)Service,runtime.v1alpha2.\1Service,g' "$api/pkg/apis/runtime/v1/api_grpc.pb.go"
  cp go.mod go.sum "$CACHE_STAGE"
  module_go mod edit -replace="k8s.io/cri-api=$api" "$CACHE_STAGE/go.mod"
}

# The functions that cache_run starts end in a pipe, and pipefail makes the first command's failure theirs.

# module_list TO LOG: listing the packages fetches just the modules that the build will need.
module_list() {
  module_go list -mod=readonly -tags "$(tools_tags)" -deps tool 2>&1 >"$1" |
    log_progress "$BUNDLE" 'modules fetched' '^go: downloading ' "$2"
}

module_compile() {
  local modules=go.mod
  [ ! -e "$CACHE_STAGE/go.mod" ] || modules=$CACHE_STAGE/go.mod
  module_go build -v -mod=readonly -trimpath -buildvcs=false -tags "$(tools_tags)" -ldflags "-s -w $(tools_ldflags)" \
    -modfile="$modules" -o "$CACHE_STAGE/out/" tool 2>&1 | log_progress "$BUNDLE" "of at most $1 packages compiled" '^[^ ]+$' "$2"
}
