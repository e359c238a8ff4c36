/** `pulumi up` and `pulumi preview` of the stack that is selected, in the folder that it is started in, where Pulumi has no language host for Node.js. */
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import * as path from "node:path";

import { messageOf } from "../../../components/errors";

async function run(command?: string): Promise<void> {
  const workDir = process.cwd();
  const workspace = await LocalWorkspace.create({ workDir });
  const selected = await workspace.stack();
  if (selected === undefined) throw new Error("no stack is selected");
  const { name: projectName } = await workspace.projectSettings();
  const { default: program } = (await import(path.join(workDir, "index.ts"))) as { default: () => Promise<object> };
  const stack = await LocalWorkspace.selectStack({ stackName: selected.name, projectName, program }, { workDir });
  const options = {
    onOutput: (text: string) => process.stdout.write(text),
    color: "never",
    suppressProgress: true,
  } as const;
  await (command === "preview" ? stack.preview(options) : stack.up(options));
}

run(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
});
