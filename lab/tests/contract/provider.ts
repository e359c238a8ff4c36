/** Plays the engine to one provider plugin, the published one or the lab's stand-in alike. */
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { type ChildProcess, spawn } from "node:child_process";
import * as path from "node:path";
import { createInterface } from "node:readline";

export type Props = Record<string, unknown>;

export interface Diff {
  changes: "none" | "some" | "unknown";
  replaces: string[];
  deleteBeforeReplace: boolean;
}

/** PLUGIN_DIR holds the plugins to try; without it, the stand-ins. */
const STAND_INS = path.resolve(__dirname, "../../plugins/bin");
export const PLUGIN_DIR = process.env.PLUGIN_DIR ?? STAND_INS;
/** Some tests are about what the stand-ins refuse and the published plugins can do. */
export const isStandIn = path.resolve(PLUGIN_DIR) === STAND_INS;

/** One resource of a running plugin: what is asked about it, without the envelopes. */
export class Provider {
  private constructor(
    private readonly child: ChildProcess,
    private readonly client: ResourceProviderClient,
  ) {}

  /** Starts a plugin in a folder, as the engine does, and configures it. */
  static async start(name: string, options: { cwd?: string; env?: Props; config?: Props } = {}): Promise<Provider> {
    const env = { ...process.env, ...options.env } as NodeJS.ProcessEnv;
    const executable = path.join(PLUGIN_DIR, `pulumi-resource-${name}`);
    const child = spawn(executable, [], { cwd: options.cwd, env, stdio: ["ignore", "pipe", "inherit"] });
    const port = await new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => {
        reject(new Error(`${executable} ended with ${code ?? "a signal"} before it named its port`));
      });
      createInterface({ input: child.stdout }).once("line", resolve);
    });
    const provider = new Provider(child, new ResourceProviderClient(`127.0.0.1:${port}`, insecure()));
    try {
      await provider.configure(options.config ?? {});
    } catch (error) {
      provider.stop();
      throw error;
    }
    return provider;
  }

  stop(): void {
    this.client.close();
    this.child.kill();
  }

  async version(): Promise<string> {
    return (await call<PluginInfo>((done) => this.client.getPluginInfo(new Empty(), done))).getVersion();
  }

  private async configure(config: Props): Promise<void> {
    const request = new pb.ConfigureRequest().setArgs(struct(config)).setAcceptsecrets(true).setSendsOldInputs(true);
    request.setSendsOldInputsToDelete(true);
    for (const [key, value] of Object.entries(config)) request.getVariablesMap().set(key, String(value));
    await call<pb.ConfigureResponse>((done) => this.client.configure(request, done));
  }

  /** @throws Error with every failure, one per line */
  async check(urn: string, inputs: Props, oldInputs?: Props): Promise<Props> {
    const request = new pb.CheckRequest().setUrn(urn).setNews(struct(inputs)).setRandomseed(Buffer.alloc(32, 7));
    if (oldInputs) request.setOlds(struct(oldInputs));
    const answer = await call<pb.CheckResponse>((done) => this.client.check(request, done));
    const failures = answer.getFailuresList().map((failure) => `${failure.getProperty()}: ${failure.getReason()}`);
    if (failures.length > 0) throw new Error(failures.join("\n"));
    return bag(answer.getInputs());
  }

  async diff(urn: string, old: { id: string; inputs: Props; outputs: Props }, inputs: Props): Promise<Diff> {
    const request = new pb.DiffRequest().setUrn(urn).setId(old.id);
    request.setOldInputs(struct(old.inputs)).setOlds(struct(old.outputs)).setNews(struct(inputs));
    const answer = await call<pb.DiffResponse>((done) => this.client.diff(request, done));
    const kinds: [string, pb.PropertyDiff][] = [];
    answer.getDetaileddiffMap().forEach((diff: pb.PropertyDiff, path: string) => kinds.push([path, diff]));
    // Plugins name what they replace in one place or the other.
    const detailed = kinds.filter(([, diff]) => diff.getKind() % 2 === 1).map(([path]) => path.split(/[.[]/)[0] ?? "");
    return {
      changes: (["unknown", "none", "some"] as const)[answer.getChanges() as 0 | 1 | 2],
      replaces: [...new Set([...answer.getReplacesList(), ...detailed])].sort(),
      deleteBeforeReplace: answer.getDeletebeforereplace(),
    };
  }

  async create(urn: string, inputs: Props, options: { preview?: boolean; timeout?: number } = {}) {
    const request = new pb.CreateRequest().setUrn(urn).setName(nameOf(urn)).setType(typeOf(urn));
    request
      .setProperties(struct(inputs))
      .setPreview(options.preview ?? false)
      .setTimeout(options.timeout ?? 0);
    const answer = await call<pb.CreateResponse>((done) => this.client.create(request, done));
    return { id: answer.getId(), inputs, outputs: bag(answer.getProperties()) };
  }

  async update(urn: string, old: { id: string; inputs: Props; outputs: Props }, inputs: Props, preview = false) {
    const request = new pb.UpdateRequest().setUrn(urn).setName(nameOf(urn)).setType(typeOf(urn)).setId(old.id);
    request.setOlds(struct(old.outputs)).setOldInputs(struct(old.inputs)).setNews(struct(inputs)).setPreview(preview);
    const answer = await call<pb.UpdateResponse>((done) => this.client.update(request, done));
    return { id: old.id, inputs, outputs: bag(answer.getProperties()) };
  }

  /** @returns undefined when the plugin says that it is gone */
  async read(urn: string, old: { id: string; inputs: Props; outputs: Props }) {
    const request = new pb.ReadRequest().setUrn(urn).setName(nameOf(urn)).setType(typeOf(urn)).setId(old.id);
    request.setProperties(struct(old.outputs)).setInputs(struct(old.inputs));
    const answer = await call<pb.ReadResponse>((done) => this.client.read(request, done));
    if (answer.getId() === "") return undefined;
    return { id: answer.getId(), inputs: bag(answer.getInputs()), outputs: bag(answer.getProperties()) };
  }

  async delete(urn: string, old: { id: string; inputs: Props; outputs: Props }): Promise<void> {
    const request = new pb.DeleteRequest().setUrn(urn).setName(nameOf(urn)).setType(typeOf(urn)).setId(old.id);
    request.setProperties(struct(old.outputs)).setOldInputs(struct(old.inputs));
    await call<Empty>((done) => this.client.delete(request, done));
  }
}

