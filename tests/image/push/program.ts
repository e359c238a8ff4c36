import { LocalWorkspace, type PreviewResult, type Stack, type UpResult } from "@pulumi/pulumi/automation";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import type { PauseImageArgs } from "../../../components";
import { Registry } from "../../support/registry";
import "../../../lab/ownConnections";

const TREE = path.resolve(__dirname, "../../..");

/** The tools once per process; which of them are stand-ins is said on stderr. */
let tools: string[] | undefined;

export function toolFolders(): string[] {
  tools ??= execFileSync(path.join(TREE, "lab/toolchain/get"), ["pulumi", "plugin:docker", "plugin:docker-build"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  })
    .trim()
    .split("\n")
    .map((tool) => path.dirname(tool));
  return tools;
}

/** What a program exports of its image. */
export interface ImageOutputs {
  reference: string;
  digest: string;
}

/**
 * A program with one PauseImage, run by the real engine with a file backend of its own, from the project's folder as
 * users run theirs.
 */
export class Program {
  /** Log-ins as `docker login` leaves them. */
  readonly dockerConfig: string;
  /** What became of whatever waits for the digest, over all runs. */
  readonly digestsSeen: (string | undefined)[] = [];
  private readonly env: Record<string, string>;

  private constructor(
    readonly folder: string,
    authorities: string,
  ) {
    this.dockerConfig = path.join(folder, "docker");
    fs.mkdirSync(this.dockerConfig);
    this.env = {
      PATH: [...toolFolders(), process.env.PATH ?? ""].join(path.delimiter),
      PULUMI_BACKEND_URL: `file://${this.state}`,
      PULUMI_HOME: path.join(folder, "home"),
      PULUMI_CONFIG_PASSPHRASE: "for the tests",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      DOCKER_CONFIG: this.dockerConfig,
      SSL_CERT_FILE: authorities,
    };
    fs.mkdirSync(this.state);
    fs.writeFileSync(
      path.join(folder, "Pulumi.yaml"),
      JSON.stringify({ name: "image", runtime: "nodejs", main: TREE }),
    );
  }

  /** @param trusted The registries whose certificates the machine trusts, and another one. */
  static make(trusted: Registry[], another: Buffer | string = ""): Program {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "image-program-"));
    const authorities = path.join(folder, "authorities.pem");
    const certificates = [...trusted.map(({ caFile }) => fs.readFileSync(caFile)), another];
    fs.writeFileSync(authorities, certificates.map(String).join("\n"));
    return new Program(folder, authorities);
  }

  /** Where the engine keeps its state, history and backups. */
  get state(): string {
    return path.join(this.folder, "state");
  }

  dockerLogin(...registries: Registry[]): void {
    const { username, password } = Registry.user;
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    const auths = Object.fromEntries(registries.map(({ host }) => [host, { auth }]));
    fs.writeFileSync(path.join(this.dockerConfig, "config.json"), JSON.stringify({ auths }));
  }

  async up(
    args: PauseImageArgs,
    options: { expectNoChanges?: boolean; replace?: string[] } = {},
  ): Promise<ImageOutputs & { raw: UpResult }> {
    const raw = await (await this.stack(args)).up(options);
    const { reference, digest } = raw.outputs;
    return { reference: String(reference?.value), digest: String(digest?.value), raw };
  }

  async preview(args: PauseImageArgs): Promise<PreviewResult> {
    return (await this.stack(args)).preview();
  }

  /** Has the engine look at what is there. */
  async refresh(): Promise<void> {
    await (await this.stack({ reference: "" })).refresh();
  }

  async destroy(): Promise<void> {
    await (await this.stack({ reference: "" })).destroy();
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true });
  }

  /**
   * @param from Folder whose components are used: another copy of the project has other sources.
   */
  private async stack(args: PauseImageArgs): Promise<Stack> {
    // The automation library looks for `pulumi` on the PATH of this process.
    process.env.PATH = this.env.PATH;
    const { PauseImage } = (await import(
      path.join(this.components, "components/index.ts")
    )) as typeof import("../../../components");
    const program = () => {
      const image = new PauseImage("pause", args);
      image.digest.apply((digest) => this.digestsSeen.push(digest));
      return Promise.resolve({ reference: image.reference, digest: image.digest });
    };
    const stack = { stackName: "test", projectName: "image", program };
    return LocalWorkspace.createOrSelectStack(stack, { workDir: this.folder, envVars: this.env });
  }

  private components = TREE;

  /** Has the program use a copy of the project from now on. @returns the folder of the copy's pause sources */
  useCopy(): string {
    this.components = path.join(this.folder, "copy");
    for (const part of ["components", "image", "package.json", "tsconfig.json"]) {
      fs.cpSync(path.join(TREE, part), path.join(this.components, part), { recursive: true });
    }
    fs.symlinkSync(path.join(TREE, "node_modules"), path.join(this.components, "node_modules"));
    return path.join(this.components, "image");
  }
}
