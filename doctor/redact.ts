/** Takes logins, tokens and private keys out of a text that goes to other people. */

const GONE = "(redacted)";

/** What is taken, and what stays of it. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // Also one that was cut, and one in which JSON has its newlines escaped.
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^]*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g, GONE],
  // JSON web tokens, such as those of service accounts.
  [/\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, GONE],
  [/\b(basic|bearer)[ \t]+["']?[\w.~+/=-]{6,}/gi, `$1 ${GONE}`],
  [/\/\/[^\s/@"'`]+@/g, `//${GONE}@`],
  [
    /((?:password|passwd|passphrase|token|secret|auth|authorization|credentials?|api[_-]?key|private[_-]?key)["']?[ \t]*[=:][ \t]*)(?!["']?\(redacted\))(?:"[^"\n]*"|'[^'\n]*'|[^\s,;&"']+)/gi,
    `$1${GONE}`,
  ],
  // Parameters of a URL that lets in whoever has it.
  [/([?&](?:[\w-]*(?:sig|signature|key|code))=)[^\s&"']+/gi, `$1${GONE}`],
];

export const redacted = (text: string): string =>
  SECRETS.reduce((left, [secret, instead]) => left.replace(secret, instead), text);

/** Every text in a value, before anybody lays it out: a line break in the middle would hide a login from the patterns. */
export function redactedIn<T>(value: T): T {
  if (typeof value === "string") return redacted(value) as T;
  if (Array.isArray(value)) return value.map(redactedIn) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, redactedIn(one as unknown)])) as T;
}
