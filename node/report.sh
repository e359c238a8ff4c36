# shellcheck shell=sh
# Report: the one line on stdout.

# shellcheck disable=SC2016 # awk's dollars, not the shell's
json_program='
function json(text,   i, c, out) {
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    out = out (c == "\\" || c == "\"" ? "\\" c : (c in code ? code[c] : c))
  }
  return "\"" out "\""
}
# Lines, each a name, a tab and a word, as an object.
function pairs(text,   i, n, one, part, out) {
  n = split(text, one, "\n")
  for (i = 1; i <= n; i++)
    if (split(one[i], part, "\t") == 2) out = out (out == "" ? "" : ",") json(part[1]) ":" json(part[2])
  return "{" out "}"
}
BEGIN { for (i = 1; i < 32; i++) code[sprintf("%c", i)] = sprintf("\\u%04x", i); code["\n"] = "\\n" }
'

# tell LINE: the report. A run that ends well without one has failed. Sets $reported.
tell() {
  lines "$1"
  reported=1
}
reported=''

# report [WORD]: what this run changed and restarted; with WORD as its status when it did, `changed` without. A plan counts a pull,
# too.
report() {
  status=unchanged
  if [ "${changed_paths:-}$touched${pulls:-}" ]; then status=${1:-changed}; fi
  tell "$(report_line "${changed_paths:-}" "$touched" "$status")"
}

# report_line CHANGED RESTARTED STATUS: paths, one per line; units, with spaces between. By the environment: an assignment of -v
# would read escapes.
report_line() {
  CHANGED=$1 RESTARTED=$2 STATUS=$3 DIGEST=${got:-} HANDLERS=${handlers:-} IMAGE=$image KUBELET=${kubelet_version:-} NODE=$node PINNED=${pinned:-false} \
    PREVIOUSIMAGE=${previous:-} RUNTIME=${runtime_name:-} RUNTIMEVERSION=${runtime_version:-} SCRIPTVERSION=$script_id awk "$json_program"'
    function list(text, between,   i, n, one, out) {
      n = split(text, one, between)
      for (i = 1; i <= n; i++) if (one[i] != "") out = out (out == "" ? "" : ",") json(one[i])
      return "[" out "]"
    }
    BEGIN {
      n = split("changed digest handlers image kubelet node pinned previousImage restarted runtime runtimeVersion scriptVersion status", key, " ")
      for (i = 1; i <= n; i++) {
        text = json(value = ENVIRON[toupper(key[i])])
        if (key[i] == "changed") text = list(value, "\n")
        if (key[i] == "restarted") text = list(value, " ")
        if (key[i] == "handlers") text = pairs(value)
        if (key[i] == "pinned") text = value
        printf "%s\"%s\":%s", (i > 1 ? "," : "{"), key[i], text
      }
      print "}"
    }'
}
