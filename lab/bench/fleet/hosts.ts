/** The simulated hosts: files of their own, on one machine, behind one sshd. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { parse } from "smol-toml";

import type { Wanted } from "./wanted";

/** What a host has before anyone changes it. */
const CONFIG = `version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.8"

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
`;
const OLD_IMAGE = "registry.k8s.io/pause:3.8";

/** What programs on a host need of /etc. */
const OF_ETC = ["passwd", "group", "nsswitch.conf", "ld.so.cache", "os-release"];

/** Lays the programs of the simulated hosts below FOLDER, where their sessions find them. */
export function makePrograms(folder: string): void {
  const stub = path.join(folder, "stub");
  fs.cpSync(path.join(__dirname, "stub"), stub, { recursive: true, verbatimSymlinks: true });
  for (const name of ["kubelet", "containerd"]) {
    execFileSync("cc", ["-O1", "-o", path.join(stub, name), path.join(__dirname, "program.c")], { stdio: "pipe" });
  }
}

export class Host {
  private readonly root: string;
  private readonly socket = net.createServer();
  private holder?: ChildProcess;

  private constructor(
    private readonly folder: string,
    readonly address: string,
  ) {
    this.root = path.join(folder, "root");
  }

  /** The host of an address. A new one is made with its folders and its mount namespace. */
  static async at(hosts: string, address: string, digest: string): Promise<Host> {
    const host = new Host(path.join(hosts, address), address);
    if (!fs.existsSync(host.folder)) await host.make(digest);
    return host;
  }

  private async make(digest: string): Promise<void> {
    for (const name of ["etc/alternatives", "run/bench", "run/containerd", "var-lib", "root"]) {
      fs.mkdirSync(path.join(this.root, name), { recursive: true });
    }
    for (const name of OF_ETC) fs.copyFileSync(path.join("/etc", name), path.join(this.root, "etc", name));
    fs.writeFileSync(path.join(this.root, "run/bench/digest"), digest);
    // The socket of the runtime: nobody speaks to it, but it must be one.
    await new Promise<void>((resolve) =>
      this.socket.listen(path.join(this.root, "run/containerd/containerd.sock"), resolve),
    );
    await this.holdNamespace();
  }

