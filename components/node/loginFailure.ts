/**
 * Why the script did not run on a node. The messages of ssh, sudo and the command plugin name neither host nor remedy. Each kind of
 * failure has a page in docs/errors.
 */

import { scanOf } from "../host";

/** The known target of a log-in. */
export interface LoginPlace {
  readonly host: string;
  /** Default: unknown. */
  readonly port?: number;
  /** Default: unknown. */
  readonly user?: string;
  readonly jump?: { readonly host: string; readonly port?: number };
}

/** One failed log-in. */
export interface LoginFailure {
  readonly code: string;
  /** Code, host, port, jump host, reason and remedy. */
  readonly text: string;
  /** True if the jump host failed, not the host behind it. */
  readonly ofJump: boolean;
}

/** The machine at fault: the host, its jump host, or one of the two. */
type At = "host" | "jump" | "either";

interface Kind {
  readonly code: string;
  readonly words: RegExp;
  /** The failure; `at` stands for the machine. */
  readonly what: (at: string, user: string) => string;
  readonly wayOut: (place: LoginPlace, at: At) => string;
}

const userOf = ({ user }: LoginPlace): string => user ?? "the user";

/** The command that prints a host's key, for comparison. */
const keyOf = (place: LoginPlace, at: At): string =>
  at === "jump" && place.jump !== undefined ? scanOf(place.jump) : scanOf(place, place.jump);

/** The script is copied before it runs. */
const COPY: Kind = {
  code: "PS-L005",
  words:
    /sftp|subsystem request failed|no space left|read-only file system|copy|file does not exist|permission denied/i,
  what: (at) => `the script cannot be copied to ${at}`,
  wayOut: (place) =>
    `make room in the home directory of ${userOf(place)}, and see that it can be written; where there is no sftp, set sftp: false`,
};

