/** One table of a registry's answers, for push, sign, verify and the doctor. Each of them has its own remedies. */

/** A kind of answer. */
export type Answer =
  /** It wants a login, and none was given. */
  | "no-login"
  /** It does not take the login. HTTP 401. */
  | "unauthorized"
  /** The login may not do this. HTTP 403. */
  | "forbidden"
  /** It does not have it. HTTP 404. */
  | "missing"
  /** It is asked too often. HTTP 429. */
  | "too-often"
  /** Its certificate is not trusted. */
  | "untrusted"
  /** It speaks no TLS. */
  | "no-tls"
  /** No server answers at its address. */
  | "unreached"
  /** It fails. HTTP 5xx. */
  | "fails"
  /** It refuses for another reason. The other HTTP 4xx. */
  | "refuses";

const BY_STATUS: Readonly<Record<number, Answer>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "missing",
  429: "too-often",
};

/** Kind of an HTTP status that is not a success. */
export const answerOfStatus = (status: number): Answer => BY_STATUS[status] ?? (status >= 500 ? "fails" : "refuses");

/** Phrases of engines, plugins, libraries and registries, the more specific ones first. */
const BY_WORDS: readonly (readonly [RegExp, Answer])[] = [
  [/no basic auth credentials|authentication is required|empty challenge/, "no-login"],
  [/unauthorized|authentication required| 401[: ]/i, "unauthorized"],
  [/denied|forbidden|insufficient_scope| 403[: ]/i, "forbidden"],
  [/x509|certificate|CERT_|SELF_SIGNED/i, "untrusted"],
  [/HTTP response to HTTPS client|wrong version number|packet length/i, "no-tls"],
  [/too ?many ?requests| 429[: ]/i, "too-often"],
  [
    /refused|no such host|ENOTFOUND|timeout|timed out|deadline exceeded|no route to host|unreachable|\bEOF\b|connection reset/i,
    "unreached",
  ],
  [/HTTP status: 5\d\d| 50[0-4][: ]/, "fails"],
];

/** Kind of an error message of a program; undefined if no phrase matches. */
export const answerOfWords = (text: string): Answer | undefined => BY_WORDS.find(([words]) => words.test(text))?.[1];
