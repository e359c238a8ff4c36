/**
 * Collects everything that is wrong with a set of arguments, so that one run reports all of it.
 *
 * @example
 *   const problems = new Problems(`SandboxNode "node-1"`);
 *   problems.add("connection.port", 99999, "a whole number from 1 to 65535");
 *   problems.throwIfAny();
 */
export class Problems {
  private readonly lines: string[] = [];

  /** @param subject What the arguments belong to; the first words of the message. */
  constructor(private readonly subject: string) {}

  /**
   * Notes one problem.
   * @param field Path of the argument, as the user writes it: `nodes[2].hostKey`.
   * @param value What was given. Never pass a secret: the value is printed.
   * @param allowed What would be accepted, and why where the reason is not obvious.
   */
  add(field: string, value: unknown, allowed: string): void {
    this.lines.push(`${field}: ${describe(value)} is not allowed; it must be ${allowed}`);
  }

  /**
   * Runs a check that belongs to some other function and notes its message.
   * @param check Throws an Error whose message already names field, value and what is allowed.
   */
  attempt<T>(check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      this.lines.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** @throws Error with every problem, one a line, if there is any. */
  throwIfAny(): void {
    if (this.lines.length === 0) return;
    const count = this.lines.length === 1 ? "1 problem" : `${this.lines.length} problems`;
    throw new Error([`${this.subject}: ${count} with the arguments`, ...this.lines.map((l) => `  - ${l}`)].join("\n"));
  }
}

function describe(value: unknown): string {
  if (value === undefined) return "no value";
  // JSON has no text for a function or a symbol; its type must do.
  const text = (JSON.stringify(value) as string | undefined) ?? typeof value;
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

/** True for a whole number from `min` to `max`, both included. */
export function isWholeNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}
