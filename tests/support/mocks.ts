import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";

import { MOCK_DIGEST, mocksOf } from "../../components/testing";

/** A resource as the program asked the engine for it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  /** Inputs with secrets unwrapped. */
  readonly inputs: Record<string, unknown>;
  /** Inputs as anyone may see them: every secret is gone. */
  readonly public: Record<string, unknown>;
  /** Name of the parent; undefined for the stack's own children. */
  readonly parent?: string;
  /** Name of the provider it was given; undefined for the default one. */
  readonly provider?: string;
  /** True if removing it does not ask its provider. */
  readonly retainOnDelete: boolean;
  /** True if a replacement removes the old one first. */
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: string[];
  readonly replaceOnChanges: string[];
  /** Names of the resources it was told to wait for. */
  readonly dependsOn: string[];
}

export const DIGEST = MOCK_DIGEST;

interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProvider(): string;
  getDependenciesList(): string[];
  getRetainondelete(): boolean;
  getDeletebeforereplace(): boolean;
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
  getObject(): { toJavaScript(): Record<string, unknown> };
}

/**
 * Runs a program under mocks and returns what it registered, in order, once all of it has settled.
 * @param registered What is returned, for whoever wants it of a program that fails.
 */
export async function run(program: () => unknown, registered: Registered[] = []): Promise<Registered[]> {
  await pulumi.runtime.setMocks(mocksOf(), "project", "stack");
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource(request: RegisterRequest, callback: unknown): unknown;
  };
  const register = monitor.registerResource.bind(monitor);
  // The mocks show neither parents nor dependencies nor which inputs are secret; the request has them all.
  monitor.registerResource = (request, callback) => {
    registered.push(read(request));
    return register(request, callback);
  };
  await settled(program);
  return registered.filter(({ type }) => type !== "pulumi:pulumi:Stack");
}

/** Waits for every registration and every `apply` the program started; rejects with the first error of any. */
async function settled(program: () => unknown): Promise<void> {
  await pulumi.runtime.runInPulumiStack(async () => {
    // What the program returns becomes a stack output, so the engine's side waits until it is known.
    return { result: (await program()) ?? "" };
  });
  await pulumi.runtime.disconnect();
}

function read(request: RegisterRequest): Registered {
  const inputs = request.getObject().toJavaScript();
  const name = (urn: string): string => urn.split("::").pop() ?? "";
  const parent = request.getParent();
  return {
    type: request.getType(),
    name: request.getName(),
    inputs: replaceSecrets(inputs, (value) => value) as Record<string, unknown>,
    public: replaceSecrets(inputs, () => "[secret]") as Record<string, unknown>,
    parent: parent === "" || parent.includes("pulumi:pulumi:Stack::") ? undefined : name(parent),
    // A provider is named by its URN and its id.
    provider: request.getProvider().split("::").at(-2),
    retainOnDelete: request.getRetainondelete(),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    dependsOn: request.getDependenciesList().map(name),
  };
}

/** Marks what is no plain value on the wire between program and engine, and says which kind it is. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

function replaceSecrets(value: unknown, replacement: (secret: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((element) => replaceSecrets(element, replacement));
  if (typeof value !== "object" || value === null) return value;
  const { [SIGNATURE]: kind, value: secret } = value as Record<string, unknown>;
  if (kind === SECRET) return replacement(secret);
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, replaceSecrets(v, replacement)]));
}

/** What a resource is, in one line: type, name, parent. */
export const line = ({ type, name, parent }: Registered): string => `${type} ${name} < ${parent ?? "stack"}`;

/** Asserts that a constructor throws a message with all these words, and that nothing had been registered by then. */
export async function refused(construct: () => unknown, words: string[]): Promise<void> {
  const registered = await run(() => {
    assert.throws(construct, (error: Error) => {
      for (const word of words) assert.ok(error.message.includes(word), `${word} is not in: ${error.message}`);
      return true;
    });
  });
  assert.deepStrictEqual(registered.map(line), []);
}
