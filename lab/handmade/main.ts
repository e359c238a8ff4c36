/** `node --import tsx lab/handmade/main.ts up|destroy|down`: the Pod made by hand, on a docker engine without Kubernetes. */
import * as fs from "node:fs";
import * as path from "node:path";

import type { Pod } from "./checks";
import { images } from "./images";
import { chosenPort, requirePort } from "./port";
import { show } from "./show";
import { destroy, handmadeDir, noticeLoss, openStack, podOf } from "./stack";
import { messageOf } from "../../components/errors";
import { docker, requireEngine } from "../cluster/docker";
import { exec } from "../cluster/exec";
import { LABEL, TREE } from "../cluster/layout";
import { lineLog } from "../log";

const onOutput = (text: string): boolean => process.stderr.write(text);

async function up(): Promise<void> {
  const log = lineLog();
  await requireEngine();
  const publishedPort = chosenPort();
  await requirePort(publishedPort);
  const settings = { ...(await images(log)), publishedPort, pauseVersion: "1.0.0" };
  const pod = await log.step("the program: pause's image and three containers", async (): Promise<Pod> => {
    const stack = await openStack(handmadeDir(), settings);
    await noticeLoss(stack);
    return podOf(await stack.up({ onOutput, color: "never", suppressProgress: true }));
  });
  await show(pod, (text) => process.stdout.write(text));
  process.stdout.write("\nmake handmade-down removes it.\n");
}

/** @returns whether there was one */
async function remove(): Promise<boolean> {
  if (!fs.existsSync(handmadeDir())) return false;
  await requireEngine();
  await lineLog().step("remove the handmade Pod", () => destroy(handmadeDir(), onOutput));
  return true;
}

/** The engine too, if it was started for this alone: one that was there before is left running by the script. */
async function down(): Promise<void> {
  if (!(await remove())) {
    process.stderr.write("there is no handmade Pod\n");
    return;
  }
  const others = await docker(["ps", "--all", "--quiet", "--filter", `label=${LABEL}`]);
  if (others === "") await exec(path.join(TREE, "lab/toolchain/engine.sh"), ["stop"]);
}

const commands: Record<string, () => Promise<unknown>> = { up, destroy: remove, down };
const command = commands[process.argv[2] ?? ""] ?? (() => Promise.reject(new Error("usage: main.ts up|destroy|down")));
command().catch((error: unknown) => {
  process.stderr.write(`make handmade: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
