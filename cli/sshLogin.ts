/** How ssh would log in to a host: asked of ssh itself, which connects to nobody for that. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { promisify } from "node:util";

import type { HostAddress } from "../components/host";
import { withoutTokens } from "../components/sources/proxyJump";
import type { SshLogin } from "../doctor/heal";

/** The values of each key, in ssh's order. */
type Said = ReadonlyMap<string, readonly string[]>;

/**
 * @param host As it was given to ssh.
 * @param options Those that ssh was given with it, such as `-F` and a file.
 * @returns the host alone where ssh does not say more
 */
export async function sshLogin(host: string, options: readonly string[]): Promise<SshLogin> {
  const said = await ask(host, options);
  if (said === undefined) return { host };
  const via = jumpIn(valueOf(said, "proxyjump"));
  // A jump host is looked up in the same file, and none of the other options is for it.
  const bastion = via === undefined ? undefined : placeIn(await ask(via, fileOf(options)), via);
  const keyFile = keyIn(said, options.includes("-i"));
  return {
    ...placeIn(said, host),
    bastion,
    keyFile,
    knownHosts: existing(valueOf(said, "userknownhostsfile").split(" ")),
  };
}

async function ask(host: string, options: readonly string[]): Promise<Said | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ssh", ["-G", ...options, "--", host]);
    const said = new Map<string, string[]>();
    for (const [, key = "", value = ""] of stdout.matchAll(/^(\S+) (.*)$/gm))
      said.set(key, [...(said.get(key) ?? []), value]);
    return said;
  } catch {
    return undefined;
  }
}

function placeIn(said: Said | undefined, given: string): HostAddress {
  const [user, port] = [valueOf(said, "user", "root"), valueOf(said, "port", "22")];
  return {
    host: valueOf(said, "hostname", given),
    port: port === "22" ? undefined : Number(port),
    user: user === "root" ? undefined : user,
  };
}

const valueOf = (said: Said | undefined, key: string, absent = ""): string => said?.get(key)?.[0] ?? absent;

const fileOf = (options: readonly string[]): readonly string[] => {
  const at = options.indexOf("-F");
  return at < 0 ? [] : options.slice(at, at + 2);
};

/** The last of several jumps is the one next to the host; a stack takes one. In ssh's words: `[user@]host[:port]`. */
function jumpIn(text: string): string | undefined {
  return text === "" || text === "none" ? undefined : `ssh://${withoutTokens(text.split(",").pop() ?? "")}`;
}

/** Where an agent answers, it has the keys, and a file may be one that only the agent can open. */
function keyIn(said: Said, asked: boolean): string | undefined {
  const needed = asked || valueOf(said, "identitiesonly") === "yes" || process.env.SSH_AUTH_SOCK === undefined;
  return needed ? existing(said.get("identityfile") ?? []) : undefined;
}

/** The first that is there; ssh prints some with a tilde. */
function existing(files: readonly string[]): string | undefined {
  return files.find((file) => existsSync(file.replace(/^~(?=\/)/, homedir())));
}
