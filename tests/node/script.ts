/** Runs parts of the node's script around files of a test's own. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { joinedScript } from "../../components/node/program";
import { asked, ran } from "../support/ran";
import { atLeast } from "../support/tier";

/** A shell that nodes have as /bin/sh. */
export type Shell = readonly string[];

/** Those of this machine; dash is every Debian's, busybox every small image's. */
const everyShell: Shell[] = [["dash"], ["busybox", "sh"], ["bash", "--posix"]].filter(
  ([program]) => spawnSync("which", [program ?? ""]).status === 0,
);

/** Those that the tests run the script in. Nearly always they do the same, so one has to do in the narrow tiers. */
export const shells = atLeast("all") ? everyShell : everyShell.slice(0, 1);

/** What tells the version of a shell or an awk, where it is not `--version`. dash cannot be asked, so its package is. */
const TELLS: Record<string, readonly [string, ...string[]]> = {
  busybox: ["busybox", "--help"],
  dash: ["dpkg-query", "-W", "dash"],
  mawk: ["mawk", "-W", "version"],
};

/** {@link ran} for the shell and the awk of a `describe`. */
export function ranShell([shell = "sh"]: Shell, awk: string): void {
  for (const program of new Set([shell, awk])) {
    const [teller, ...args] = TELLS[program] ?? [program];
    // Not every system that has dash has packages of Debian's.
    ran(program, () => (spawnSync("which", [teller]).status === 0 ? asked(teller, ...args) : []));
  }
}

export interface Run {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A containerd of the toolchain's. */
export interface Containerd {
  dir: string;
  version: string;
}

/** A directory with a configuration in etc/ and the script's own state in home/. */
export class Sandbox {
  public readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-node-"));
  public readonly config = path.join(this.dir, "etc/config.toml");

  constructor(files: Record<string, string>) {
    fs.mkdirSync(path.join(this.dir, "etc"));
    for (const [name, content] of Object.entries(files)) {
      const target = path.join(this.dir, "etc", name);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.writeFileSync(target, content.replaceAll("@ETC@", path.join(this.dir, "etc")));
    }
    fs.writeFileSync(path.join(this.dir, "script.sh"), joinedScript({ run: false }));
  }

  /** Plans and swaps the configuration for `image`, or gives it back; killed before the `kill`-th change to the disk. */
  plan(
    shell: Shell,
    containerd: Containerd,
    verb: "apply" | "restore",
    more: { image?: string; kill?: number; torn?: string } = {},
  ): Run {
    const [program = "sh", ...args] = shell;
    const script = path.join(__dirname, "plan.sh");
    const binary = path.join(containerd.dir, "containerd");
    const kill = more.kill === undefined ? [] : [String(more.kill), more.torn ?? "root"];
    const settings = [this.dir, binary, containerd.version, more.image ?? wanted, "trust", verb, ...kill];
    return spawnSync(program, [...args, script, ...settings], { encoding: "utf8" });
  }

  /** Every file under etc/ with its mode and content: what `restore` has to bring back. */
  snapshot(): Record<string, string> {
    const walk = (dir: string): string[] =>
      fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
        const full = path.join(dir, entry.name);
        return entry.isDirectory() ? [full, ...walk(full)] : [full];
      });
    return Object.fromEntries(
      walk(path.join(this.dir, "etc")).map((file) => {
        const { mode, uid } = fs.statSync(file);
        const content = fs.statSync(file).isDirectory() ? "directory" : fs.readFileSync(file, "utf8");
        return [path.relative(this.dir, file), `${mode.toString(8)} ${uid} ${content}`];
      }),
    );
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true });
  }
}

/** The image that the tests ask for. */
export const wanted = "registry.example.org:5000/platform/pause:1.0.0";
