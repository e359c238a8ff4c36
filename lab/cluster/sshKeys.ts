/** Keys for SSH. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/**
 * A new ed25519 key in OpenSSH's form, made by ssh-keygen. One in some hundred of ssh2's `generateKeyPairSync` is malformed: its
 * public half has 31 bytes, and sshd does not start with it.
 */
export function sshKeyPair(comment: string): { private: string; public: string } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-key-"));
  try {
    const file = path.join(folder, "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file]);
    return { private: fs.readFileSync(file, "utf8"), public: fs.readFileSync(`${file}.pub`, "utf8") };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
