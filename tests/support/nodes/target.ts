/** One node that faults are injected into, and what is asked of it. */
import { spawn } from "node:child_process";

import type { Verb } from "../../../components/node/nodeCommand";
import { type NodeReport, parseReport } from "../../../components/node/nodeScript";
import { type NodeSettings } from "../../../components/node/nodeSettings";
import type { LabNode } from "../../../lab/cluster";
import { inContainer } from "../../../lab/cluster/docker";
import { delivered, logIn } from "./delivered";
import type { Images } from "./images";
import type { Prober } from "./prober";
import { differing, type Snapshot, snapshot } from "./snapshot";

/** What a node is asked to be: as it was before us, or on one of two images. */
export type State = "none" | "A" | "B";
export const STATES: readonly State[] = ["none", "A", "B"];

export interface Run {
  /** Exit code; 137 where it was killed. */
  status: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

export interface RunOptions {
  /** Settings that differ from those of the wanted state. */
  settings?: Partial<NodeSettings>;
  /** A command line that the script is started by, as its last argument: `["timeout", "5"]`. */
  wrap?: string[];
  /** Who logs in. Anyone but root becomes it by sudo. */
  user?: string;
  /** If false, the command contains the script. Default: true. */
  sftp?: boolean;
  /** Arguments for ssh that lead to the node. Default: none, docker enters it. */
  ssh?: readonly string[];
}

export class Target {
  /** What the node is now, as far as is known. */
  state: State = "none";
  /** What the node looks like in each state; filled by the harness. */
  readonly looks = new Map<State, Snapshot>();
  /** How long a whole run takes, by the state it leads to; the last one counts, since machines get busy. */
  readonly seconds = new Map<State, number>();

  constructor(
    readonly node: LabNode,
    readonly images: Images,
    readonly caPem: string,
    readonly prober: Prober,
  ) {}

  /** Standard output of a shell script in the node. */
  sh(script: string, ...args: string[]): Promise<string> {
    return inContainer(this.node.container, ["sh", "-euc", script, "fault", ...args]);
  }

  snapshot(): Promise<Snapshot> {
    return snapshot(this.node.container);
  }

  settings(state: State, changed: Partial<NodeSettings> = {}): NodeSettings {
    // Destroying passes what was applied last, as the provider does.
    const image = this.images[state === "B" ? "B" : "A"];
    const { reference, digest } = image;
    return { node: this.node.name, image: reference, digest, ca: this.caPem, ...changed };
  }

  /** The command line that leads to a state. */
  verb(state: State): Verb {
    return state === "none" ? "restore" : "apply";
  }

  /** Runs the script as the provider would, in the node. */
  async run(to: State, { settings = {}, wrap = [], user, sftp, ssh }: RunOptions = {}): Promise<Run> {
    const { container } = this.node;
    const { command, stdin } = await delivered(container, this.verb(to), this.settings(to, settings), { user, sftp });
    if (ssh) return runProgram("ssh", [...ssh, command], stdin);
    return runProgram("docker", logIn(container, command, wrap, user), stdin);
  }

  /** Runs to the end, and checks that the node then is, byte for byte, what that state looks like. */
  async converge(to: State): Promise<NodeReport> {
    const run = await this.run(to);
    if (run.status !== 0) throw new Error(`the next run to ${to} ends with ${run.status}:\n${run.stderr}`);
    this.state = to;
    if (run.seconds > 0) this.seconds.set(to, run.seconds);
    const report = parseReport(run.stdout);
    const look = this.looks.get(to);
    if (look) this.checkLook(await this.snapshot(), look, `after the next run to ${to}`);
    return report;
  }

  /** Fails unless two snapshots are equal, naming the paths that differ. */
  checkLook(now: Snapshot, wanted: Snapshot, when: string): void {
    const wrong = differing(now, wanted).map((path) => `${path}: ${now.get(path)} instead of ${wanted.get(path)}`);
    if (wrong.length > 0)
      throw new Error(`${when}, ${wrong.length} paths not as they should be:\n${wrong.slice(0, 9).join("\n")}`);
  }
}

/** Runs a program to its end, whatever its status is. */
export function runProgram(program: string, args: string[], input: string): Promise<Run> {
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("error", reject);
    child.once("close", (status) => {
      resolve({ status, stdout, stderr, seconds: (Date.now() - started) / 1000 });
    });
    // A script that is killed closes its input under our hands; its status tells.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
