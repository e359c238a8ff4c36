/** Text that others wrote, where people read it. */

/** Characters that a terminal obeys, or that nobody sees. */
export const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const ALL_INVISIBLE = new RegExp(INVISIBLE, "gu");

/** As JSON escapes them. */
const escaped = (char: string): string =>
  char.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** A text with every character visible, but for newlines and tabs. A text in JSON means the same afterwards. */
export const visible = (text: string): string =>
  text.replace(ALL_INVISIBLE, (char) => (char === "\n" || char === "\t" ? char : escaped(char)));

/** The beginning of a text in quotes, with every character visible. */
export const quoted = (text: string): string => JSON.stringify(text.slice(0, 200)).replace(ALL_INVISIBLE, escaped);
