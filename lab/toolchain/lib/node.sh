# shellcheck shell=bash
# Node.js and the Node packages. Machines often have an older Node.js than this project needs; npm publishes newer ones.

NODE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=lab/toolchain/versions
. "$NODE_ROOT/lab/toolchain/versions"

# node_least: the oldest Node.js that fits, from `engines` in package.json.
node_least() { sed -n 's/^ *"node": ">=\([0-9.]*\)".*/\1/p' "$NODE_ROOT/package.json"; }

# node_ensure: does nothing where node and npm fit. Otherwise it puts them into $CACHE/bin, which the caller has on PATH.
node_ensure() {
  export PATH=$CACHE/bin:$PATH
  ! node_fits || return 0
  mkdir -p "$CACHE/locks" "$CACHE/log"
  (
    flock 8
    # Another run may have done it meanwhile.
    ! node_fits || exit 0
    log "Node.js on PATH: ${node_found:-none}; $(node_least) or later with npm is needed: taking $NODE from npm"
    command -v npm >/dev/null || apt_ensure npm ca-certificates || exit 1
    log_step "Node.js $NODE" node_install
  ) 8>"$CACHE/locks/node"
  hash -r
}

# node_fits: whether node on PATH will do, with an npm. One that was fetched here has to be of today's version.
# Sets $node_found.
node_fits() {
  hash -r
  node_found=$(version_of node node)
  [ -n "$node_found" ] && command -v npm >/dev/null || return 1
  if [ "$(command -v node)" = "$CACHE/bin/node" ]; then
    [ "$node_found" = "$NODE" ]
  else
    version_le "$(node_least)" "$node_found"
  fi
}

# node_install: Node.js and npm as commands in $CACHE/bin. Debian's own npm runs on its own old Node.js only.
node_install() {
  local modules file
  file=$(node_fetch "$NODE" "npm@$NPM") || return 1
  modules=$CACHE/node/$NODE/node_modules
  mkdir -p "$CACHE/bin"
  node_wrapper "$file" >"$CACHE/bin/.node"
  chmod 0755 "$CACHE/bin/.node"
  mv "$CACHE/bin/.node" "$CACHE/bin/node"
  ln -sf "$modules/npm/bin/npm-cli.js" "$CACHE/bin/npm"
  ln -sf "$modules/npm/bin/npx-cli.js" "$CACHE/bin/npx"
}

# node_fetch VERSION PACKAGE…: that Node.js from npm, with further packages beside it; prints its executable.
node_fetch() {
  local version=$1 dir=$CACHE/node/$1 part=$CACHE/node/$1.part arch log=$CACHE/log/node-$1.log
  case $(uname -m) in aarch64) arch=arm64 ;; *) arch=x64 ;; esac
  shift
  mkdir -p "$CACHE/log"
  rm -rf "$part"
  mkdir -p "$part"
  npm install --prefix "$part" --no-audit --no-fund --ignore-scripts "node-linux-$arch@$version" "$@" >"$log" 2>&1 8>&- || {
    tail -n 10 "$log" >&2
    return 1
  }
  rm -rf "$dir"
  mv -T "$part" "$dir"
  printf '%s\n' "$dir/node_modules/node-linux-$arch/bin/node"
}

# node_tool VERSION: prints the executable of a Node.js that only some tests run.
node_tool() {
  local file
  mkdir -p "$CACHE/locks"
  (
    flock 8
    file=$(compgen -G "$CACHE/node/$1/node_modules/node-linux-*/bin/node") || file=$(node_fetch "$1") || exit 1
    printf '%s\n' "$file"
  ) 8>"$CACHE/locks/node"
}

# node_wrapper FILE: npm's build of Node trusts only the authorities it was born with. Debian's trusts the machine's, and
# behind a network that inspects TLS nothing else reaches a registry.
node_wrapper() {
  cat <<EOF
#!/bin/sh
export NODE_EXTRA_CA_CERTS="\${NODE_EXTRA_CA_CERTS-/etc/ssl/certs/ca-certificates.crt}"
exec '$1' "\$@"
EOF
}

# node_packages ROOT: npm ci when the installed packages are older than the lock file. Its own lock: npm ci starts by
# deleting what another run may be using.
node_packages() {
  mkdir -p "$CACHE/locks" "$CACHE/log"
  (
    flock 8
    [ ! "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] || exit 0
    log_step "Node packages (npm ci)" node_ci "$1"
  ) 8>"$CACHE/locks/npm"
}

node_ci() {
  # No code of a package runs: what one compiles would fit a single version of Node.js, and nothing here needs it.
  # At its usual level npm ends with "Exit handler never called!" where a certificate or a name was the reason.
  npm ci --prefix "$1" --engine-strict --ignore-scripts --no-audit --no-fund --loglevel http >"$CACHE/log/npm.log" 2>&1 8>&- || {
    grep -E 'failed with|npm error' "$CACHE/log/npm.log" | tail -n 10 >&2
    log_fail "see $CACHE/log/npm.log; is npm's registry reachable (npm config get registry)?"
    return 1
  }
  # A lock file that was checked out a moment later would look newer for ever.
  touch "$1/node_modules/.package-lock.json"
}
