import * as pulumi from "@pulumi/pulumi";

/**
 * Collects everything that is wrong with a set of arguments, so that one run reports all of it.
 *
 * @example
 *   const problems = new Problems(`SandboxNode "node-1"`);
 *   problems.add("connection.port", 99999, "a whole number from 1 to 65535");
 *   problems.throwIfAny();
 */
export class Problems {
  private readonly errors: { propertyPath: string; reason: string }[] = [];

  /** @param subject What the arguments belong to; the first words of the message. */
  constructor(private readonly subject: string) {}

  /**
   * Notes one problem.
   * @param field Path of the argument, as the user writes it: `nodes[2].hostKey`.
   * @param value What was given. Never pass a secret: the value is printed.
   * @param allowed What would be accepted, and why where the reason is not obvious.
   */
  add(field: string, value: unknown, allowed: string): void {
    this.errors.push({ propertyPath: field, reason: `${describe(value)} is not allowed; it must be ${allowed}` });
  }

  /**
   * Runs a check that belongs to some other function and notes its message.
   * @param field Path of the argument that is checked.
   * @param check Throws an Error whose message already names field, value and what is allowed.
   */
  attempt<T>(field: string, check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const named = `${field}: `;
      this.errors.push({
        propertyPath: field,
        reason: message.startsWith(named) ? message.slice(named.length) : message,
      });
      return undefined;
    }
  }

  /**
   * Pulumi's own error for arguments: a program reads `errors`, a person reads the message, one problem a line.
   * @throws InputPropertiesError with every problem, if there is any.
   */
  throwIfAny(): void {
    const { errors } = this;
    if (errors.length === 0) return;
    const count = errors.length === 1 ? "1 problem" : `${errors.length} problems`;
    const lines = errors.map(({ propertyPath, reason }) => `  - ${propertyPath}: ${reason}`);
    const message = [`${this.subject}: ${count} with the arguments`, ...lines].join("\n");
    throw new pulumi.InputPropertiesError({ message, errors });
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
