/** Brings up the stacks of all clusters by Pulumi's Automation API: `npx ts-node index.ts`. */
import { automation } from "@pulumi/pulumi";

import { clusters } from "./clusters";
import { rollOut, type Up } from "./rollOut";

/** The settings of a stack stand in Pulumi.<stack>.yaml of this folder, where `pulumi config set` puts them. */
const up: Up = async (stackName, program) => {
  const args = { stackName, projectName: "pause-many-clusters", program: () => Promise.resolve().then(program) };
  const stack = await automation.LocalWorkspace.createOrSelectStack(args, { workDir: __dirname });
  const { outputs } = await stack.up({ onOutput: (text) => process.stdout.write(text) });
  return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value as unknown]));
};

rollOut(clusters, up).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
