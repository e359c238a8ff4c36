/** Why ssh did not run a command: its own first words, with host, port, user and jump host. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { loginFailure, type LoginPlace } from "../components/node/loginFailure";
import { withoutTokens } from "../components/sources/proxyJump";

/** ssh itself ends with this code; any other is that of the command. */
const OF_SSH = 255;

/**
 * @param host As it was given to ssh.
 * @param options Those that ssh was given with it.
 * @returns A line for people.
 */
export async function sshFailure(
  host: string,
  options: readonly string[],
  { status, said }: { status: number | null; said: string },
): Promise<string> {
  const own = status === OF_SSH ? said : `exited with status ${String(status)}\n${said}`;
  const failure = loginFailure(own, await placeOf(host, options));
  return failure?.text ?? lineOf(said, status) ?? `ssh to ${host} ended with ${String(status)}`;
}

/** The lines of ssh without its warnings. */
export const tellingLines = (said: string): string[] =>
  said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(?:Warning: |@+)/.test(line));

/** ssh begins with the reason, and the script ends with it. */
function lineOf(said: string, status: number | null): string | undefined {
  const telling = tellingLines(said);
  return status === OF_SSH ? telling[0] : telling.at(-1);
}

/** Where ssh logs in to: asked of ssh itself, which connects to nobody for that. */
async function placeOf(host: string, options: readonly string[]): Promise<LoginPlace> {
  try {
    const asked = promisify(execFile)("ssh", ["-G", ...options, "--", host]);
    asked.child.stdin?.end();
    const { stdout } = await asked;
    const said = (key: string): string | undefined => new RegExp(`^${key} (.+)$`, "m").exec(stdout)?.[1];
    const port = Number(said("port") ?? NaN);
    return {
      host: said("hostname") ?? host,
      port: port > 0 ? port : undefined,
      user: said("user"),
      jump: jumpIn(said("proxyjump")),
    };
  } catch {
    return { host };
  }
}

/** The last of several jumps is the one next to the host. */
function jumpIn(text = "none"): LoginPlace["jump"] {
  if (text === "none") return undefined;
  const [, host = "", bare = "", port] =
    /(?:^|@|\/)(?:\[([^\]]+)\]|([^@:/]+))(?::(\d+))?\/?$/.exec(text.split(",").pop() ?? "") ?? [];
  return { host: withoutTokens(host) || bare, port: port === undefined ? undefined : Number(port) };
}
