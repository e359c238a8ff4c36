# shellcheck shell=sh
# The kubelet's flag in the text of a unit: what it is set to, and the text with another value or without it.

flag=--pod-infra-container-image

# The text on stdin, of a unit, with the flag's first occurrence set to $1 and all others gone; without $1 all gone:
#   ExecStart=/k "--pod-infra-container-image=a/b:1" --v=2   the whole quoted word counts
#   ExecStart=/k --pod-infra-container-image "a/b:1" --v=2   so does a value with its quotes
flag_edit() {
  FLAG=$flag IMAGE=$1 awk '
    # Sets from and to, the place of the first flag in s, and word, where the flag itself begins; false without one.
    function found(s,   before, rest, q) {
      rest = s; offset = 0
      while (i = index(rest, ENVIRON["FLAG"])) {
        word = offset + i
        after = substr(s, word + length(ENVIRON["FLAG"]))
        before = word > 1 ? substr(s, word - 1, 1) : " "
        if (before ~ /[ \t"\047=]/ && after ~ /^([= \t"\047]|$)/) break
        offset = word
        rest = substr(s, offset + 1)
      }
      if (!i) return 0
      to = word + length(ENVIRON["FLAG"])
      if (match(after, /^(=|[ \t]+)("[^"]*"|\047[^\047]*\047|[^ \t"\047\\]*)/)) to += RLENGTH
      from = word
      q = before
      # A quote around this word alone.
      if (q ~ /["\047]/ && substr(s, to, 1) == q && (word == 2 || substr(s, word - 2, 1) ~ /[ \t]/)) { from--; to++ }
      return 1
    }
    {
      out = ""
      s = $0
      if (s !~ /^[ \t]*[#;]/) while (found(s)) {
        if (ENVIRON["IMAGE"] != "" && !done++) out = out substr(s, 1, from - 1) ENVIRON["FLAG"] "=" ENVIRON["IMAGE"]
        else { while (from > 1 && substr(s, from - 1, 1) ~ /[ \t]/) from--; out = out substr(s, 1, from - 1) }
        s = substr(s, to)
      }
      print out s
    }'
}

# The flag's value in the text on stdin, the first one outside comments; nothing where there is none:
#   A="--v=2 --pod-infra-container-image=a/b:1" gives a/b:1
flag_value() { sed -n "/^[[:space:]]*[#;]/d; s/.*${flag}[= ]\([^ \"']*\).*/\1/p" | head -n 1; }

# Does the text on stdin set the flag, outside comments?
#   A="--pod-infra-container-image=a/b:1": yes
#   # A="--pod-infra-container-image=a/b:1": no
flag_set() { FLAG=$flag awk '!/^[ \t\r\v\f]*[#;]/ && index($0, ENVIRON["FLAG"]) { found = 1; exit } END { exit !found }'; }
