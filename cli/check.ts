/** `pause-sandbox check`: compares nodes with the wanted settings, and changes nothing. */
import { Command, Option } from "commander";

import { checkText } from "./checkText";
import { lookAtAll, namedNodes, type ReachOptions, stackReach, type Unlooked, withReachOptions } from "./reachOptions";
import { orRefuse, Refused } from "./refuse";
import { terminalPainter, print, tell } from "./terminal";
import { PASSWORD_HELP, type Wanted, wantedOf, type WantedOptions, withWantedOptions } from "./wanted";
import { type Checked, checkNode, type NodeToCheck } from "../doctor/check/checkNode";

interface Options extends ReachOptions, WantedOptions {
  readonly output: "text" | "json";
}

const HELP = `
The command runs the node script's verb plan over ssh. It changes, pulls and restarts nothing. Without --host, --hosts and --local
it checks the nodes of the stack file. Users other than root need sudo without a password.
${PASSWORD_HELP}
If the stack file has an encrypted login, the login is compared only if you give its password.

Exit codes: 0 all nodes have the wanted settings, 1 at least one differs, 2 a node could not be checked, or wrong usage.

Examples:
  pause-sandbox check --stack-file stacks/Pulumi.mine.yaml
  pause-sandbox check --host 10.0.0.11 --image registry.example.com:5000/platform/pause:1.0.0 --ca ca.pem -o json`;

export function checkCommand(): Command {
  const command = new Command("check").description(
    "Lists the nodes that differ from the wanted settings, with file, key and value",
  );
  return withReachOptions(withWantedOptions(command))
    .addOption(new Option("-o, --output <form>", "output format").choices(["text", "json"]).default("text"))
    .addHelpText("after", HELP)
    .action((options: Options, self: Command) =>
      orRefuse(async () => {
        const wanted = await wantedOf(options);
        const nodes = nodesOf(options, wanted, self);
        const results = await lookAtAll(nodes, options.parallel, (node) => checkNode(node, wanted));
        if (wanted.loginUnknown && wanted.settings.login?.keep !== false)
          tell("the login is encrypted in the stack file: it is not compared\n");
        const json = `${JSON.stringify({ version: 1, image: wanted.settings.image, nodes: results }, null, 2)}\n`;
        print(options.output === "json" ? json : checkText(results, terminalPainter()));
        process.exitCode = exitCode(results);
      }),
    );
}

function nodesOf(options: Options, { stack }: Wanted, command: Command): NodeToCheck[] {
  const named = namedNodes(options, command);
  if (named.length > 0) return named.map((reach) => ({ name: reach.name, reach }));
  const listed = stack?.nodes ?? [];
  if (listed.length === 0) throw new Refused("no node is named: use --host, --hosts, --local or --stack-file");
  return listed.map((node) => {
    return { name: node.name, reach: stackReach(node, options, stack?.keyFile), called: node.name };
  });
}

/** A node that could not be checked may have any problem. */
function exitCode(results: readonly (Checked | Unlooked)[]): 0 | 1 | 2 {
  if (results.some((one) => "unlooked" in one)) return 2;
  return results.some((one) => "differences" in one && one.differences.length > 0) ? 1 : 0;
}
