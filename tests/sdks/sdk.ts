/** SDKs as `pulumi package add` makes them, from the schema that was agreed on, and what programs send through them. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as server from "@pulumi/pulumi/provider/server";
import type { PackageSpec } from "@pulumi/pulumi/provider/experimental/schema";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

import { PauseSandbox, type PauseSandboxArgs } from "../../components";
import { type Registered, run } from "../support/mocks";

export const ROOT = path.join(__dirname, "../..");
export const TOKEN = "pause-sandbox:index:PauseSandbox";
export const SCHEMA = JSON.parse(fs.readFileSync(path.join(ROOT, "tests/unit/schema.json"), "utf8")) as PackageSpec;

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "pause-sandbox-sdks-"));
process.on("exit", () => {
  fs.rmSync(scratch, { recursive: true, force: true });
});

/** A folder of this run's own, gone when it ends. */
export function folder(name: string): string {
  const made = path.join(scratch, name);
  fs.mkdirSync(made, { recursive: true });
  return made;
}

export interface Ended {
  readonly status: number | null;
  /** What it printed on stdout. */
  readonly out: string;
  /** All that it said. */
  readonly said: string;
}

export function call(cwd: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  const ended = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...env } });
  if (ended.error) throw ended.error;
  return { status: ended.status, out: ended.stdout, said: ended.stdout + ended.stderr };
}

export function succeed(...parameters: Parameters<typeof call>): string {
  const { status, out, said } = call(...parameters);
  assert.equal(status, 0, said);
  return out;
}

/** A tool of lab/toolchain; what it says while it gets it goes to stderr. */
export function get(tool: string): Ended {
  const got = call(ROOT, path.join(ROOT, "lab/toolchain/get"), [tool]);
  process.stderr.write(got.said.slice(got.out.length));
  return got;
}

/** Writes an SDK into a folder of this run. */
export function generate(language: "go" | "python", name: string, changes: Partial<PackageSpec> = {}): string {
  const to = folder(name);
  const schema = path.join(scratch, `${name}.json`);
  fs.writeFileSync(schema, JSON.stringify({ ...SCHEMA, ...changes }));
  const sdkgen = get("sdkgen");
  assert.equal(sdkgen.status, 0, sdkgen.said);
  succeed(to, sdkgen.out.trim(), [language, schema, to]);
  return to;
}

/** The one program of a language in docs/languages.md. */
export function documented(language: string): string {
  const page = fs.readFileSync(path.join(ROOT, "docs/languages.md"), "utf8");
  const [[, program] = [], ...others] = page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"));
  assert.ok(program !== undefined && others.length === 0, `one program in ${language}`);
  return program;
}

/** How the SDK reads what the engine hands over; its types leave it out. */
const { deserializeInputs } = server as unknown as {
  deserializeInputs: (inputs: Struct, dependencies: Map<string, never>) => Promise<PauseSandboxArgs>;
};

/** What PauseSandbox makes of the arguments that a program in another language has sent, a line of JSON. */
export async function received(line: string): Promise<Registered[]> {
  const sent = JSON.parse(line) as { type: string; name: string; inputs: Record<string, never> };
  assert.equal(sent.type, TOKEN);
  const inputs = Struct.fromJavaScript(sent.inputs);
  return run(async () => new PauseSandbox(sent.name, await deserializeInputs(inputs, new Map<string, never>())).nodes);
}

/** Checks what the programs of docs/languages.md are about: a host that another stack knows, and a secret in a list. */
export function assertHostAndSecret(registered: Registered[], node: string, host: string): void {
  const command = registered.find(({ type, name }) => type === "command:remote:Command" && name === `pause-${node}`);
  assert.ok(command, `a command for ${node}`);
  const { host: address, privateKey } = command.inputs.connection as Record<string, string>;
  assert.deepEqual([address, privateKey], [host, "a key"]);
  assert.ok(!JSON.stringify(registered.map((one) => one.public)).includes("a key"), "the key is a secret");
}
