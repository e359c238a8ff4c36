import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";

import { processesWith } from "./traces";

/**
 * Starts a program of the tree and kills it, with all that it started, once it has printed `line`. Returns what it said
 * until then. Plugins have a process group of their own, and a published one outlives its engine: nobody else would end it.
 */
export async function killedRun(args: string[], line: string): Promise<string> {
  const command = ["--import", "tsx", ...args];
  const mark = randomUUID();
  const env = { ...process.env, PAUSE_SANDBOX_KILLED: mark };
  const run = spawn("node", command, { detached: true, stdio: ["ignore", "ignore", "pipe"], env });
  const ended = new Promise((resolve) => run.once("exit", resolve));
  let seen = "";
  run.stderr.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
    if (seen.includes(line) && run.pid !== undefined && run.exitCode === null) process.kill(-run.pid, "SIGKILL");
  });
  await ended;
  for (const pid of processesWith("PAUSE_SANDBOX_KILLED", mark)) process.kill(pid, "SIGKILL");
  assert.equal(run.signalCode, "SIGKILL", `it ended by itself:\n${seen}`);
  return seen;
}
