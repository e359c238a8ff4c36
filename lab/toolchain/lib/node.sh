# shellcheck shell=bash
# Node.js and the Node packages. Debian bookworm's Node 18 is too old for this project; npm publishes newer ones.

NODE_MIN=20.19.0
NODE_VERSION=22.20.0
NPM_VERSION=10.9.3

# node_ensure: leaves nothing to do where node and npm fit; else puts them into $CACHE/bin, which the caller has on PATH.
node_ensure() {
  export PATH=$CACHE/bin:$PATH
  local found
  found=$(version_of node node)
  if command -v npm >/dev/null && [ -n "$found" ] && version_le "$NODE_MIN" "$found"; then
    return 0
  fi
  log "Node.js on PATH: ${found:-none}; $NODE_MIN or later with npm is needed: taking $NODE_VERSION from npm"
  command -v npm >/dev/null || apt_ensure npm ca-certificates || return 1
  log_step "Node.js $NODE_VERSION" node_fetch
}

# node_fetch: npm brings a newer Node and npm; Debian's own npm runs on its own old Node only.
node_fetch() {
  local part=$CACHE/node.part modules=$CACHE/node/node_modules arch
  case $(uname -m) in aarch64) arch=arm64 ;; *) arch=x64 ;; esac
  mkdir -p "$CACHE/bin" "$CACHE/log"
  rm -rf "$part"
  mkdir "$part"
  npm install --prefix "$part" --no-audit --no-fund "node-linux-$arch@$NODE_VERSION" "npm@$NPM_VERSION" \
    >"$CACHE/log/node.log" 2>&1 || {
    tail -n 10 "$CACHE/log/node.log" >&2
    return 1
  }
  rm -rf "$CACHE/node"
  mv -T "$part" "$CACHE/node"
  node_wrapper "$modules/node-linux-$arch/bin/node" >"$CACHE/bin/.node"
  chmod 0755 "$CACHE/bin/.node"
  mv "$CACHE/bin/.node" "$CACHE/bin/node"
  ln -sf "$modules/npm/bin/npm-cli.js" "$CACHE/bin/npm"
  ln -sf "$modules/npm/bin/npx-cli.js" "$CACHE/bin/npx"
  hash -r
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
  # At its usual level npm ends with "Exit handler never called!" where a certificate or a name was the reason.
  npm ci --prefix "$1" --no-audit --no-fund --loglevel http >"$CACHE/log/npm.log" 2>&1 8>&- || {
    grep -E 'failed with|npm error' "$CACHE/log/npm.log" | tail -n 10 >&2
    log_fail "see $CACHE/log/npm.log; is npm's registry reachable (npm config get registry)?"
    return 1
  }
  # A lock file that was checked out a moment later would look newer for ever.
  touch "$1/node_modules/.package-lock.json"
}
