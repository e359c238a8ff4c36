/** The jump host that options of ssh name. Source: ssh(1). */
import { type JumpHost, parseJump, portOf } from "./sshConfig";
import { wordsOf } from "./words";
import { userError } from "../errors";

/** `-J host`, `-o ProxyJump=host`, and the ProxyCommand that does the same. */
export function jumpOfOptions(name: string, args: readonly (string | undefined)[]): JumpHost | undefined {
  const all = wordsOfOptions(name, args.filter((one) => one !== undefined).join(" "));
  for (let i = 0; i < all.length; i++) {
    const [, option, glued] = /^-([Jo])(.*)$/.exec(all[i] ?? "") ?? [];
    if (option === undefined) continue;
    const value = glued !== "" && glued !== undefined ? glued : (all[++i] ?? "");
    const [, keyword, text = ""] =
      option === "J" ? ["", "proxyjump", value] : (/^(\w+)\s*[=\s]\s*(.*)$/.exec(value) ?? []);
    if (keyword?.toLowerCase() === "proxycommand") return jumpOfCommand(name, text.replace(/^(["'])(.*)\1$/, "$2"));
    if (keyword?.toLowerCase() !== "proxyjump" || text === "none") continue;
    if (text.includes(",")) {
      throw userError(`the inventory leads to ${name} over several jump hosts, and the SSH plugin takes one: ${text}`);
    }
    return parseJump(name, withoutTokens(text));
  }
  return undefined;
}

/** Behind `%`, ssh reads a token. An interface such as that of `fe80::1%%eth0` has `%%` for that. */
export const withoutTokens = (text: string): string => text.replaceAll("%%", "%");

function wordsOfOptions(name: string, text: string): string[] {
  try {
    return wordsOf(text);
  } catch (error) {
    throw userError(`options of ssh for ${name} in the inventory: ${(error as Error).message}`);
  }
}

/** `ssh -W %h:%p … user@host`: the form that was used before ProxyJump existed. */
function jumpOfCommand(name: string, command: string): JumpHost {
  const [program = "", ...args] = wordsOfOptions(name, command);
  const found: { user?: string; port?: string; rest: string[]; forwards: boolean } = { rest: [], forwards: false };
  for (let i = 0; i < args.length; i++) {
    const [, option, glued = ""] = /^-([a-zA-Z])(.*)$/.exec(args[i] ?? "") ?? [];
    if (option === undefined) found.rest.push(args[i] ?? "");
    else if ("Wplio".includes(option)) {
      const value = glued === "" ? (args[++i] ?? "") : glued;
      if (option === "W") found.forwards = value === "%h:%p";
      if (option === "p") found.port = value;
      if (option === "l") found.user = value;
    }
  }
  const [host, more] = found.rest;
  if (!/(^|\/)ssh$/.test(program) || !found.forwards || host === undefined || more !== undefined) {
    throw userError(
      `the inventory leads to ${name} by a ProxyCommand, and the SSH plugin runs none: give it -J [user@]host`,
    );
  }
  const jump = parseJump(name, withoutTokens(host));
  const port = found.port === undefined ? undefined : portOf(name, found.port);
  return { host: jump.host, user: jump.user ?? found.user, port: jump.port ?? port };
}
