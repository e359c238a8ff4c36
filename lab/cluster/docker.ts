/** The few things the lab asks of the docker engine, by its own command line: that speaks to every engine version. */
import { pack } from "tar-stream";
import { exec, ExecError, type ExecOptions } from "./exec";
import { LABEL, NETWORK, registryHost } from "./layout";

export interface ContainerState {
  id: string;
  name: string;
  running: boolean;
  labels: Record<string, string>;
}

/** A file to put into a container before its first start. */
export interface LabFile {
  path: string;
  content: string;
  /** @default 0o644 */
  mode?: number;
}

export function docker(args: string[], options: ExecOptions = {}): Promise<string> {
  // BuildKit is not there on a plain Debian docker.io; the classic builder is, and does all that the lab needs.
  return exec("docker", args, { ...options, env: { DOCKER_BUILDKIT: "0", ...options.env } });
}

/** Fails with what to do when no engine answers: everything else of the lab needs one. */
export async function requireEngine(): Promise<void> {
  const silence = await engineSilence();
  if (silence === undefined) return;
  throw new Error(`no docker engine answers: start one with lab/toolchain/engine.sh start (${silence})`);
}

/** Why no engine answers, in one line; undefined where one does. */
export async function engineSilence(): Promise<string | undefined> {
  try {
    await docker(["version", "--format", "{{.Server.Version}}"]);
    return undefined;
  } catch (error) {
    const said = error instanceof ExecError ? error.stderr : String(error);
    return said.trim().split("\n")[0] ?? "it said nothing";
  }
}

/** What the engine knows of a container, or undefined when there is none of that name. */
export async function container(name: string): Promise<ContainerState | undefined> {
  const [found] = await inspectContainers([name]);
  return found;
}

/** All containers of this lab, running or not: by its network, since another lab's name may start as this one's does. */
export async function labContainers(): Promise<ContainerState[]> {
  const ids = await docker(["ps", "-aq", "--no-trunc", "--filter", `label=${LABEL}`, "--filter", `network=${NETWORK}`]);
  return inspectContainers(ids.split("\n").filter(Boolean));
}

async function inspectContainers(names: string[]): Promise<ContainerState[]> {
  if (names.length === 0) return [];
  const text = await inspectOutput(["container", "inspect", ...names]);
  const found = JSON.parse(text || "[]") as {
    Id: string;
    Name: string;
    State: { Running: boolean };
    Config: { Labels: Record<string, string> | null };
  }[];
  return found.map(({ Id, Name, State, Config }) => ({
    id: Id,
    name: Name.replace(/^\//, ""),
    running: State.Running,
    labels: Config.Labels ?? {},
  }));
}

/** `docker … inspect` with "there is no such thing" as an empty answer instead of a failure. */
export async function inspectOutput(args: string[]): Promise<string> {
  try {
    return await docker(args);
  } catch (error) {
    if (error instanceof ExecError && /no such|not found/i.test(error.stderr)) return "";
    throw error;
  }
}

export async function imageExists(reference: string): Promise<boolean> {
  return (await inspectOutput(["image", "inspect", "--format", "{{.Id}}", reference])) !== "";
}

/**
 * Names of the images that the lab built and of those that were pushed to its registry, by the program too. Names, not
 * ids: another lab's image may be the same bytes.
 */
export async function labImages(): Promise<string[]> {
  const patterns = ["pause-sandbox-lab/*", `${registryHost()}/*`, `${registryHost()}/*/*`];
  const filters = patterns.flatMap((pattern) => ["--filter", `reference=${pattern}`]);
  // One that has lost its tag to a later build has no name any more.
  const format = '{{if eq .Tag "<none>"}}{{.ID}}{{else}}{{.Repository}}:{{.Tag}}{{end}}';
  const names = await docker(["image", "ls", "--format", format, ...filters]);
  return [...new Set(names.split("\n").filter(Boolean))];
}

/** Writes files into a container that may not have been started yet; directories on the way are made. */
export async function copyInto(name: string, files: LabFile[]): Promise<void> {
  const archive = pack();
  for (const file of files) {
    archive.entry({ name: file.path.replace(/^\//, ""), mode: file.mode ?? 0o644, mtime: new Date() }, file.content);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk);
  await docker(["cp", "-", `${name}:/`], { input: Buffer.concat(chunks) });
}

/** Standard output of a command inside a running container. */
export function inContainer(name: string, command: string[]): Promise<string> {
  return docker(["exec", name, ...command]);
}
