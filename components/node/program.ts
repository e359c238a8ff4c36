/** The programs that run on nodes: the parts in node/, joined. */
import { gzipSync } from "fflate";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** All parts, in the order of joining. entry comes last: only this part runs anything. */
export const parts = [
  ...[
    "lib/settings",
    "lib/toml",
    "lib/environment",
    "lib/systemd",
    "lib/flag",
    "store/transaction",
    "store/guards",
    "store/services",
    "store/backup",
    "store/state",
    "detect",
    "trust",
    "runtimes/common",
    "runtimes/images",
    "runtimes/carried",
    "runtimes/ours",
    "runtimes/login",
    "runtimes/docker",
    "runtimes/containerd",
    "runtimes/containerd-files",
    "runtimes/crio",
    "runtimes/cri-dockerd",
    "runtimes/dockershim",
    "runtimes/k3s",
  ],
  ...["heal", "kubelet", "kubelet-running", "verify", "report", "differences", "apply", "restore", "plan", "entry"],
];

/** The parts of the script that changes a node: all but those that only a dry run needs. */
export const changingParts = parts.filter((part) => part !== "plan");

/** The parts of the doctor's program: the reading parts of `plan`, and the doctor's own. Only doctor/try changes anything, if it is asked. */
export const doctorParts = [
  ...parts.filter((part) => !["apply", "restore", "entry", "store/services"].includes(part)),
  ...["doctor/runtimes", "doctor/facts", "doctor/try", "doctor/entry"],
];

/** Where the parts are: this code is compiled into dist/ in the package. */
const PARTS = ["../../node", "../../../node"].map((folder) => join(__dirname, folder)).find(existsSync) ?? "node";

/**
 * The script as one text, with comments.
 * @param run If false, reading the script runs nothing, for tests that call its functions. Default: true.
 * @param of Its parts. Default: those of the script that nodes get.
 */
export function joinedScript({ run = true, of = parts as readonly string[] } = {}): string {
  return of
    .filter((part) => run || !/^(doctor\/)?entry$/.test(part))
    .map((part) => readFileSync(join(PARTS, `${part}.sh`), "utf8"))
    .join("\n");
}

/**
 * Drops whole-line comments, blank lines and indentation, of shell and awk alike. A backslash at a line's end keeps the
 * next line's indentation out of words because the shell splits there anyway.
 */
export function strippedScript(joined: string): string {
  return joined
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .join("\n");
}

/** Built once: a program may have thousands of nodes. */
function once(make: (of: readonly string[]) => string): (of?: readonly string[]) => string {
  const made = new Map<readonly string[], string>();
  return (of = parts) => {
    const text = made.get(of) ?? make(of);
    made.set(of, text);
    return text;
  };
}

/** The program that runs on a node: its version, computed from the stripped script, then the script. */
export const nodeProgram = once((of) => {
  const script = (wanted: readonly string[]): string => strippedScript(joinedScript({ of: wanted }));
  // The same version, with `plan` or without it.
  const version = script(of === changingParts ? parts : of);
  const id = createHash("sha256").update(version).digest("hex").slice(0, 16);
  return `set -eu\nscript_id=${id}\n${script(of)}\n`;
});

/**
 * A text as one shell word: gzip, then base64. Nodes get this word, so it must be the same on every machine. The zlib of each Node.js
 * compresses differently.
 */
export function packed(text: string): string {
  // The header has no time.
  return Buffer.from(gzipSync(Buffer.from(text), { level: 9, mtime: 0 })).toString("base64");
}

/**
 * The program in two parts, each as one shell word: as one argument it would be longer than Linux takes (131,071 bytes). Between the parts
 * is a line's end.
 */
export const packedHalves = (of: readonly string[] = parts): [string, string] => {
  const program = nodeProgram(of);
  const at = program.indexOf("\n", program.length / 2);
  return [packed(program.slice(0, at)), packed(program.slice(at + 1))];
};

/** Shell text that unpacks the program in memory, into `p` and `q`. */
export const unpacking = once((of) => {
  const [first, second] = packedHalves(of).map((half) => `$(printf %s '${half}'|base64 -d|gzip -d)`);
  return `p=${first}&&q=${second}||exit 3`;
});

/** The command that runs `p` and `q` as one program, in a shell of its own. Its arguments follow. */
export const running = (name: string): string => `sh -c 'p="$1\n$2";shift 2;eval "$p"' ${name} "$p" "$q"`;
