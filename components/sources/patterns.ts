/**
 * Lists of patterns, as known_hosts and ssh_config have them. `*` is any text, and `?` is one character. With `!` in front,
 * a pattern excludes what it matches, wherever it stands.
 *
 * Source: ssh_config(5), "PATTERNS".
 */

/** @returns True if one pattern matches the text, and none with `!` does. Letters must be in the same case. */
export function matchesPatterns(patterns: readonly string[], text: string): boolean {
  const excluded = patterns.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  const included = patterns.filter((pattern) => !pattern.startsWith("!"));
  const isOne = (pattern: string) => expressionOf(pattern).test(text);
  return included.some(isOne) && !excluded.some(isOne);
}

function expressionOf(pattern: string): RegExp {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  // Several stars say what one says, and would make the expression slow.
  return new RegExp(`^${literal.replace(/\*+/g, ".*").replace(/\?/g, ".")}$`, "s");
}
