/** Runs the command line of this tree, with programs of a test's own in front of PATH. */
import { spawn } from "node:child_process";
import * as path from "node:path";

export const TREE = path.join(__dirname, "../..");

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param more `bin`: a folder that is looked in first; `env`: more variables; `input`: what is typed. */
export async function commandLine(
  args: readonly string[],
  more: { bin?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Ran> {
  const { bin, env = {}, input = "" } = more;
  const PATH = [...(bin === undefined ? [] : [bin]), process.env.PATH ?? ""].join(":");
  const main = path.join(TREE, "cli/main.ts");
  const child = spawn(process.execPath, ["--import", "tsx", main, ...args], {
    cwd: TREE,
    env: { ...process.env, ...env, PATH },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { status, stdout, stderr };
}
