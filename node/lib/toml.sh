# shellcheck shell=sh
# TOML: reading and editing by line, so that comments, spacing and order of a person's file survive.
#
# A path is written with `|` between its parts, since parts hold dots and slashes.

# toml_list <FILE: one `path<TAB>raw value` a line.
# toml_set PATH VALUE <FILE: the file with PATH set to VALUE (raw TOML); exit 3 when PATH lies in an inline table.
# toml_unset PATH <FILE: the file without PATH.
toml_list() { awk -v mode=list "$toml_program"; }
toml_set() { awk -v mode=set -v want="$1" -v value="$2" "$toml_program"; }
toml_unset() { awk -v mode=unset -v want="$1" "$toml_program"; }

# value_of NAME <LIST: the last value of NAME in lines of `NAME<TAB>VALUE`, as it stands.
value_of() { NAME=$1 awk -F '\t' '$1 == ENVIRON["NAME"] { last = substr($0, length($1) + 2) } END { print last }'; }

# toml_get PATH <LIST: the last value of PATH in toml_list's output, unquoted.
toml_get() {
  awk -F '\t' -v want="$1" '$1 == want { v = $2 } END {
    if (v ~ /^["\047]/) v = substr(v, 2, length(v) - 2)
    print v
  }'
}

# shellcheck disable=SC2016 # awk's dollars, not the shell's
toml_program='
# The dotted key at the start of s: path in P, what follows it in R. P is empty when there is no key.
function key(s,  p, k) {
  P = ""
  for (;;) {
    sub(/^[ \t]+/, "", s)
    if (match(s, /^"([^"\\]|\\.)*"/) || match(s, /^\047[^\047]*\047/)) k = substr(s, 2, RLENGTH - 2)
    else if (match(s, /^[A-Za-z0-9_-]+/)) k = substr(s, 1, RLENGTH)
    else return
    s = substr(s, RLENGTH + 1)
    p = p (p == "" ? "" : "|") k
    sub(/^[ \t]+/, "", s)
    if (substr(s, 1, 1) != ".") break
    s = substr(s, 2)
  }
  P = p; R = s
}
# How many characters of s belong to the value. Q is the open multi-line quote, B the depth of brackets.
function scan(s,  i, c, t) {
  for (i = 1; i <= length(s);) {
    c = substr(s, i, 1); t = substr(s, i, 3)
    if (Q != "") {
      if (c == "\\" && Q == "\"\"\"") i += 2
      else if (t == Q) {
        # Up to two more quotes belong to the text: """a""""" ends in a"".
        for (i += 3; substr(s, i, 1) == c && (t = substr(t, 2)) != "";) i++
        Q = ""
      } else i++
      continue
    }
    if (c == "#") return trimmed(substr(s, 1, i - 1))
    if (t == "\"\"\"" || t == "\047\047\047") { Q = t; i += 3; continue }
    if (match(substr(s, i), /^"([^"\\]|\\.)*"/) || match(substr(s, i), /^\047[^\047]*\047/)) { i += RLENGTH; continue }
    if (c == "[" || c == "{") B++
    if (c == "]" || c == "}") B--
    i++
  }
  return trimmed(s)
}
function trimmed(s) { sub(/[ \t]+$/, "", s); return length(s) }
# A path as TOML writes it, without its first n parts.
function written(p, n,  a, i, m, s) {
  m = split(p, a, "|")
  for (i = n + 1; i <= m; i++) s = s (s == "" ? "" : ".") (a[i] ~ /^[A-Za-z0-9_-]+$/ ? a[i] : "\"" a[i] "\"")
  return s
}
function parts(p,  a) { return p == "" ? 0 : split(p, a, "|") }
function under(p, t) { return index(p "|", t "|") == 1 }
BEGIN { table = want; if (!sub(/\|[^|]*$/, "", table)) table = "" }
{
  raw[NR] = $0
  s = $0
  # containerd 1.x reads a byte order mark.
  if (NR == 1) sub(/^\357\273\277/, "", s)
  sub(/\r$/, "", s)
  if (Q != "" || B > 0) {
    n = scan(s)
    if (mode == "list") got = got " " substr(s, 1, n)
  } else {
    match(s, /^[ \t]*/)
    indent = substr(s, 1, RLENGTH)
    s = substr(s, RLENGTH + 1)
    if (s == "" || s ~ /^#/) next
    if (s ~ /^\[/) {
      key(substr(s, s ~ /^\[\[/ ? 3 : 2))
      T = s ~ /^\[\[/ ? "[[" P : P
      if (T == table && want != "") header = NR
      next
    }
    key(s)
    if (P == "" || R !~ /^=/) next
    full = (T == "" ? "" : T "|") P
    R = substr(R, 2)
    match(R, /^[ \t]*/)
    start = length($0) - length($0 ~ /\r$/ ? R "\r" : R) + RLENGTH
    R = substr(R, RLENGTH + 1)
    first = NR
    n = scan(R)
    got = substr(R, 1, n)
    n += start
    if (want != full && under(want, full) && got ~ /^\{/) inline = 1
  }
  if (Q != "" || B > 0) next
  if (mode == "list") print full "\t" got
  else if (full == want) { hit = first; from = start; to = NR; upto = n; old = got }
  # A dotted key that opens our table from outside: another header for it would be a second definition.
  else if (T != table && under(full, table) && table != "" && parts(T) < parts(table)) { dotted = NR; base = T; pad = indent }
}
END {
  if (mode == "list") exit
  if (inline) exit 3
  cr = raw[1] ~ /\r$/ ? "\r" : ""
  for (i = 1; i <= NR; i++) {
    # A table without name comes first, before any header.
    if (i == 1 && table == "" && !hit && mode == "set") {
      mark = sub(/^\357\273\277/, "", raw[1]) ? "\357\273\277" : ""
      print mark written(want) " = " value cr
    }
    if (i < hit || i > to || !hit) print raw[i]
    else if (mode == "set") {
      if (i == hit) printf "%s%s", substr(raw[i], 1, from), substr(old, 2, length(old) - 2) == substr(value, 2, length(value) - 2) ? old : value
      if (i == to) print substr(raw[i], upto + 1)
    }
    if (mode != "set" || hit) continue
    if (i == header) { match(raw[i], /^[ \t]*/); print substr(raw[i], 1, RLENGTH) "  " written(want, parts(table)) " = " value cr }
    else if (i == dotted && !header) print pad written(want, parts(base)) " = " value cr
  }
  if (mode == "set" && !hit && !header && !dotted && (table != "" || !NR)) {
    if (NR) print cr
    if (table != "") print "[" written(table) "]" cr
    print (table == "" ? "" : "  ") written(want, parts(table)) " = " value cr
  }
}'
