# shellcheck shell=sh
# systemd's environment files, read and edited character by character as systemd reads them: white space, quotes in any
# place, escapes, continued lines, comments, the last assignment. What is edited keeps every byte that is not the flag's.

# env_file MODE <FILE. Modes:
#   list   each assignment as `NAME<TAB>VALUE`, a newline in a value as the byte 1
#   bare   the same without the flag's words, white space squeezed
#   edit   the file, with the flag's words gone from the last assignment of each name in $NAMES, and $WORD in that of
#          $TARGET: in place of the first one, else behind the last word:
#          A="--v=2 --pod-infra-container-image=a/b:1" becomes A="--v=2 --pod-infra-container-image=c/d:2"
# Reads $FLAG, $NAMES, $TARGET, $WORD from the environment: awk's -v would read escapes in them.
env_file() { MODE=$1 awk "$env_program"; }

# shellcheck disable=SC2016 # awk's dollars, not the shell's
words_program='
# The words of a value as systemd splits it for $NAME: sets word[], begin[], finish[], words. Places are those in the value.
function split_words(text,   i, c, q, open, length_) {
  words = 0; open = 0; q = ""; length_ = length(text)
  for (i = 1; i <= length_; i++) {
    c = substr(text, i, 1)
    if (q == "" && c ~ /[ \t\n\r]/) { open = 0; continue }
    if (!open) { open = 1; words++; begin[words] = i; word[words] = "" }
    finish[words] = i
    if (q == "" && (c == "\"" || c == "\047")) q = c
    else if (c == q) q = ""
    else if (c == "\\" && q != "\047" && i < length_) { i++; word[words] = word[words] substr(text, i, 1); finish[words] = i }
    else word[words] = word[words] c
  }
}
'

# shellcheck disable=SC2016 # awk's dollars, not the shell's
env_program=$words_program'
function push() {
  if (state == "value") { while (n && value[n] ~ /[ \t]/ && !quoted[n]) n-- }
  gsub(/[ \t]+$/, "", key)
  count++
  name[count] = key
  text = ""
  for (k = 1; k <= n; k++) { text = text value[k]; from[count, k] = first[k]; to[count, k] = last[k] }
  content[count] = text
  at[count] = n && last[n] >= insert ? last[n] : insert
  latest[key] = count
}
function take(c, start, end, q) { value[++n] = c; first[n] = start; last[n] = end; quoted[n] = q; insert = end }

# Marks the words of the flag: hit[w] is 1, and 2 for a value that stands as a word of its own.
function find_flag(   w) {
  split("", hit)
  for (w = 1; w <= words; w++) {
    if (index(word[w], flag "=") == 1) hit[w] = 1
    else if (word[w] == flag) { hit[w] = 1; if (w < words) { w++; hit[w] = 2 } }
  }
}
function bare(text,   w, out) {
  split_words(text)
  find_flag()
  out = ""
  for (w = 1; w <= words; w++) if (!hit[w]) out = out (out == "" ? "" : " ") word[w]
  return out
}
function edit(a, want,   w, i, start, done, text) {
  text = content[a]
  split_words(text)
  find_flag()
  for (w = 1; w <= words; w++) {
    if (!hit[w]) continue
    start = begin[w]
    if (want != "" && !done && hit[w] == 1) { done = 1; put[from[a, start]] = want }
    else while (start > 1 && substr(text, start - 1, 1) ~ /[ \t]/) start--
    for (i = start; i <= finish[w]; i++) for (k = from[a, i]; k <= to[a, i]; k++) gone[k] = 1
  }
  if (want != "" && !done) behind[at[a]] = (text == "" || text ~ /[ \t]$/ ? "" : " ") want
}
# Not by line, so that the last newline counts, or that there is none.
BEGIN { RS = "\001" }
{ all = all (NR > 1 ? RS : "") $0 }
END {
  flag = ENVIRON["FLAG"]; mode = ENVIRON["MODE"]
  total = length(all)
  state = "before"
  for (i = 1; i <= total; i++) {
    c = substr(all, i, 1)
    end = c == "\n" || c == "\r"
    if (state == "before") {
      if (c ~ /[#;]/) state = "comment"
      else if (c !~ /[ \t\n\r]/) { state = "key"; key = c }
    } else if (state == "key") {
      if (end) state = "before"
      else if (c == "=") { state = "start"; n = 0; insert = i }
      else key = key c
    } else if (state == "start" || state == "value") {
      if (end) { push(); state = "before" }
      else if (c == "\\") { escape = i; state = "escape" }
      else if (state == "start" && c == "\047") { state = "single"; insert = i }
      else if (state == "start" && c == "\"") { state = "double"; insert = i }
      else if (state == "value" || c !~ /[ \t]/) {
        state = "value"
        if (c ~ /[ \t]/) { keep = insert; take(c, i, i, 0); insert = keep } else take(c, i, i, 0)
      }
    } else if (state == "escape") { state = "value"; if (!end) take(c, escape, i, 1) }
    else if (state == "single") { if (c == "\047") state = "start"; else take(c, i, i, 1) }
    else if (state == "double") {
      if (c == "\"") state = "start"
      else if (c == "\\") { escape = i; state = "double escape" }
      else take(c, i, i, 1)
    } else if (state == "double escape") {
      state = "double"
      if (index("\"\\`$", c)) take(c, escape, i, 1)
      else if (c != "\n") { take("\\", escape, escape, 1); take(c, i, i, 1) }
    } else if (state == "comment") { if (c == "\\") state = "comment escape"; else if (end) state = "before" }
    else if (state == "comment escape") state = "comment"
  }
  if (state != "before" && state != "key" && state !~ /^comment/) push()

  if (mode != "edit") {
    for (a = 1; a <= count; a++) {
      text = mode == "bare" ? bare(content[a]) : content[a]
      gsub(/\n/, "\001", text)
      print name[a] "\t" text
    }
    exit
  }
  target = ENVIRON["TARGET"]; want = ENVIRON["WORD"]
  for (a = 1; a <= count; a++)
    if (latest[name[a]] == a && index(ENVIRON["NAMES"], " " name[a] " ")) edit(a, name[a] == target ? want : "")
  out = ""
  for (i = 1; i <= total; i++) {
    if (i in put) out = out put[i]
    if (!(i in gone)) out = out substr(all, i, 1)
    if (i in behind) out = out behind[i]
  }
  if (want != "" && target != "" && !(target in latest)) {
    if (out != "" && out !~ /\n$/) out = out "\n"
    out = out target "=\"" want "\"\n"
  }
  printf "%s", out
}'
