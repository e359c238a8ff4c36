/** Bad input as the command line reports it: a line per problem, by the names that were typed, and nothing else. */
import { messageOf } from "../components/errors";
import { tell } from "./terminal";

/** Something that the user can mend; its message is all that is printed. */
export class Refused extends Error {}

/** Options by the fields of the components, whose rules they follow. */
const OPTIONS: readonly (readonly [RegExp, string])[] = [
  [/\btrust\.login\.username\b/g, "--pull-username"],
  [/\btrust\.login\.password\b/g, "--pull-password-file"],
  [/\btrust\.login\.keep\b/g, "keepPullLogin"],
  [/\btrust\.login\b/g, "the login"],
  [/\btrust\.ca\b/g, "--ca"],
  [/\btrust\.mirrors(\[\d+\])?/g, "--mirror"],
  [/^reference\b/g, "--image"],
  [/^digest\b/g, "--digest"],
  [/\bprogramUrl\b/g, "--program-url"],
  [/\bset allowLoginInUserData to true/g, "use --allow-login-in-user-data"],
  [/^canaryGroup\b/g, "--canary-group"],
  [/^allowLoginInUserData\b/g, "--allow-login-in-user-data"],
];

/** A message of the components in the words of the command line. */
const inOptions = (text: string): string =>
  OPTIONS.reduce((said, [field, option]) => said.replace(field, option), text);

/** In every command: 0 well or as wanted, 1 found or different, 2 not looked at or wrong usage. */
export const WRONG_USAGE = 2;

/** Runs an action to its end. Where the input is refused, the process ends with {@link WRONG_USAGE}. */
export async function orRefuse(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const said = await refusal(error);
    if (said === undefined) throw error;
    tell(said.map((line) => `error: ${line}\n`).join(""));
    process.exitCode = WRONG_USAGE;
  }
}

/** What the user is told; nothing where the error is one of this program. */
async function refusal(error: unknown): Promise<string[] | undefined> {
  if (error instanceof Refused) return error.message.split("\n");
  const { InputPropertiesError, RunError } = await import("@pulumi/pulumi/errors");
  if (InputPropertiesError.isInstance(error)) {
    const { errors } = error as { errors: { propertyPath: string; reason: string }[] };
    return errors.map(({ propertyPath, reason }) => inOptions(`${propertyPath}: ${inOptions(reason)}`));
  }
  return RunError.isInstance(error) ? [inOptions((error as Error).message)] : undefined;
}

/** Reads a file that an option names. */
export async function readNamed(option: string, file: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Refused(`${option} ${file}: ${messageOf(error)}`);
  }
}
