import { RunError } from "@pulumi/pulumi/errors";

import { visible } from "./visible";
import { worded } from "./wording";

/**
 * An error for the user to mend, not one of the program. Every character of it is visible. It is reported as its message alone, also where it is thrown in
 * the code of an Output. A stack trace would not help, and with one the SDK may take 30 s to report the error
 * (nodejs/node#64011; docs/decisions/0008-errors-without-a-stack.md).
 */
export function userError(message: string): Error {
  const error = new RunError(visible(worded(message)));
  error.stack = "";
  return error;
}

/** The message of an error, or the text of anything else that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The first line of that, of at most 300 characters. */
export function firstLine(error: unknown): string {
  const [line = ""] = messageOf(error).split("\n");
  return line.slice(0, 300);
}
