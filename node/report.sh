# shellcheck shell=sh
# Report: the one line on stdout.

# json_string TEXT: as JSON writes it, quotes and all.
json_string() {
  printf '%s\n' "$1" | awk '
    BEGIN { for (i = 1; i < 32; i++) code[sprintf("%c", i)] = sprintf("\\u%04x", i) }
    {
      out = out (NR > 1 ? "\\n" : "")
      for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        out = out (c == "\\" || c == "\"" ? "\\" c : (c in code ? code[c] : c))
      }
    }
    END { printf "\"%s\"", out }'
}

# The lines on stdin as the inside of a JSON array.
json_list() {
  sep=''
  while IFS= read -r one; do
    [ "$one" ] || continue
    printf '%s%s' "$sep" "$(json_string "$one")"
    sep=,
  done
}

# tell LINE: the report. A run that ends well without one has failed. Sets $reported.
tell() {
  printf '%s\n' "$1"
  reported=1
}
reported=''

# report [WORD]: what this run changed and restarted; with WORD as its status when it did, `changed` without. A plan counts a pull,
# too.
report() {
  status=unchanged
  if [ "${changed_paths:-}" ] || [ "$touched" ] || [ "${pulls:-}" ]; then status=${1:-changed}; fi
  tell "$(report_line "$(printf '%s\n' "${changed_paths:-}" | json_list)" "$(printf '%s\n' "$touched" | tr ' ' '\n' | json_list)" "$status")"
}

# report_line CHANGED RESTARTED STATUS: the first two are what stands in JSON's arrays.
report_line() {
  printf '{"changed":[%s],"digest":%s,"image":%s,"kubelet":%s,"node":%s,"pinned":%s,"previousImage":%s,"restarted":[%s],"runtime":%s,"runtimeVersion":%s,"scriptVersion":%s,"status":"%s"}\n' \
    "$1" "$(json_string "${got:-}")" "$(json_string "$image")" "$(json_string "${kubelet_version:-}")" "$(json_string "$node")" \
    "${pinned:-false}" "$(json_string "${previous:-}")" "$2" "$(json_string "${runtime_name:-}")" \
    "$(json_string "${runtime_version:-}")" "$(json_string "$script_id")" "$3"
}
