# shellcheck shell=sh
# Report: the one line on stdout.

# json_string TEXT: as JSON writes it, quotes and all.
json_string() { printf '%s\n' "$1" | awk "$json_program"'{ text = text (NR > 1 ? "\n" : "") $0 } END { printf "%s", json(text) }'; }

# The lines on stdin as the inside of a JSON array.
json_list() { awk "$json_program"'$0 != "" { printf "%s%s", sep, json($0); sep = "," }'; }

# shellcheck disable=SC2016 # awk's dollars, not the shell's
json_program='
function json(text,   i, c, out) {
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    out = out (c == "\\" || c == "\"" ? "\\" c : (c in code ? code[c] : c))
  }
  return "\"" out "\""
}
BEGIN { for (i = 1; i < 32; i++) code[sprintf("%c", i)] = sprintf("\\u%04x", i); code["\n"] = "\\n" }
'

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
  tell "$(report_line "${changed_paths:-}" "$touched" "$status")"
}

# report_line CHANGED RESTARTED STATUS: paths, one per line; units, with spaces between. By the environment: an assignment of -v
# would read escapes.
report_line() {
  CHANGED=$1 RESTARTED=$2 STATUS=$3 DIGEST=${got:-} IMAGE=$image KUBELET=${kubelet_version:-} NODE=$node PINNED=${pinned:-false} \
    PREVIOUS=${previous:-} RUNTIME=${runtime_name:-} VERSION=${runtime_version:-} SCRIPT=$script_id awk "$json_program"'
    function text(name) { return json(ENVIRON[name]) }
    function list(name, between,   i, n, one, out) {
      n = split(ENVIRON[name], one, between)
      for (i = 1; i <= n; i++) if (one[i] != "") out = out (out == "" ? "" : ",") json(one[i])
      return "[" out "]"
    }
    BEGIN {
      printf "{\"changed\":%s,\"digest\":%s,\"image\":%s,\"kubelet\":%s,", list("CHANGED", "\n"), text("DIGEST"), text("IMAGE"), text("KUBELET")
      printf "\"node\":%s,\"pinned\":%s,\"previousImage\":%s,", text("NODE"), ENVIRON["PINNED"], text("PREVIOUS")
      printf "\"restarted\":%s,\"runtime\":%s,\"runtimeVersion\":%s,", list("RESTARTED", " "), text("RUNTIME"), text("VERSION")
      printf "\"scriptVersion\":%s,\"status\":\"%s\"}\n", text("SCRIPT"), ENVIRON["STATUS"]
    }'
}
