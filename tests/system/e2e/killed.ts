import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";

/**
 * Starts a program of the tree and kills it, with all that it started, once it has printed `line`. Returns what it said
 * until then.
 */
export async function killedRun(args: string[], line: string): Promise<string> {
  const command = ["--import", "tsx", ...args];
  const run = spawn("node", command, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => run.once("exit", resolve));
  let seen = "";
  run.stderr.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
    if (seen.includes(line) && run.pid !== undefined && run.exitCode === null) process.kill(-run.pid, "SIGKILL");
  });
  await ended;
  assert.equal(run.signalCode, "SIGKILL", `it ended by itself:\n${seen}`);
  return seen;
}
