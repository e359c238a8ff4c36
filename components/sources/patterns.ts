/**
 * Lists of patterns, as known_hosts and ssh_config have them. `*` is any text, and `?` is one character. With `!` in front,
 * a pattern excludes the texts that it matches, at any position in the list.
 *
 * Source: ssh_config(5), "PATTERNS".
 */

/** @returns True if one pattern matches the text, and none with `!` does. Letters must be in the same case. */
export function matchesPatterns(patterns: readonly string[], text: string): boolean {
  const excluded = patterns.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  const included = patterns.filter((pattern) => !pattern.startsWith("!"));
  const isOne = (pattern: string) => matches(pattern, text);
  return included.some(isOne) && !excluded.some(isOne);
}

/**
 * The time is at most the product of both lengths. At a mismatch the last `*` takes one more character; earlier `*` need no second try.
 */
function matches(pattern: string, text: string): boolean {
  let [at, read] = [0, 0];
  let star: { readonly at: number; read: number } | undefined;
  while (read < text.length) {
    const one = pattern[at];
    if (one === "*") star = { at: at++, read };
    else if (one === "?" || one === text[read]) [at, read] = [at + 1, read + 1];
    else if (star === undefined) return false;
    else [at, read] = [star.at + 1, ++star.read];
  }
  return /^\**$/.test(pattern.slice(at));
}
