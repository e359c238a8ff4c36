import type { Failure, Shape } from "./shape";
import type { ChangeKind, Props } from "./values";

export interface LogOptions {
  ephemeral?: boolean;
}

/** What every call on a resource comes with. */
export interface Call {
  urn: string;
  /** Name of the resource in the program. */
  name: string;
  /** True while `pulumi preview` runs: nothing may be touched, and inputs may hold unknowns. */
  preview: boolean;
  /** How long the call may take, from `customTimeouts`; undefined where the program set none. */
  timeoutSeconds: number | undefined;
  /** Aborted when the user interrupts the run. */
  signal: AbortSignal;
  /** Shows a line to the person who waits; an ephemeral one only until the next. */
  log: (line: string, options?: LogOptions) => void;
}

export interface CheckCall extends Call {
  /** Inputs of the resource as it is, none for a new or replaced one. */
  oldInputs: Props | undefined;
  inputs: Props;
  /** The same in a preview and the run after it, so that names made from it are too. */
  randomSeed: Uint8Array;
}

export interface CreateCall extends Call {
  inputs: Props;
}

export interface ExistingCall extends Call {
  id: string;
  oldInputs: Props;
  oldOutputs: Props;
}

export interface UpdateCall extends ExistingCall {
  inputs: Props;
}

/** What differs, and what follows from it. */
export interface Diff {
  /** Each changed property by its path, and whether it can only be changed by another resource in place of this one. */
  changes: Map<string, { kind: ChangeKind; replace: boolean }>;
  /** Delete the old resource first, because the two cannot stand side by side. */
  deleteBeforeReplace?: boolean;
}

export interface Live {
  inputs: Props;
  outputs: Props;
}

/** One resource type. Inputs and outputs are plain values: secrets are the engine's business. */
export interface ResourceType {
  inputs: Shape;
  /** Names of the properties of the resource that are not inputs. */
  outputs: readonly string[];
  /** Fills in defaults and says what else is wrong; shapes are checked before. */
  check?(call: CheckCall): Promise<{ inputs: Props; failures: Failure[] }>;
  diff(call: UpdateCall): Promise<Diff> | Diff;
  create(call: CreateCall): Promise<{ id: string; outputs: Props }>;
  update(call: UpdateCall): Promise<Props>;
  /** @returns undefined when the resource is gone. */
  read?(call: ExistingCall): Promise<Live | undefined>;
  delete(call: ExistingCall): Promise<void>;
}

export interface Plugin {
  name: string;
  /** Version of the SDK whose plugin this stands in for. */
  version: string;
  config: Shape;
  /** Called once, before any resource, unless the configuration holds unknowns. */
  configure?(config: Props): Promise<void>;
  resources: Record<string, ResourceType>;
}

/** A resource that exists, and must be kept in state, but did not become what it should. */
export class InitFailed extends Error {
  constructor(
    message: string,
    readonly id: string,
    readonly live: Live,
    readonly reasons: string[],
  ) {
    super(message);
  }
}

/** Version of an installed package. */
export function versionOf(packageName: string): string {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the one place a package says its version
  return (require(`${packageName}/package.json`) as { version: string }).version;
}
