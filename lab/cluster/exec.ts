/** Runs programs of the host: arguments as a list (no shell), errors that say what was run and what it said. */
import { spawn } from "node:child_process";

export interface ExecOptions {
  input?: string | Buffer;
  env?: Record<string, string>;
  /** Each line of the program's standard error, as it comes; kept for the error message in any case. */
  onStderr?: (line: string) => void;
}

/** A program that ended with another status than 0. */
export class ExecError extends Error {
  constructor(
    readonly command: string,
    readonly status: number | null,
    readonly stderr: string,
  ) {
    super(`${command} failed with status ${status ?? "(killed)"}: ${tail(stderr, 20) || "(it said nothing)"}`);
  }
}

/** Standard output of `program args…`. */
export function exec(program: string, args: string[], options: ExecOptions = {}): Promise<string> {
  const command = [program, ...args.slice(0, 3), ...(args.length > 3 ? ["…"] : [])].join(" ");
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...options.env }, stdio: ["pipe", "pipe", "pipe"] });
    const stdout: Buffer[] = [];
    let stderr = "";
    // A line comes in as many chunks as its program makes of it.
    let unfinished = "";
    const report = (text: string, ended: boolean): void => {
      const lines = (unfinished + text).split("\n");
      unfinished = ended ? "" : (lines.pop() ?? "");
      if (options.onStderr) lines.filter(Boolean).forEach(options.onStderr);
    };
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      report(text, false);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? new Error(`${program} is not on PATH: run lab/toolchain/bootstrap.sh`) : error);
    });
    child.on("close", (status) => {
      report("", true);
      if (status === 0) resolve(Buffer.concat(stdout).toString());
      else reject(new ExecError(command, status, stderr));
    });
    // A program that ends early closes its input; its exit status tells the story better than EPIPE does.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

function tail(text: string, lines: number): string {
  return text.trim().split("\n").slice(-lines).join("\n");
}