  /** A process that sleeps holds the host's mount namespace, and ends with the benchmark. Sessions enter it by its number. */
  private async holdNamespace(): Promise<void> {
    const holder = spawn("unshare", ["--mount", path.join(__dirname, "host.sh"), this.folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => {
        resolve();
      });
      holder.once("exit", () => {
        reject(new Error(`${this.address}: its files cannot be mounted`));
      });
    });
    fs.writeFileSync(path.join(this.folder, "pid"), String(holder.pid));
    this.holder = holder;
  }

  /** Ends the host. Its files stay. */
  close(): void {
    this.socket.close();
    this.holder?.kill();
  }

  /** The host as nobody has changed it yet. */
  reset(): void {
    for (const name of ["etc/containerd", "var-lib"]) this.empty(name);
    this.write("etc/containerd/config.toml", CONFIG);
    this.write("run/bench/running", OLD_IMAGE);
    this.write("run/bench/pulled", "");
    this.write("run/bench/pinned", "");
  }

  /** The host as a new machine of the same name and address. */
  reinstall(): void {
    for (const name of ["root", "run/pause-sandbox"]) this.empty(name);
    this.reset();
  }

  /** Empties a folder, and keeps the folder itself: it is mounted. */
  private empty(name: string): void {
    const folder = path.join(this.root, name);
    fs.mkdirSync(folder, { recursive: true });
    for (const entry of fs.readdirSync(folder)) fs.rmSync(path.join(folder, entry), { recursive: true });
  }

  private write(name: string, text: string): void {
    fs.writeFileSync(path.join(this.root, name), text);
  }

  private read(name: string): string {
    const file = path.join(this.root, name);
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  }

  private list(name: string): string[] {
    const folder = path.join(this.root, name);
    return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  }

  /** Runs a command as sshd has it run for root, and ends with its status. */
  run(command: string, input: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const pid = String(this.holder?.pid);
    const enter = ["--mount", "--target", pid, "--wdns=/root", "--", "sh", "-c", command];
    const PATH = `${path.join(this.folder, "../../stub")}:/usr/sbin:/usr/bin:/sbin:/bin`;
    const child = spawn("nsenter", enter, { env: { PATH, HOME: "/root" } });
    const said = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said.stderr += chunk.toString()));
    child.stdin.on("error", () => undefined).end(input);
    return new Promise((resolve, reject) => {
      child.once("error", reject).once("close", (status) => {
        resolve({ status, ...said });
      });
    });
  }

  /** Puts a file into the home directory of root, as the command plugin copies it: in place. */
  copy(name: string, text: string): void {
    this.write(`root/${name}`, text);
  }

  /** Every file of its disks with its mode and content, but for the times that a run notes. */
  files(): Record<string, string> {
    const folders = ["etc/containerd", "var-lib", "root"].map((name) => path.join(this.root, name));
    const all = folders.flatMap((folder) =>
      fs
        .readdirSync(folder, { recursive: true, withFileTypes: true })
        .map((entry) => path.join(entry.parentPath, entry.name)),
    );
    const noted = path.join(this.root, "var-lib/pause-sandbox/stat");
    return Object.fromEntries(
      all
        .filter((file) => file !== noted)
        .sort()
        .map((file) => {
          const stat = fs.statSync(file);
          const content = stat.isDirectory() ? "/" : fs.readFileSync(file, "utf8");
          return [file, `${stat.mode.toString(8)} ${content}`];
        }),
    );
  }

  /** Has the runtime's restarts fail from now on, or not any more. */
  breakRestarts(broken: boolean): void {
    this.write("run/bench/broken", broken ? "yes" : "");
  }

  /** Files of ours: the configuration, our notes, and the copies of the script in the home directory. */
  ours(): string[] {
    const found = ["var-lib/pause-sandbox", "etc/containerd/certs.d"].filter((name) =>
      fs.existsSync(path.join(this.root, name)),
    );
    return [...found, ...fs.readdirSync(path.join(this.root, "root")).filter((name) => name.includes("pause-sandbox"))];
  }

  /** Whether the host is as nobody has changed it yet. */
  untouched(): boolean {
    return this.read("etc/containerd/config.toml") === CONFIG && this.ours().length === 0;
  }

  /** What is not as wanted, in words; nothing where all is. */
  wrong({ reference, registry, ca }: Wanted): string[] {
    const certs = `/etc/containerd/certs.d/${registry}`;
    const named = caIn(this.read(`${certs}/hosts.toml`.slice(1)), `https://${registry}`);
    const states: Record<string, boolean> = {
      "config.toml": this.read("etc/containerd/config.toml").trim() === CONFIG.replace(OLD_IMAGE, reference).trim(),
      "the CA": named !== "" && this.read(named.slice(1)).trim() === ca.trim(),
      "hosts.toml": path.dirname(named) === certs,
      "certs.d": this.list("etc/containerd/certs.d").join() === registry,
      "the image": this.read("run/bench/pulled").split("\n").includes(reference),
      "a new sandbox": this.read("run/bench/running").trim() === reference,
    };
    const wrong = Object.entries(states).filter(([, right]) => !right);
    return wrong.map(([what]) => `${this.address}: ${what} is not as wanted`);
  }
}

/** The file that a hosts.toml names as the CA of a host; empty where it names none. */
function caIn(hosts: string, url: string): string {
  const { host } = parse(hosts) as { host?: Record<string, { ca?: unknown }> };
  const { ca } = host?.[url] ?? {};
  return typeof ca === "string" ? ca : "";
}
