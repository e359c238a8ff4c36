/** The real engine, with a double of the command plugin that connects to nobody and writes down what it is asked for. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout } from "node:timers/promises";

import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type PulumiFn, type Stack, type UpOptions } from "@pulumi/pulumi/automation";

import { environment, TREE, tool } from "../../lab/bench/support/pulumi";
import { type ClusterNode, PauseImageSource, PauseSandbox, type PauseSandboxArgs } from "../../components";
import { leftOutBy } from "../../components/pauseSandbox";
import { keptOnFailure, summaryOf } from "../../settings/outputs";
import "../../lab/ownConnections";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";

/** A node; by the names of their hosts, the double has nodes fail. */
export const node = (name: string, host = name, user?: string): ClusterNode => ({
  ...{ name, connection: { host, hostKey: HOST_KEY, user } },
});

/** What one run said, and left. */
export interface Run {
  readonly said: string;
  /** The nodes in the state. */
  readonly nodes: string[];
  /** What the double was asked for, such as `create command:remote:Command pause-a`. */
  readonly asked: string[];
  readonly failed: boolean;
}

export interface Resource {
  type: string;
  urn: string;
  parent?: string;
  inputs?: Record<string, unknown>;
  /** By the moment of the call. */
  resourceHooks?: Record<string, string[]>;
}

/** Resources in the state of a stack. */
export async function resourcesOf(stack: Stack): Promise<Resource[]> {
  const { resources = [] } = (await stack.exportStack()).deployment as { resources?: Resource[] };
  return resources;
}

export class Engine {
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-rollout-"));
  private readonly log = path.join(this.folder, "asked");
  /** What hosts print: a file each. */
  private readonly stdout = path.join(this.folder, "stdout");
  private readonly path = process.env.PATH;
  private readonly env: Record<string, string>;

  constructor() {
    const plugin = path.join(TREE, "lab/bench/scale/plugin/pulumi-resource-command");
    const env = environment(this.folder, tool("pulumi"), plugin) as Record<string, string>;
    fs.mkdirSync(this.stdout);
    this.env = { ...env, PAUSE_SANDBOX_DOUBLE_LOG: this.log, PAUSE_SANDBOX_DOUBLE_STDOUT: this.stdout };
    // Where the SDK looks for the engine.
    process.env.PATH = env.PATH;
  }

  close(): void {
    process.env.PATH = this.path;
    fs.rmSync(this.folder, { recursive: true });
  }

  /** Has the host print this from now on; without it, a report again. */
  prints(host: string, stdout?: string): void {
    const file = path.join(this.stdout, host);
    if (stdout === undefined) fs.rmSync(file, { force: true });
    else fs.writeFileSync(file, stdout);
  }

  /** Has the host answer nothing until it is let go. @returns lets it go */
  hold(host: string): () => void {
    const file = path.join(this.stdout, `${host}.held`);
    fs.writeFileSync(file, "");
    return () => {
      fs.rmSync(file, { force: true });
    };
  }

  /** Waits until the double was asked for all of these. */
  async wasAsked(...wanted: string[]): Promise<void> {
    while (!wanted.every((one) => this.asked().includes(one))) await setTimeout(50);
  }

  stack(stackName: string, nodes: ClusterNode[], more: Partial<PauseSandboxArgs> = {}): Promise<Stack> {
    const program = keptOnFailure(() => {
      const image = { reference: "registry.example.com/platform/pause:1", source: PauseImageSource.Existing };
      const sandbox = new PauseSandbox("pause", { image, nodes, ...more });
      const names = sandbox.nodes.apply((reports) => Object.keys(reports));
      const [listed, gone] = [nodes, nodes.filter((one) => one.gone)].map((some) => some.map(({ name }) => name));
      const count = pulumi
        .all([sandbox.nodes, leftOutBy(sandbox)])
        .apply(([reports, leftOut]) => summaryOf(reports, { listed, gone, leftOut }).count);
      return Promise.resolve({ reference: sandbox.reference, names, count });
    });
    return this.stackOf(stackName, program);
  }

  /** @param env More variables of the engine. */
  stackOf(stackName: string, program: PulumiFn, env: Record<string, string> = {}): Promise<Stack> {
    const stack = { stackName, projectName: "rollout", program };
    const envVars = { ...this.env, ...env };
    return LocalWorkspace.createOrSelectStack(stack, { envVars, pulumiHome: path.join(this.folder, "home") });
  }

  async up(stack: Stack, options: UpOptions = {}): Promise<Run> {
    fs.writeFileSync(this.log, "");
    let said = "";
    const failed = await stack.up({ ...options, onOutput: (text) => (said += text) }).then(
      () => false,
      () => true,
    );
    const commands = (await resourcesOf(stack)).filter(({ type }) => type === "command:remote:Command");
    const nodes = commands.map(({ urn }) => urn.split("::pause-").at(-1) ?? "").sort();
    return { said, nodes, failed, asked: this.asked() };
  }

  /** @returns What the double was asked for. */
  async down(stack: Stack): Promise<string[]> {
    fs.writeFileSync(this.log, "");
    await stack.destroy();
    return this.asked();
  }

  private asked(): string[] {
    return fs.readFileSync(this.log, "utf8").split("\n").filter(Boolean);
  }
}