/** The first match wins. */
const KINDS: readonly Kind[] = [
  {
    code: "PS-L004",
    // Where sudo cannot resolve the host's own name, it says so and goes on.
    words: /^sudo: (?!unable to resolve host)|is not in the sudoers file|\bsudo: (?:command )?not found/im,
    what: (at, user) => `${user} may not become root on ${at} without a password`,
    wayOut: (place) => `let ${userOf(place)} run sudo -n sh there, or log in as root`,
  },
  {
    code: "PS-L003",
    words: /\bdial unix\b|SSH agent|authentication agent/i,
    what: (at, user) => `nobody logs in to ${at} as ${user}: the SSH agent of this machine does not answer`,
    wayOut: () => "start the agent and add the key to it, or set sshPrivateKey (privateKey in a program)",
  },
  {
    code: "PS-L002",
    words:
      /host key mismatch|host key verification failed|remote host identification has changed|no matching host key type|no \S+ host key is known/i,
    what: (at) => `${at} shows a host key that is not the known one, or none is known`,
    wayOut: (place, at) =>
      `compare the key with the machine's own; then put the right one into hostKey or known_hosts. ${keyOf(place, at)} prints it`,
  },
  {
    code: "PS-L003",
    words:
      /unable to authenticate|permission denied \(|all configured authentication methods failed|too many authentication failures|no supported methods remain|(?:parse|read|decode)\w* (?:the )?private key|no key found|passphrase/i,
    what: (at, user) => `${at} refuses the log-in of ${user}`,
    wayOut: (place) =>
      `see that ${userOf(place)} exists there, and that the private key belongs to a line of its authorized_keys`,
  },
  {
    code: "PS-L001",
    words:
      /dial tcp|no route to host|connection refused|no such host|connect failed|connection timed out|operation timed out|timed out while waiting|i\/o timeout|deadline exceeded|could not resolve hostname|network is unreachable|connection (?:reset|closed)|kex_exchange_identification|banner|E(?:CONNREFUSED|HOSTUNREACH|NETUNREACH|TIMEDOUT|NOTFOUND|CONNRESET)/i,
    what: (at) => `${at} does not answer`,
    wayOut: ({ jump }, at) =>
      at === "host" && jump !== undefined
        ? "see that the machine is up, that its sshd listens on this port, and that the jump host can reach it"
        : "see that the machine is up, that its sshd listens on this port, and that no firewall is in between",
  },
  COPY,
];

const UNANSWERED = "PS-L001";

/** The plugin's message for a command that ran; its output may contain any of the phrases above. */
const DID_RUN = /(?:exited with|exit) status(?: (\d+))?/i;

/** The script ends with none of these: sudo that refuses does, and a log-in shell that finds no sudo. */
const OF_SUDO = ["1", "126", "127"];

/**
 * Finds the kind of a failure before the script ran.
 *
 * @param said The output of ssh, sudo or the plugin. Its first lines count: later lines only report the closed connection.
 * @param copying True while the script was being copied: then every error is such a failure.
 * @returns Undefined if the script ran, or if that is unknown.
 */
export function loginFailure(said: string, place: LoginPlace, copying = false): LoginFailure | undefined {
  const [ran, status] = DID_RUN.exec(said) ?? [];
  if (status !== undefined && !OF_SUDO.includes(status)) return undefined;
  const kinds = KINDS.filter(({ code }) => (ran !== undefined ? code === "PS-L004" : code !== COPY.code || copying));
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const [kind, line] = firstOf(kinds, lines) ?? (copying && ran === undefined ? [COPY, lines[0] ?? ""] : []);
  if (kind === undefined || line === undefined) return undefined;
  const at = faultOf(said, place, kind);
  const reason = line.trim().replace(/\s+/g, " ").slice(0, 200);
  const what = kind.what(called(place, at), userOf(place));
  const text = `${kind.code} ${what} (${reason}). What to do: ${kind.wayOut(place, at)}. See docs/errors/${kind.code}.md`;
  return { code: kind.code, text, ofJump: at === "jump" };
}

/** True if there was no connection. A host that refuses the log-in has answered. */
export const isUnanswered = (failure: LoginFailure | undefined): boolean => failure?.code === UNANSWERED;

function firstOf(kinds: readonly Kind[], lines: readonly string[]): [Kind, string] | undefined {
  for (const kind of kinds) {
    const line = lines.find((one) => kind.words.test(one));
    if (line !== undefined) return [kind, line];
  }
  return undefined;
}

const endOf = ({ host, port }: { host: string; port?: number }): string => {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
};

/** The host in a message, with its port and its jump host. */
export function called(place: LoginPlace, at: At = "host"): string {
  const host = endOf(place);
  if (place.jump === undefined) return host;
  const jump = endOf(place.jump);
  if (at === "jump") return `the jump host ${jump} in front of ${host}`;
  return at === "host" ? `${host} behind the jump host ${jump}` : `${host}, or the jump host ${jump} in front of it,`;
}

/** Whether a text has this name or address, and not only one that contains it: 10.0.0.1 is no part of 10.0.0.11. */
const hasName = (text: string, name: string): boolean =>
  new RegExp(`(?<![\\w.:-])${name.replace(/[^\w]/g, "\\$&")}(?![\\w-]|\\.\\w)`, "i").test(text);

/** The jump host dials the host, and reports its failure in other words. */
function faultOf(said: string, place: LoginPlace, { code }: Kind): At {
  const { jump } = place;
  if (jump === undefined || code === "PS-L004" || code === COPY.code) return "host";
  if (/open failed|rejected: |\(SSH\) Channel open failure/i.test(said)) return "host";
  const names = (host: string): boolean => host !== "" && hasName(said, host);
  if (names(jump.host) !== names(place.host)) return names(jump.host) ? "jump" : "host";
  // ssh itself: the outer ssh knows only that its connection was closed.
  if (/UNKNOWN port 65535/.test(said) || /dial tcp/.test(said)) return "jump";
  return "either";
}
