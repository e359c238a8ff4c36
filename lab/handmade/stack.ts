/** The stack with the handmade Pod: the real engine, its state in a directory of its own. No lab has to stand. */
import { LocalWorkspace, type Stack, type UpResult } from "@pulumi/pulumi/automation";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import type { Pod } from "./checks";
import { program, type Settings } from "./program";
import { exec } from "../cluster/exec";
import { labDir, TREE } from "../cluster/layout";
import "../ownConnections";

/** Beside the lab's directory: taking the lab down removes that, and would forget the containers. */
export function handmadeDir(): string {
  return `${labDir()}-handmade`;
}

/**
 * Opens the stack whose state lies in `directory`, creating it first if there is none.
 * @param settings Left out for a stack that is only to be destroyed.
 */
export async function openStack(directory: string, settings?: Settings): Promise<Stack> {
  toolsOnce ??= toolFolders();
  const env = {
    PATH: [...(await toolsOnce), process.env.PATH ?? ""].join(path.delimiter),
    PULUMI_BACKEND_URL: `file://${madeFolder(path.join(directory, "state"))}`,
    PULUMI_HOME: madeFolder(path.join(directory, "pulumi-home")),
    PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(directory),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  // The automation library looks for `pulumi` on the PATH of this process.
  process.env.PATH = env.PATH;
  return LocalWorkspace.createOrSelectStack(
    {
      stackName: "handmade",
      projectName: "pause-sandbox-handmade",
      program: settings ? program(settings) : () => Promise.resolve({}),
    },
    { workDir: madeFolder(path.join(directory, "run")), envVars: env },
  );
}

/** The Pod, as the program's outputs name it. */
export function podOf({ outputs }: UpResult): Pod {
  const text = (name: keyof Pod): string => String(outputs[name]?.value);
  return { url: text("url"), pause: text("pause"), nginx: text("nginx"), app: text("app") };
}

/**
 * Has the engine look at the containers, so that one that someone stopped or removed is made again by the next up. At
 * those only: docker's plugin looks at no image, it gives back what it is asked about.
 */
export async function noticeLoss(stack: Stack): Promise<void> {
  if (Object.keys(await stack.outputs()).length === 0) return;
  await stack.refresh({ target: ["**docker:index/container:Container::*"] });
}

/** Removes what the stack made, then its state. */
export async function destroy(directory: string, onOutput?: (text: string) => void): Promise<void> {
  const stack = await openStack(directory);
  await stack.destroy({ onOutput, color: "never", suppressProgress: true });
  fs.rmSync(directory, { recursive: true });
}

/** Found once per process: the tools do not change under it. */
let toolsOnce: Promise<string[]> | undefined;

async function toolFolders(): Promise<string[]> {
  const onStderr = (line: string): boolean => process.stderr.write(`${line}\n`);
  const tools = await exec(path.join(TREE, "lab/toolchain/get"), ["pulumi", "plugin:docker"], { onStderr });
  return [
    ...new Set(
      tools
        .trim()
        .split("\n")
        .map((tool) => path.dirname(tool)),
    ),
  ];
}

function madeFolder(directory: string): string {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

function passphraseFile(directory: string): string {
  const file = path.join(directory, "passphrase");
  if (!fs.existsSync(file)) fs.writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return file;
}
