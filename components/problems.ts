import * as pulumi from "@pulumi/pulumi";
import { counted } from "./counted";
import { messageOf } from "./errors";
import { visible } from "./visible";
import { worded } from "./wording";

/** Why the components' own lists and objects cannot be Outputs (pulumi#13802: one secret makes the whole value one). */
const PLAIN =
  "The resources depend on it, so it must be known before the program runs on. " +
  "One secret inside can make the whole value an Output, as requireSecretObject does (pulumi#13802). " +
  "Build it from plain values and give only the secret fields, such as privateKey, as Outputs";

/**
 * Collects all problems of a set of arguments, so that one run reports all of them.
 *
 * @example
 *   const problems = new Problems(`SandboxNode "node-1"`);
 *   problems.add("connection.port", 99999, "a whole number from 1 to 65535");
 *   problems.throwIfAny();
 */
export class Problems {
  private readonly errors: { propertyPath: string; reason: string }[] = [];

  /** @param subject Owner of the arguments; the first words of the message. */
  constructor(private readonly subject: string) {}

  /**
   * Notes one problem.
   * @param field Path of the argument, as the user writes it: `nodes[2].hostKey`.
   * @param value The given value. Never pass a secret: the value is printed.
   * @param allowed The allowed values, with the reason if it is not obvious.
   */
  add(field: string, value: unknown, allowed: string): void {
    this.errors.push({ propertyPath: field, reason: `${describe(value)} is not allowed; it must be ${allowed}` });
  }

  /**
   * Notes an argument of which only kind and length are printed. A value of the wrong shape may hold anything. A person
   * may have pasted a private key in the place of a certificate.
   * @param field Path of the argument; empty for the arguments as a whole.
   */
  addHidden(field: string, value: unknown, allowed: string): void {
    const why = isOutput(value) ? `. ${PLAIN}` : "";
    this.errors.push({ propertyPath: field, reason: `${kindOf(value)} is not allowed; it must be ${allowed}${why}` });
  }

  /**
   * Notes a value that is not an object.
   * @param field Path of the argument; empty for the arguments as a whole.
   * @param needs The fields that it must have, for the message.
   * @returns True if it is an object, so that its fields can be checked.
   */
  isObject(field: string, value: unknown, needs: string): boolean {
    if (typeof value === "object" && value !== null && !Array.isArray(value) && !isOutput(value)) return true;
    this.addHidden(field, value, `an object with ${needs}`);
    return false;
  }

  /** Notes a value that must be there and is not. Outputs are checked when they are known. */
  isGiven(field: string, value: unknown, allowed: string): boolean {
    if (isOutput(value) || typeof value === "string") return true;
    this.addHidden(field, value, allowed);
    return false;
  }

  /**
   * Runs a check that belongs to some other function and notes its message.
   * @param field Path of the argument that is checked.
   * @param check Throws an Error whose message names the value and what is allowed. It does not know the field.
   */
  attempt<T>(field: string, check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      this.errors.push({ propertyPath: field, reason: messageOf(error) });
      return undefined;
    }
  }

  /**
   * Pulumi's own error for arguments: a program reads `errors`, a person reads the message, one problem per line.
   * @throws InputPropertiesError with every problem, if there is any.
   */
  throwIfAny(): void {
    if (this.errors.length === 0) return;
    const errors = this.errors.map(({ propertyPath, reason }) => {
      return { propertyPath: visible(propertyPath), reason: visible(reason) };
    });
    const count = errors.length === 1 ? "1 problem" : `${errors.length} problems`;
    const lines = errors.map(({ propertyPath, reason }) => `  - ${propertyPath || "the arguments"}: ${reason}`);
    const message = [`${visible(this.subject)}: ${count} with the arguments`, ...lines].join("\n");
    const error = new pulumi.InputPropertiesError({ message: worded(message), errors });
    // A stack trace helps nobody to mend an argument, and with one the SDK may take 30 s to report the error
    // (nodejs/node#64011; docs/decisions/0008-errors-without-a-stack.md).
    error.stack = "";
    throw error;
  }
}

/** A value for a message, cut to a length that can be read. */
export function describe(value: unknown): string {
  if (value === undefined) return "no value";
  if (isOutput(value)) return kindOf(value);
  // JSON has no text for a function or a symbol; its type must do.
  const text = (JSON.stringify(value) as string | undefined) ?? typeof value;
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

/** Kind of a value, without its content. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "no value";
  if (value === null) return "null";
  if (pulumi.Output.isInstance(value)) return "an Output";
  if (value instanceof Promise) return "a Promise";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value !== "string") return `a ${typeof value}`;
  if (value === "") return "an empty text";
  if (value.includes("PRIVATE KEY-----")) return `a private key, ${value.length} characters`;
  return `a text of ${counted(value.length, "character")}`;
}

/** True for a value that is known only while the program runs. */
export function isOutput(value: unknown): boolean {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

/** True for a whole number from `min` to `max`, both included. */
export function isWholeNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}
