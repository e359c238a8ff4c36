import { split } from "shlex";

/**
 * Words as Python's shlex splits them, which Ansible does, too. Only quotes and backslashes are special.
 * @throws Error for a quote that is not closed.
 */
export const wordsOf = (text: string): string[] => split(text);

/** The text in front of a comment, which may begin in the middle of a word but not in quotes. */
export function withoutComment(text: string): string {
  const [, before = ""] = /^((?:[^#'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*)/.exec(text) ?? [];
  return text.startsWith("#", before.length) ? before : text;
}
