/** `pulumi up` of the stack that is selected, in the folder that it is started in, where Pulumi has no language host for Node.js. */
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import * as path from "node:path";

import { messageOf } from "../../../components/errors";

async function up(): Promise<void> {
  const workDir = process.cwd();
  const workspace = await LocalWorkspace.create({ workDir });
  const selected = await workspace.stack();
  if (selected === undefined) throw new Error("no stack is selected");
  const { name: projectName } = await workspace.projectSettings();
  const { default: program } = (await import(path.join(workDir, "index.ts"))) as { default: () => Promise<object> };
  const stack = await LocalWorkspace.selectStack({ stackName: selected.name, projectName, program }, { workDir });
  await stack.up({ onOutput: (text) => process.stdout.write(text), color: "never", suppressProgress: true });
}

up().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
});
