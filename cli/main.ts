#!/usr/bin/env node
/** The command line: arguments and text. The work is done in doctor/ and components/. */
import { Command, type CommanderError } from "commander";

import { checkCommand } from "./check";
import { doctorCommand } from "./doctor";
import { nodesCommand } from "./nodes";
import { WRONG_USAGE } from "./refuse";
import { renderCommand } from "./render";

const exit = (error: CommanderError): never => process.exit(error.exitCode === 0 ? 0 : WRONG_USAGE);

export function program(): Command {
  const commands = [doctorCommand(), checkCommand(), nodesCommand(), renderCommand()];
  for (const one of commands) endWith(one, exit);
  return commands.reduce((all, one) => all.addCommand(one), base());
}

/** Subcommands exit in the same way as their command. */
function endWith(command: Command, end: typeof exit): void {
  command.exitOverride(end);
  for (const one of command.commands) endWith(one, end);
}

function base(): Command {
  return new Command("pause-sandbox")
    .exitOverride(exit)
    .description("Gives a Kubernetes cluster its own pause (sandbox) image, and finds out why Pods do not start")
    .showHelpAfterError();
}

/** Runs the command that the arguments name. */
export async function main(): Promise<void> {
  // Who reads no further, such as head, has all that they want.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  await program().parseAsync();
}

if (require.main === module) void main();
