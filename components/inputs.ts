/**
 * Arguments that may be known only later.
 *
 * A value of the components' arguments is plain where it decides which resources exist and what they are called. The
 * same goes for their order, and for how the engine treats them. Everything else is an Input: it may be an Output. So
 * may any element of a list and any field of an object.
 */
import * as pulumi from "@pulumi/pulumi";

import { userError } from "./errors";
import { isOutput, kindOf, Problems } from "./problems";

/** The rule for a value. */
export interface Rule {
  readonly allows: (value: unknown) => boolean;
  /** The end of "it must be …". */
  readonly allowed: string;
  /** True where a person may have pasted a secret: then only kind and length are printed. */
  readonly hidden?: boolean;
}

/** Adds a problem if the rule does not allow the value. */
export function checkValue(problems: Problems, field: string, value: unknown, rule: Rule): void {
  if (rule.allows(value)) return;
  if (rule.hidden) problems.addHidden(field, value, rule.allowed);
  else problems.add(field, value, rule.allowed);
}

/** Adds a problem if the rule does not allow an optional plain value. An Output is checked when it is known. */
export function checkUnlessOutput(problems: Problems, field: string, value: unknown, rule: Rule): void {
  if (value !== undefined && !isOutput(value)) checkValue(problems, field, value, rule);
}

/** Adds a problem if the rule does not allow an optional value, or if it is an Output although it must be plain. */
export function checkNoOutput(problems: Problems, field: string, value: unknown, rule: Rule): void {
  if (isOutput(value)) problems.addHidden(field, value, rule.allowed);
  else checkUnlessOutput(problems, field, value, rule);
}

/**
 * Checks a value as soon as it is known.
 * @param subject Owner of the argument; the first words of the message.
 * @returns The value.
 * @throws InputPropertiesError with every problem that `check` notes.
 */
export function checked<T>(subject: string, value: T, check: (problems: Problems) => void): T {
  const problems = new Problems(subject);
  check(problems);
  problems.throwIfAny();
  return value;
}

/**
 * Calls `use` with the value: at once if it is plain, else when it is known. This avoids Outputs for plain values.
 * An object is known when all of its fields are. It is secret as a whole if one of them is.
 */
export function whenKnown<T, U>(input: pulumi.Input<T>, use: (known: pulumi.Unwrap<T>) => U): pulumi.Input<U> {
  return holdsOutput(input) ? pulumi.output(input).apply(use) : use(input as pulumi.Unwrap<T>);
}

/**
 * The input, checked by its rule as soon as it is known. It may be left out. An Output that resolves to nothing
 * is refused: the user asked for a value, and would not get it.
 */
export function checkedInput<T>(subject: string, field: string, input: pulumi.Input<T>, rule: Rule): pulumi.Input<T> {
  if (input === undefined) return input;
  return whenKnown(input, (known) =>
    checked(subject, known as T, (problems) => {
      checkValue(problems, field, known, rule);
    }),
  );
}

/**
 * The object itself. Where it is an Output as a whole: one whose fields are taken from it later. Its fields are Inputs,
 * so the caller handles both in the same way.
 *
 * @param called Name of the object in messages: `trust`.
 * @throws Error, later, where it turns out to be no object.
 */
export function fieldsOf<T extends object, K extends keyof T>(
  called: string,
  input: pulumi.Input<T>,
  fields: readonly K[],
): Pick<T, K> {
  if (!isOutput(input)) return input as T;
  const known = laterObject(called, input);
  return Object.fromEntries(fields.map((field) => [field, known.apply((object) => object[field])])) as Pick<T, K>;
}

/** An object that is known only later. @throws Error, later, where it turns out to be none. */
export function laterObject<T extends object>(called: string, input: pulumi.Input<T>): pulumi.Output<T> {
  const known = pulumi.output(input) as unknown as pulumi.Output<unknown>;
  return known.apply((object) => {
    if (typeof object === "object" && object !== null && !Array.isArray(object)) return object;
    throw userError(`${called}: ${kindOf(object)} is not allowed; it must be an object`);
  }) as unknown as pulumi.Output<T>;
}

/** Parts of an Output that the SDK's types leave out. */
interface WholeOutput<T> {
  readonly isKnown: Promise<boolean>;
  promise(): Promise<T>;
  /** With a mark in place of what is known later. */
  promise(withUnknowns: true): Promise<unknown>;
}
const whole = <T>(input: pulumi.Input<T>) => pulumi.output(input) as unknown as WholeOutput<pulumi.Unwrap<T>>;

/**
 * The value of an Output.
 *
 * @throws The error of the Output, such as a refused argument. `apply` alone would never end.
 */
export function known<T>(output: pulumi.Input<T>): Promise<pulumi.Unwrap<T>> {
  return whole(output).promise();
}

/** Whether the value of an Output is known. */
export const isKnown = (output: pulumi.Input<unknown>): Promise<boolean> => whole(output).isKnown;

/** Whether the engine has given no value for an Output, and has not said either that it is known later. */
export async function isMissing(output: pulumi.Output<unknown>): Promise<boolean> {
  return (await (output as unknown as WholeOutput<unknown>).promise(true)) === undefined;
}

export const TRUE_OR_FALSE: Rule = { allows: (value) => typeof value === "boolean", allowed: "true or false" };

/** True where the value, or something inside it, is known only later. */
function holdsOutput(value: unknown): boolean {
  if (isOutput(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsOutput);
}