export function urn(type: string, name = "it"): string {
  return `urn:pulumi:stack::project::${type}::${name}`;
}

const nameOf = (urn: string) => urn.split("::")[3] ?? "";
const typeOf = (urn: string) => urn.split("::")[2] ?? "";
const insecure = () => grpc.credentials.createInsecure();

function struct(props: Props): Struct {
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(props)) as Record<string, JavaScriptValue>);
}

function bag(struct: Struct | undefined): Props {
  return (struct?.toJavaScript() ?? {}) as Props;
}

function call<T>(send: (done: (error: grpc.ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    send((error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });
}

/** What an error says of a resource that exists though it failed; undefined where it leaves nothing behind. */
export function initFailure(
  error: unknown,
): { id: string; inputs: Props; outputs: Props; reasons: string[] } | undefined {
  const [details] = (error as grpc.ServiceError).metadata.get("grpc-status-details-bin");
  if (!(details instanceof Buffer)) return undefined;
  const [packed] = Status.deserializeBinary(details).getDetailsList();
  if (packed?.getTypeName() !== "pulumirpc.ErrorResourceInitFailed") return undefined;
  const failed = pb.ErrorResourceInitFailed.deserializeBinary(packed.getValue_asU8());
  const [inputs, outputs] = [bag(failed.getInputs()), bag(failed.getProperties())];
  return { id: failed.getId(), inputs, outputs, reasons: failed.getReasonsList() };
}
