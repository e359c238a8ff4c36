/** Runs the command line of this tree, with programs of a test's own in front of PATH. */
import { spawn } from "node:child_process";
import * as path from "node:path";

import { program } from "../../cli/main";

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

class Ended extends Error {
  constructor(readonly status: number) {
    super("ended");
  }
}

/**
 * The same in this process, which has loaded the packages already: for the many runs that are refused.
 * @param more `env`: more variables.
 */
export async function calledHere(args: readonly string[], more: { env?: NodeJS.ProcessEnv } = {}): Promise<Ran> {
  const said = { stdout: "", stderr: "" };
  /** @returns what gives the stream back */
  const take = (name: "stdout" | "stderr") => {
    const stream = process[name];
    const own = Object.getOwnPropertyDescriptor(stream, "write");
    stream.write = (text: string | Uint8Array) => {
      said[name] += String(text);
      return true;
    };
    return () => {
      if (own) Object.defineProperty(stream, "write", own);
      else delete (stream as { write?: unknown }).write;
    };
  };
  const { env } = process;
  const back = [take("stdout"), take("stderr")];
  const exit = Object.getOwnPropertyDescriptor(process, "exit") ?? {};
  process.env = { ...env, ...more.env };
  process.exit = (status) => {
    throw new Ended(Number(status));
  };
  try {
    await program().parseAsync([...args], { from: "user" });
    return { status: Number(process.exitCode ?? 0), ...said };
  } catch (error) {
    if (error instanceof Ended) return { status: error.status, ...said };
    throw error;
  } finally {
    process.exitCode = undefined;
    Object.defineProperty(process, "exit", exit);
    process.env = env;
    for (const give of back) give();
  }
}
