/** `pause-sandbox doctor`: its arguments, its output, its exit code. */
import { Command, Option } from "commander";

import { examine } from "../doctor/examine";
import { healingConfig } from "../doctor/heal";
import type { Reach } from "../doctor/reach";
import { lookAtAll, namedNodes, type ReachOptions, withReachOptions } from "./reachOptions";
import { type Result, terminalPainter, textOf } from "./text";

interface Options extends ReachOptions {
  readonly output: "text" | "json";
  readonly fixConfig?: boolean;
}

const HELP = `
Nothing on a node is changed, and no login is sent to a registry. ssh logs in with its own configuration,
known hosts, agent and keys. Users other than root need sudo without a password.

Exit codes: 0 all is well, 1 something was found, 2 a node could not be looked at.

Examples:
  pause-sandbox doctor --host 10.0.0.11
  pause-sandbox doctor --host worker-1 --host worker-2 -J bastion.example.com
  pause-sandbox doctor --local -o json`;

export function doctorCommand(): Command {
  const command = new Command("doctor").description("Says why Pods do not start on a node, and what to set");
  return withReachOptions(command)
    .addOption(new Option("-o, --output <form>", "what is printed").choices(["text", "json"]).default("text"))
    .option("--fix-config", "print the settings of a stack file that would heal the nodes, and nothing else")
    .addHelpText("after", HELP)
    .action(async (options: Options, command: Command) => {
      const nodes = nodesOf(options, command);
      const results = await lookAtAll(nodes, options.parallel, examine);
      process.stdout.write(printed(results, options));
      process.exitCode = exitCode(results);
    });
}

function nodesOf(options: Options, command: Command): Reach[] {
  const nodes = namedNodes(options, command);
  if (nodes.length === 0) command.error("no node is named: use --host, --hosts or --local");
  return nodes;
}

function printed(results: readonly Result[], { output, fixConfig }: Options): string {
  if (fixConfig) return healingConfig(results.flatMap((result) => ("unlooked" in result ? [] : [result])));
  if (output === "json") return `${JSON.stringify({ version: 1, nodes: results }, null, 2)}\n`;
  return textOf(results, terminalPainter());
}

/** What could not be looked at may hide anything. */
export function exitCode(results: readonly Result[]): 0 | 1 | 2 {
  if (results.some((one) => "unlooked" in one)) return 2;
  return results.some((one) => "findings" in one && one.findings.length > 0) ? 1 : 0;
}
