# shellcheck shell=sh
# Differences: how a file would change, as a diff without secrets.

# differences PATH: as a unified diff on stderr. Mode and owner alone show no difference in it.
differences() {
  if ! command -v diff >/dev/null; then
    say 'diff is not on PATH: the lines that would change are not shown'
    return 0
  fi
  now=$1 then=$plan/root$1
  [ -e "$now" ] || now=/dev/null
  [ -e "$then" ] || then=/dev/null
  { diff -u -L "$1" -L "$1 (planned)" "$now" "$then" || :; } | without_secrets | visible >&2 || :
}

# without_secrets: the diff on stdin. Logins and what looks like one are for nobody's terminal or log. A list that is open goes on to be
# hidden, and a private key is hidden from where the lines around a change begin in it.
without_secrets() {
  awk '
    function hide(i) { line[i] = substr(line[i], 1, 1) "(not shown: it may hold a login)" }
    function flush(  i) { for (i = 1; i <= n; i++) print line[i]; n = open = key = 0 }
    NR <= 2 || /^@@ / { flush(); print; next }
    { line[++n] = $0 }
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY/ { key = 1 }
    /-----END [A-Z0-9 ]*PRIVATE KEY/ {
      if (!key) for (i = 1; i < n; i++) hide(i)
      hide(n)
      key = 0
      next
    }
    key { hide(n); next }
    open || tolower($0) ~ /auth|login|pass(w|ph)|pwd|token|secret|credential|basic |bearer |(private|api|access)[ _-]?key|:\/\/[^ ]*@|proxy.*@/ {
      hide(n)
      s = substr($0, 2)
      open += gsub(/[[{]/, "", s) - gsub(/[]}]/, "", s)
      if (s ~ /^[ \t]*"?[A-Za-z_-]+"?[ \t]*[:=][ \t]*[|>]?[ \t]*$/) open++
      if (open < 0) open = 0
    }
    END { flush() }'
}
