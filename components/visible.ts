/** Text that others wrote, for a message. */

/** Characters that a terminal obeys, or that nobody sees. */
export const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The beginning of a text in quotes, with every character visible. */
export function quoted(text: string): string {
  const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(text.slice(0, 200)).replace(new RegExp(INVISIBLE, "gu"), escaped);
}
