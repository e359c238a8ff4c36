/** Processes that the engine talks to, started as its language host for Node.js starts them. */
import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import * as grpc from "@grpc/grpc-js";

/** Where the engine listens: nobody asks it for anything here. */
const ENGINE = "127.0.0.1:9";

export interface Started {
  /** The address that it listens on. */
  readonly address: string;
  end(): void;
}

/**
 * @param main What the SDK has for its kind: `run-plugin`, `run-policy-pack`.
 * @param words In the order that this takes them; the engine's address stands for `"engine"`.
 */
export async function start(
  main: string,
  words: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  const file = require.resolve(`@pulumi/pulumi/cmd/${main}`);
  const args = [file, ...words.map((word) => (word === "engine" ? ENGINE : word))];
  const child = spawn("node", args, { cwd, stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
  return { address: `127.0.0.1:${await portOf(child)}`, end: () => child.kill() };
}

/** Its first line is the port that it listens on. */
async function portOf(child: ChildProcess): Promise<string> {
  let out = "";
  let said = "";
  child.stderr?.on("data", (text: Buffer) => (said += text.toString()));
  child.stdout?.on("data", (text: Buffer) => (out += text.toString()));
  const ended = once(child, "exit");
  while (!out.includes("\n") && child.exitCode === null) {
    await Promise.race([once(child.stdout ?? child, "data"), ended]);
  }
  assert.match(out, /^\d+\n/, `it did not start:\n${out}${said}`);
  return out.trim();
}

/** Asks one question. */
export function asked<T>(ask: (done: (error: grpc.ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    ask((error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });
}

export const INSECURE = grpc.credentials.createInsecure();
