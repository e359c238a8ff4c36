/** Takes logins, tokens and private keys out of a text that goes to other people. */

const GONE = "(redacted)";

/** Before a value: quotes, which JSON inside JSON escapes. */
const QUOTE = `["'\\\\]{0,4}`;
/** Between a name and its value. */
const IS = `${QUOTE}[ \\t]*[=:][ \\t]*`;
/** A value in quotes, in escaped quotes, or without. */
const VALUE = `(?:\\\\{1,3}["'][^"'\\\\\\n]*|"(?:[^"\\\\\\n]|\\\\.)*"?|'[^'\\n]*'?|[^\\s,;&"']+)`;
/** Names of secrets, which may go on: AWS_SECRET_ACCESS_KEY. */
const NAMES = "(?:passw(?:or)?d|passphrase|\\bpwd|token|secret|credential|(?:api|access|private)[_-]?key)[\\w-]{0,40}";

const rule = (pattern: string, stays = GONE): readonly [RegExp, string] => [new RegExp(pattern, "gi"), stays];

/** What is taken, and what stays of it. Each runs in a time that grows as the text does. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // Also one that was cut, and one in which JSON has its newlines escaped.
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^]*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g, GONE],
  // JSON web tokens, such as those of service accounts.
  [/(?<![\w-])eyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, GONE],
  rule(`\\b(basic|bearer)[ \\t]{1,9}["']?[\\w.~+/=-]{6,}`, `$1 ${GONE}`),
  // What stands for a login in a URL, its password with any character. A digest is none.
  rule(`//[^\\s"'\`]{1,200}@(?!sha256:)`, `//${GONE}@`),
  rule(`(proxy${IS}["']?)[^\\s"']{1,200}@`, `$1${GONE}@`),
  rule(`((?:authorization|cookie)${IS}${QUOTE})(?!\\(redacted\\))[^\\n"']+`, `$1${GONE}`),
  rule(`((?:${NAMES}|auth)${IS})(?!["'\\\\]{0,4}\\(redacted\\))${VALUE}`, `$1${GONE}`),
  // Options of command lines.
  rule(`(--?${NAMES}[ \\t]{1,9})${VALUE}`, `$1${GONE}`),
  rule(`(\\bsshpass[ \\t]{1,9}-p[ \\t]{0,9})${VALUE}`, `$1${GONE}`),
  rule(`((?:^|\\s)(?:-u|--user)[ \\t]{1,9})[^\\s:]{1,100}:\\S+`, `$1${GONE}`),
  // What follows such a word, where it is no word itself.
  rule(`\\b(login|password|token|secret)([ \\t]{1,9}["']?)(?=[\\w+/=-]*[\\d+/=_])[\\w+/=-]{12,}`, `$1$2${GONE}`),
  // Tokens that say themselves what they are.
  rule(`(?<![\\w-])(?:gh[pousr]_|github_pat_|glpat-|xox[abp]-|hvs\\.|dckr_pat_|npm_|AKIA|ASIA)[\\w-]{8,}`),
  // Parameters of a URL that lets in whoever has it.
  rule(`([?&][\\w-]{0,40}(?:sig|signature|key|code)=)[^\\s&"']+`, `$1${GONE}`),
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
