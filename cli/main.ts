#!/usr/bin/env node
/** The command line: arguments and text. What is done lies in doctor/. */
import { Command, type CommanderError } from "commander";

import { doctorCommand } from "./doctor";

/** Wrong arguments are "could not look", not "something was found". */
const exit = (error: CommanderError): never => process.exit(error.exitCode === 0 ? 0 : 2);

export function program(): Command {
  const commands = [doctorCommand()];
  return commands.reduce((all, one) => all.addCommand(one.exitOverride(exit)), base());
}

function base(): Command {
  return new Command("pause-sandbox")
    .exitOverride(exit)
    .description("Gives a Kubernetes cluster its own pause (sandbox) image, and says why Pods do not start")
    .showHelpAfterError();
}

if (require.main === module) void program().parseAsync();
