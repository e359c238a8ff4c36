/** Pulumi's CLI with a backend of its own below a folder, and with the plugin that a benchmark chooses. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

export const TREE = path.join(__dirname, "../../..");
export const PROJECT = "bench";
/** What node loads TypeScript with, in whatever folder it runs. */
export const TSX = `file://${path.join(TREE, "node_modules/tsx/dist/loader.mjs")}`;

/** The path of a tool or a plugin, from PATH or from the cache. */
export function tool(name: string): string {
  const stdio = ["ignore", "pipe", "inherit"] as const;
  return execFileSync(path.join(TREE, "lab/toolchain/get"), [name], { encoding: "utf8", stdio: [...stdio] }).trim();
}

/** The variables under which `pulumi` keeps all that it writes below a folder. */
export function environment(folder: string, pulumi: string, plugin: string): NodeJS.ProcessEnv {
  for (const name of ["state", "home"]) fs.mkdirSync(path.join(folder, name), { recursive: true });
  return {
    ...process.env,
    PATH: [path.dirname(pulumi), path.dirname(plugin), process.env.PATH ?? ""].join(path.delimiter),
    PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
    PULUMI_HOME: path.join(folder, "home"),
    PULUMI_CONFIG_PASSPHRASE: randomBytes(24).toString("base64url"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DIY_BACKEND_GZIP: "true",
  };
}

/** Makes the project of an empty stack. @returns its folder */
export function newStack(folder: string, name: string, env: NodeJS.ProcessEnv): string {
  const project = path.join(folder, name);
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, "Pulumi.yaml"), `name: ${PROJECT}\nruntime: nodejs\n`);
  execFileSync("pulumi", ["stack", "init", name, "--non-interactive"], { cwd: project, env, stdio: "pipe" });
  return project;
}

/** What the numbers depend on, in one line. */
export function versions(pulumi: string): string {
  const sdk = (name: string) =>
    (JSON.parse(fs.readFileSync(path.join(TREE, "node_modules", name, "package.json"), "utf8")) as { version: string })
      .version;
  const cli = execFileSync(pulumi, ["version"], { encoding: "utf8" }).trim();
  const parts = [
    `Pulumi ${cli}`,
    `SDK ${sdk("@pulumi/pulumi")}`,
    `@pulumi/command ${sdk("@pulumi/command")}`,
    `Node.js ${process.version}`,
    `${os.availableParallelism()} cores`,
  ];
  return parts.join(", ");
}

/** How busy the machine is: the processes that want to run, over the last 1, 5 and 15 minutes. */
export function load(): string {
  return os
    .loadavg()
    .map((value) => value.toFixed(1))
    .join(" ");
}

/** Whether a plugin is the published one or the stand-in in lab/plugins. */
export function pluginKind(plugin: string): string {
  const standIn = fs.realpathSync(plugin).startsWith(path.join(TREE, "lab/plugins"));
  return standIn ? "the stand-in in lab/plugins" : "the published one";
}
