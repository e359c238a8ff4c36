/** Where a secret can be found after a run: in the engine's state, and on a node. */
import * as fs from "fs";
import * as path from "path";
import { gunzipSync } from "zlib";

import { exec } from "../../../lab/cluster/exec";
import type { LabNode } from "../../../lab/cluster";

/** Files below `folder` that hold one of the texts, compressed or not. */
export function filesWith(folder: string, texts: string[]): string[] {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return files.filter((file) => {
    const bytes = fs.readFileSync(file);
    const content = bytes.readUInt16BE(0) === 0x1f8b ? gunzipSync(bytes) : bytes;
    return texts.some((text) => content.includes(text));
  });
}

/** Mode and path of each file on a node that holds one of the texts; images' own files and the kernel's are left out. */
export async function nodeFilesWith({ container }: LabNode, texts: string[]): Promise<string[]> {
  const skip = ["/proc", "/sys", "/dev", "/var/lib/containerd"]
    .flatMap((folder) => ["-path", folder, "-o"])
    .slice(0, -1);
  const find = ["find", "/", "(", ...skip, ")", "-prune", "-o", "-type", "f", "-exec", "grep", "-laF"];
  const search = [...find, ...texts.flatMap((text) => ["-e", text]), "{}", "+"];
  const listed = ["sh", "-c", `"$@" | xargs -r stat -c '%a %n'`, "sh", ...search];
  return (await exec("docker", ["exec", container, ...listed])).split("\n").filter(Boolean);
}

/** How many sessions the node's sshd has let in so far. */
export async function sessions({ container }: LabNode): Promise<number> {
  const log = await exec("docker", ["exec", container, "journalctl", "-b", "-o", "cat", "--no-pager"]);
  return log.split("\n").filter((line) => line.startsWith("Accepted publickey for ")).length;
}
