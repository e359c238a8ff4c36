/** `pause-sandbox doctor`: its arguments, its output, its exit code. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

import { Command, InvalidArgumentError, Option } from "commander";

import { examine } from "../doctor/examine";
import { CouldNotLook } from "../doctor/facts";
import { healingConfig } from "../doctor/heal";
import { local, overSsh, type Reach } from "../doctor/reach";
import { painter, type Result, textOf } from "./text";

interface Options {
  readonly host?: readonly string[];
  readonly hosts?: string;
  readonly local?: boolean;
  readonly output: "text" | "json";
  readonly fixConfig?: boolean;
  readonly parallel: number;
  readonly sshConfig?: string;
  readonly identity?: string;
  readonly jump?: string;
  readonly user?: string;
  readonly port?: string;
}

const HELP = `
Nothing on a node is changed, and no login is sent to a registry. ssh logs in with its own configuration,
known hosts, agent and keys. Users other than root need sudo without a password.

Exit codes: 0 all is well, 1 something was found, 2 a node could not be looked at.

Examples:
  pause-sandbox doctor --host 10.0.0.11
  pause-sandbox doctor --host worker-1 --host worker-2 -J bastion.example.com
  pause-sandbox doctor --local -o json`;

const MORE_THAN_0 = "a whole number from 1 to 100";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Says why Pods do not start on a node, and what to set")
    .option("--host <name...>", "nodes, as ssh knows them")
    .option("--hosts <file>", "a file with a node in each line")
    .option("--local", "this machine")
    .addOption(new Option("-o, --output <form>", "what is printed").choices(["text", "json"]).default("text"))
    .option("--fix-config", "print the settings of a stack file that would heal the nodes, and nothing else")
    .addOption(new Option("--parallel <number>", `nodes at a time, ${MORE_THAN_0}`).default(10).argParser(parallel))
    .option("-F, --ssh-config <file>", "given to ssh as -F")
    .option("-i, --identity <file>", "given to ssh as -i")
    .option("-J, --jump <host>", "given to ssh as -J")
    .option("-l, --user <name>", "given to ssh as -l")
    .option("-p, --port <number>", "given to ssh as -p")
    .addHelpText("after", HELP)
    .action(async (options: Options, command: Command) => {
      const nodes = nodesOf(options, command);
      const results = await all(nodes, options.parallel);
      process.stdout.write(printed(results, options));
      process.exitCode = exitCode(results);
    });
}

function parallel(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 100) return number;
  throw new InvalidArgumentError(`It must be ${MORE_THAN_0}.`);
}

function nodesOf(options: Options, command: Command): Reach[] {
  const { host = [], hosts, sshConfig, identity, jump, user, port } = options;
  const given = Object.entries({ "-F": sshConfig, "-i": identity, "-J": jump, "-l": user, "-p": port });
  const ssh = given.flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  const listed = linesOf(hosts, command)
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
  const names = [...new Set([...host, ...listed])];
  const nodes = [...(options.local ? [local(hostname())] : []), ...names.map((name) => overSsh(name, ssh))];
  if (nodes.length === 0) command.error("no node is named: use --host, --hosts or --local");
  return nodes;
}

function linesOf(file: string | undefined, command: Command): string[] {
  if (file === undefined) return [];
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch (error) {
    return command.error(`--hosts ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** In the order in which they were named, whichever answers first. */
async function all(nodes: readonly Reach[], atATime: number): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < nodes.length; at = next++) {
      const node = nodes[at];
      if (node) results[at] = await one(node);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return results;
}

async function one(node: Reach): Promise<Result> {
  try {
    return await examine(node);
  } catch (error) {
    if (error instanceof CouldNotLook) return { node: node.name, unlooked: error.message };
    throw error;
  }
}

function printed(results: readonly Result[], { output, fixConfig }: Options): string {
  if (fixConfig) return healingConfig(results.flatMap((result) => ("unlooked" in result ? [] : [result])));
  if (output === "json") return `${JSON.stringify({ version: 1, nodes: results }, null, 2)}\n`;
  const colours = process.stdout.isTTY && process.env.NO_COLOR === undefined;
  return textOf(results, painter(colours));
}

/** What could not be looked at may hide anything. */
export function exitCode(results: readonly Result[]): 0 | 1 | 2 {
  if (results.some((one) => "unlooked" in one)) return 2;
  return results.some((one) => "findings" in one && one.findings.length > 0) ? 1 : 0;
}
