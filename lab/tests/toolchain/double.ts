import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

export const toolchain = resolve(__dirname, "../../toolchain");

/** What `get` left behind: its paths, what it told people, and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly paths: string[];
  readonly log: string;
}

/**
 * A machine of its own for one test: an empty cache, and a PATH that holds the plain commands of Debian but none of the
 * tools that `get` looks for, so that what this machine has installed decides nothing.
 */
export class Machine {
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), "toolchain-")));
  readonly cache = join(this.home, "cache");
  readonly bin = join(this.home, "bin");
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    const plain = join(this.home, "plain");
    mkdirSync(this.bin);
    mkdirSync(plain);
    for (const command of plainCommands) {
      symlinkSync(
        execFileSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).trim(),
        join(plain, command),
      );
    }
    this.env = {
      HOME: this.home,
      PATH: [this.bin, plain].join(delimiter),
      PAUSE_SANDBOX_CACHE: this.cache,
      // Port 9 (discard) answers nowhere: the download sites of a machine that cannot reach them.
      PAUSE_SANDBOX_DOWNLOAD_MIRROR: "http://127.0.0.1:9",
    };
  }

  /** Puts an executable on this machine's PATH. */
  install(name: string, script: string): string {
    const file = join(this.bin, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  /** A Go that says it is current and writes what a build of crictl would. */
  installGo(build = 'echo "#!/bin/sh" >"$out/crictl"; echo "echo built" >>"$out/crictl"'): void {
    this.install(
      "go",
      `case $1 in
  version) echo "go version go1.99.0 linux/amd64" ;;
  list) echo k8s.io/one; echo k8s.io/two ;;
  build) while [ "$1" != -o ]; do shift; done; out=$2; ${build} ;;
esac`,
    );
  }

  start(...names: string[]): ChildProcess {
    return spawn(join(toolchain, "get"), names, { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
  }

  async get(...names: string[]): Promise<Outcome> {
    return outcome(this.start(...names));
  }

  /** Unfinished work in the cache; empty unless a run is busy. */
  leftovers(): string[] {
    return list(join(this.cache, "stage"));
  }

  tools(): string[] {
    return list(join(this.cache, "tools")).flatMap((bundle) =>
      list(join(this.cache, "tools", bundle)).map((file) => `${bundle}/${file}`),
    );
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

const plainCommands = [
  ...["awk", "bash", "cat", "chmod", "curl", "cut", "dirname", "env", "find", "flock", "grep", "gzip", "head", "id"],
  ...["mkdir", "mv", "nice", "readlink", "rm", "sed", "sh", "sha256sum", "sleep", "sort", "tail", "tar", "timeout"],
  ...["touch", "tr", "uname", "wc"],
];

function list(dir: string): string[] {
  try {
    return readdirSync(dir).sort();
  } catch {
    return [];
  }
}

/** Waits for a started `get` and collects what it said. */
export async function outcome(child: ChildProcess): Promise<Outcome> {
  let stdout = "";
  let log = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.on("close", done));
  return { code, paths: stdout.split("\n").filter((line) => line !== ""), log };
}

/** The official sites, on loopback: serves what it is given and remembers what it was asked for. */
export class DownloadSite {
  readonly asked: string[] = [];
  private readonly files = new Map<string, Buffer>();
  private readonly server: Server = createServer((request, response) => {
    const path = request.url ?? "";
    this.asked.push(path);
    const body = this.files.get(path);
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  serve(path: string, body: Buffer | string): void {
    this.files.set(path, Buffer.from(body));
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

export function sha256(body: Buffer | string): string {
  return createHash("sha256").update(body).digest("hex");
}

/** A gzipped tar archive of executables, made by tar itself. */
export function archive(machine: Machine, files: Record<string, string>): Buffer {
  const dir = mkdtempSync(join(machine.home, "archive-"));
  for (const [path, body] of Object.entries(files)) {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), body, { mode: 0o755 });
  }
  return execFileSync("tar", ["-C", dir, "-cz", ...Object.keys(files)]);
}
