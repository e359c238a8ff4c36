/** The programs that run on nodes: the parts in node/, joined. */
import { gzipSync } from "fflate";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** In the order in which they are joined; entry comes last, since only it does anything. */
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
    "runtimes/containerd",
    "runtimes/containerd-files",
    "runtimes/crio",
    "runtimes/cri-dockerd",
    "runtimes/dockershim",
    "runtimes/k3s",
  ],
  ...["kubelet", "kubelet-running", "verify", "report", "apply", "restore", "plan", "entry"],
];

/** The program of the doctor: what `plan` looks with, and what tells it. Nothing that changes a node is in it. */
export const doctorParts = [
  ...parts.filter((part) => !["apply", "restore", "entry", "store/services"].includes(part)),
  ...["doctor/facts", "doctor/entry"],
];

/** Where the parts are: this code is compiled into dist/ in the package. */
const PARTS = ["../../node", "../../../node"].map((folder) => join(__dirname, folder)).find(existsSync) ?? "node";

/**
 * The script as one text, with comments.
 * @param run Whether it does anything when it is read; tests that call its functions say no. Default: true.
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

/** Made once: a program may have thousands of nodes. */
function once(make: (of: readonly string[]) => string): (of?: readonly string[]) => string {
  const made = new Map<readonly string[], string>();
  return (of = parts) => {
    const text = made.get(of) ?? make(of);
    made.set(of, text);
    return text;
  };
}

/** The program that runs on a node: the stripped script after the identity that its own text gives it. */
export const nodeProgram = once((of) => {
  const script = strippedScript(joinedScript({ of }));
  const id = createHash("sha256").update(script).digest("hex").slice(0, 16);
  return `set -eu\nscript_id=${id}\n${script}\n`;
});

/**
 * A text as one word for a shell: gzip, base64. Nodes get it, so it is the same on every machine. The zlib of each Node.js has bytes of
 * its own.
 */
export function packed(text: string): string {
  // Without a time in the head.
  return Buffer.from(gzipSync(Buffer.from(text), { level: 9, mtime: 0 })).toString("base64");
}

/** The program in that form. */
export const packedProgram = once((of) => packed(nodeProgram(of)));
