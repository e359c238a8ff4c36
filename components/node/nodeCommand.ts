/** Writes the command lines for a node, and reads those of earlier runs. */
import { quote, split } from "shlex";

import { type Brought, hashOf, scriptText, sumIn } from "./nodeFile";
import { fingerprintsOf, type Setting } from "./nodeSettings";
import { packed } from "./program";
import { userError } from "../errors";

/** The verb of a run. */
export type Verb = "apply" | "plan" | "restore";

/** The way of the script to a node, and its user there. */
export interface Delivery extends Brought {
  /** The log-in user. Users other than root become root by `sudo -n`. */
  readonly user: string;
  /** The name of the copied script. Undefined for a host without sftp: then each command contains the script. */
  readonly file?: string;
}

/** A copy of the script that changed the node, independent of the home directory. */
const KEPT = "/var/lib/pause-sandbox/script";

/** Only root can write there. It is in memory, so a boot empties it. */
const RUN = "/run/pause-sandbox";

/**
 * Runs a copy of the script only if its SHA-256 is the one in its name, `$0`. The copy in the home directory may be torn, emptied or
 * written by others. So the command copies it to a folder that only root can write to, checks the copy, and runs it there.
 *
 * That copy stays until the next boot. A replaced resource is restored and then created again, without a new copy in between. The
 * command is short, because the plugin prints it with each failure of a node.
 */
const VERIFIED = [
  `r=${RUN};k=${KEPT}`,
  "h=${0##*-};h=${h%.sh}",
  'for f in "$0" $k $r/$h;do [ -f "$f" ]&&mkdir -pm700 $r&&cat "$f">$r/$$&&echo "$h  $r/$$"|sha256sum -c>/dev/null&&mv $r/$$ $r/$h&&exec sh $r/$h "$@" copy="$0";done',
  // A node without our notes has nothing to restore.
  'rm -f $r/$$;[ $1 = restore ]&&[ ! -e ${k%/*} ]&&rm -f "$0"&&exec echo nothing of ours is on this node>&2',
  "echo PS-N027 no copy of the script passes sha256sum, see docs/errors/PS-N027.md>&2;exit 3",
].join(";");

/**
 * In bytes: the limit of Linux for one argument (MAX_ARG_STRLEN, 32 pages). The whole command is one: sshd gives it to the log-in shell,
 * behind `-c`.
 */
const LONGEST_ARGUMENT = 131_071;

/**
 * A command for any log-in shell, fish and csh too: words and single quotes. It contains no secret: every user of the node can
 * read a command line, and sudo writes it to its log.
 */
export function commandLine(verb: Verb, settings: readonly Setting[], { user, file, ...brought }: Delivery): string {
  const words = [verb, ...settings.map(([key, value]) => `${key}=${value}`)];
  const root = user === "root" ? [] : ["sudo", "-n"];
  if (file === undefined)
    return fitting(join([...root, "sh", "-c", carrying(brought), "pause-sandbox", ...words]), brought);
  return join([...root, "sh", "-c", VERIFIED, file, ...words]);
}

/**
 * Quotes words for every log-in shell. Single quotes are not enough: within them csh still looks for events of its history, and
 * fish for backslashes.
 */
const join = (words: readonly string[]): string =>
  words.map((word) => quote(word).replace(/\\|!(?=\S)/g, (special) => `'\\${special}'`)).join(" ");

/** A program that unpacks the script where it keeps a copy of a file, too, and runs it there: a node keeps the file that ran. */
function carrying(brought: Brought): string {
  const text = scriptText(brought);
  const file = `$r/${hashOf(text)}`;
  return `r=${RUN};mkdir -pm700 $r&&printf %s ${packed(text)}|base64 -d|gzip -d>$r/$$&&mv $r/$$ ${file}&&exec sh ${file} "$@";exit 3`;
}

/** @returns The command. @throws Error with the figures if a log-in shell does not take it. */
function fitting(command: string, { ca = "", archive }: Brought): string {
  const length = Buffer.byteLength(command);
  if (length <= LONGEST_ARGUMENT) return command;
  if (archive === undefined) {
    throw userError(
      `trust.ca: ${Buffer.byteLength(ca)} bytes are too long for a node without sftp; ` +
        "give only the certificate that the registry's chain ends at",
    );
  }
  throw userError(
    `archive: the command with script and image has ${length} bytes, packed, and a node without sftp takes ${LONGEST_ARGUMENT}: ` +
      "carry fewer platforms or a smaller image, or let the node have sftp",
  );
}

/** The parts of a command. */
export interface Asked {
  /** Undefined if the command is not ours. */
  readonly verb?: string;
  /** The script: the name of its file, without the common prefix. */
  readonly script?: string;
  readonly settings: ReadonlyMap<string, readonly string[]>;
}

/** Parses a command and its stdin, also those of 0.1.0. */
export function readCommand(command: string, stdin: string): Asked {
  const words = split(command);
  const at = words.findIndex((word) => word === "apply" || word === "plan");
  const assigned = words.slice(at + 1).flatMap((word): Setting[] => {
    const [, key, value] = /^([a-z0-9-]+)=([^]*)$/.exec(word) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
  const script = words
    .map(sumIn)
    .find((one) => one !== undefined)
    ?.slice(0, 16);
  return { verb: words[at], script, settings: grouped([...assigned, ...settingsOfStdin(stdin)]) };
}

/** In 0.1.0 all settings were on stdin in base64, after the script. */
function settingsOfStdin(stdin: string): Setting[] {
  const encoded = /printf %s '([A-Za-z0-9+/=]+)'\|base64 -d\|sh -c/.exec(stdin)?.[1];
  const text = encoded === undefined ? stdin : Buffer.from(encoded, "base64").toString();
  const recheck = encoded === undefined ? [] : [...stdin.matchAll(/^# (recheck) (.+)$/gm)];
  const lines = [...text.matchAll(/^(\S+) (.*)$/gm), ...recheck].map(
    ([, key = "", value = ""]): Setting => [key, value],
  );
  const certificates = lines.filter(([key]) => key === "ca").map(([, value]) => value);
  const fingerprints = fingerprintsOf(certificates.join("\n")).map((one): Setting => ["ca-sha256", one]);
  return [...lines.filter(([key]) => key !== "ca"), ...fingerprints];
}

function grouped(settings: readonly Setting[]): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const [key, value] of settings) all.set(key, [...(all.get(key) ?? []), value]);
  return all;
}
