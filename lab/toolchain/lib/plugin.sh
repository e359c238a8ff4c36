# shellcheck shell=bash
# Provider plugins and the Node.js language host. Without a download, a plugin with a row in the table of tools is built from
# its module. The others and the host are not published as modules: a plugin's stand-in in this tree does the same work, and
# the program runs through the Automation API.

PLUGIN_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

# plugin_tool NAME
plugin_tool() {
  local executable=pulumi-resource-$1 version standin=$PLUGIN_ROOT/lab/plugins/bin/pulumi-resource-$1 path
  version=$(sed -n "\\|\"node_modules/@pulumi/$1\": {|,/}/s|.*\"version\": \"\([0-9.]*\)\".*|\1|p" "$PLUGIN_ROOT/package-lock.json")
  [ -n "$version" ] || {
    log_fail "plugin:$1: package-lock.json has no @pulumi/$1"
    return 1
  }
  path=$(command -v "$executable" || true)
  if [ -n "$path" ] && [ "$(readlink -f "$path")" != "$(readlink -f "$standin")" ]; then
    log "plugin $1: on PATH ($path)"
  elif plugin_download "$1" "$version"; then
    path=$PLUGIN_PATH
    log "plugin $1 $version: downloaded ($path)"
  elif tools_table | grep "^$executable|" >/dev/null; then
    log "plugin $1 $version: no download: $DOWNLOAD_WHY"
    tool_path "$executable@$version"
    return
  elif [ -x "$standin" ]; then
    path=$standin
    log "plugin $1 $version: stand-in lab/plugins/bin/$executable (not on PATH; $DOWNLOAD_WHY)"
  else
    log_fail "plugin $1: not on PATH, cannot be downloaded, and there is no stand-in at $standin"
    return 1
  fi
  printf '%s\n' "$path"
}

# plugin_download NAME VERSION: sets PLUGIN_PATH; pulumi knows the sites and keeps its own cache of plugins.
plugin_download() {
  local home=$CACHE/pulumi-home pulumi log=$CACHE/log/plugin-$1.log
  PLUGIN_PATH=$home/plugins/resource-$1-v$2/pulumi-resource-$1
  [ ! -x "$PLUGIN_PATH" ] || return 0
  DOWNLOAD_WHY='plugins are not downloaded from a mirror'
  [ -z "$DOWNLOAD_MIRROR" ] || return 1
  DOWNLOAD_WHY='get.pulumi.com and github.com cannot be reached'
  download_reachable get.pulumi.com github.com || return 1
  pulumi=$(tool_path pulumi) || return 1
  DOWNLOAD_WHY="its download failed, see $log"
  mkdir -p "$CACHE/log"
  PULUMI_HOME=$home PULUMI_SKIP_UPDATE_CHECK=1 timeout 180 "$pulumi" plugin install resource "$1" "$2" \
    </dev/null >"$log" 2>&1
}

# plugin_language_nodejs: prints its path, or nothing where there is none.
plugin_language_nodejs() {
  local path pulumi
  path=$(command -v pulumi-language-nodejs || true)
  if [ -z "$path" ]; then
    pulumi=$(tool_path pulumi) || return 1
    path=$(dirname "$pulumi")/pulumi-language-nodejs
  fi
  if [ -x "$path" ]; then
    log "language-nodejs: $path"
    printf '%s\n' "$path"
  else
    log "language-nodejs: not to be had (it comes with Pulumi's download only): the program runs inline"
  fi
}
