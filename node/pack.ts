/**
 * Packs node/*.sh into components/node/nodeScript.generated.ts: `node --import tsx node/pack.ts`. A second program, that of
 * `pause-sandbox doctor`, goes into doctor/doctorScript.generated.ts.
 *
 * The bytes are committed, so that they are the same on every machine: they are part of each node's stdin, and another
 * zlib would otherwise make every node of a cluster look changed.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

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

const target = join(__dirname, "..", "components/node/nodeScript.generated.ts");

/**
 * The script as one text, with comments.
 * @param run Whether it does anything when it is read; tests that call its functions say no. Default: true.
 * @param of Its parts. Default: those of the script that nodes get.
 */
export function joinedScript({ run = true, of = parts } = {}): string {
  return of
    .filter((part) => run || !/^(doctor\/)?entry$/.test(part))
    .map((part) => readFileSync(join(__dirname, `${part}.sh`), "utf8"))
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

/** The program that runs on a node: the stripped script after the identity that its own text gives it. */
export function nodeProgram(of = parts): string {
  const script = strippedScript(joinedScript({ of }));
  return `set -eu\nscript_id=${createHash("sha256").update(script).digest("hex").slice(0, 16)}\n${script}\n`;
}

/** The text of the generated module. */
export const generatedModule = (): string => moduleOf("packedNodeScript", parts);

/** The text of the doctor's generated module. */
export const generatedDoctor = (): string => moduleOf("packedDoctorScript", doctorParts);

function moduleOf(name: string, of: string[]): string {
  const packed = gzipSync(Buffer.from(nodeProgram(of)), { level: 9 });
  // The byte that names the operating system differs between machines.
  packed[9] = 3;
  return [
    "// Written by node/pack.ts from node/*.sh. Do not edit.",
    "",
    "/** The program for a node: gzip, base64. */",
    `export const ${name} =\n  "${packed.toString("base64")}";`,
    "",
  ].join("\n");
}

/** Where the generated module stands. */
export const generatedPath = target;
export const doctorPath = join(__dirname, "..", "doctor/doctorScript.generated.ts");

if (require.main === module) {
  writeFileSync(target, generatedModule());
  writeFileSync(doctorPath, generatedDoctor());
}
