import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";

import { EngineLog } from "./engineLog";
import { grpcError } from "./errors";
import type { Call, Diff, ExistingCall, Plugin, ResourceType } from "./plugin";
import { type Failure, failuresOf } from "./shape";
import { compact, containsUnknown, differences, type Props, revealed } from "./values";

// The SDK's own server (`@pulumi/pulumi/provider`) hides three things that the published providers act upon: the
// configuration, whether a call is a preview, and its time-out. So the plugins speak the protocol themselves.

/** Properties that the engine adds to those of every provider. */
const ENGINE_CONFIG = new Set(["version", "pluginDownloadURL", "pluginChecksums", "parameterization", "__internal"]);

type Request =
  | pb.CreateRequest
  | pb.UpdateRequest
  | pb.DeleteRequest
  | pb.ReadRequest
  | pb.CheckRequest
  | pb.DiffRequest;

class Server {
  private readonly abort = new AbortController();

  constructor(
    private readonly plugin: Plugin,
    private readonly engine: EngineLog,
  ) {}

  checkConfig(request: pb.CheckRequest): pb.CheckResponse {
    const config = withoutEngineKeys(revealed(bag(request.getNews())) as Props);
    // As sent, so that secrets stay secret.
    return checkResponse(request.getNews() ?? new Struct(), failuresOf(this.plugin.config, config));
  }

  diffConfig(request: pb.DiffRequest): pb.DiffResponse {
    const kind = { replace: false } as const;
    const changed = differences(revealed(bag(request.getOldInputs())), revealed(bag(request.getNews())));
    return diffResponse({ changes: new Map([...changed].map(([path, change]) => [path, { kind: change, ...kind }])) });
  }

  async configure(request: pb.ConfigureRequest): Promise<pb.ConfigureResponse> {
    const config = withoutEngineKeys(revealed(bag(request.getArgs())) as Props);
    if (!containsUnknown(config)) await this.plugin.configure?.(config);
    // Secrets are not accepted: the engine then hands over plain values, and marks each property of the answer that
    // has the name of a secret input. That is how the published providers pass secrets on as well.
    return new pb.ConfigureResponse().setSupportspreview(true);
  }

  async check(request: pb.CheckRequest): Promise<pb.CheckResponse> {
    const type = this.typeOf(request);
    const inputs = bag(request.getNews());
    const failures = failuresOf(type.inputs, inputs);
    if (failures.length > 0 || !type.check) return checkResponse(structOf(inputs), failures);
    const oldInputs = request.hasOlds() ? bag(request.getOlds()) : undefined;
    const checked = await type.check({
      ...this.call(request),
      inputs,
      oldInputs,
      randomSeed: request.getRandomseed_asU8(),
    });
    return checkResponse(structOf(checked.inputs), checked.failures);
  }

  async diff(request: pb.DiffRequest): Promise<pb.DiffResponse> {
    const call = { ...this.existing(request, request.getOlds()), inputs: bag(request.getNews()) };
    return diffResponse(await this.typeOf(request).diff(call));
  }

  async create(request: pb.CreateRequest): Promise<pb.CreateResponse> {
    const made = await this.typeOf(request).create({ ...this.call(request), inputs: bag(request.getProperties()) });
    return new pb.CreateResponse().setId(made.id).setProperties(structOf(made.outputs));
  }

  async update(request: pb.UpdateRequest): Promise<pb.UpdateResponse> {
    const call = { ...this.existing(request, request.getOlds()), inputs: bag(request.getNews()) };
    return new pb.UpdateResponse().setProperties(structOf(await this.typeOf(request).update(call)));
  }

  async read(request: pb.ReadRequest): Promise<pb.ReadResponse> {
    const type = this.typeOf(request);
    const call = this.existing(request, request.getProperties());
    if (!type.read) {
      const answer = new pb.ReadResponse().setId(call.id).setProperties(request.getProperties());
      return request.hasInputs() ? answer.setInputs(request.getInputs()) : answer;
    }
    const live = await type.read(call);
    if (!live) return new pb.ReadResponse();
    return new pb.ReadResponse().setId(call.id).setInputs(structOf(live.inputs)).setProperties(structOf(live.outputs));
  }

  async delete(request: pb.DeleteRequest): Promise<Empty> {
    await this.typeOf(request).delete(this.existing(request, request.getProperties()));
    return new Empty();
  }

  invoke(request: pb.InvokeRequest): never {
    throw new Error(`the lab's stand-in for the ${this.plugin.name} plugin has no function ${request.getTok()}`);
  }

  cancel(): Empty {
    this.abort.abort();
    return new Empty();
  }

  getPluginInfo(): PluginInfo {
    return new PluginInfo().setVersion(this.plugin.version);
  }

  private typeOf(request: Request): ResourceType {
    const token = urnParts(request.getUrn()).type;
    const type = this.plugin.resources[token];
    if (type) return type;
    const known = Object.keys(this.plugin.resources).join(", ");
    throw new Error(`the lab's stand-in for the ${this.plugin.name} plugin does not know ${token}, only ${known}`);
  }

  private call(request: Request): Call {
    const urn = request.getUrn();
    return {
      urn,
      name: urnParts(urn).name,
      preview: "getPreview" in request && request.getPreview(),
      timeoutSeconds: ("getTimeout" in request && request.getTimeout()) || undefined,
      signal: this.abort.signal,
      log: (line, options) => {
        this.engine.log(urn, line, options);
      },
    };
  }

  private existing(request: Exclude<Request, pb.CheckRequest | pb.CreateRequest>, state?: Struct): ExistingCall {
    const inputs = "getOldInputs" in request ? request.getOldInputs() : request.getInputs();
    return { ...this.call(request), id: request.getId(), oldInputs: bag(inputs), oldOutputs: bag(state) };
  }
}

function bag(struct: Struct | undefined): Props {
  return struct ? compact(struct.toJavaScript()) : {};
}

function structOf(props: Props): Struct {
  return Struct.fromJavaScript(compact(props) as Record<string, JavaScriptValue>);
}

function withoutEngineKeys(config: Props): Props {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !ENGINE_CONFIG.has(key)));
}

/** `urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>` */
function urnParts(urn: string): { type: string; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { type: types.split("$").at(-1) ?? "", name: name.join("::") };
}

function checkResponse(inputs: Struct, failures: Failure[]): pb.CheckResponse {
  const list = failures.map(({ property, reason }) =>
    new pb.CheckFailure().setProperty(property).setReason(`${property}: ${reason}`),
  );
  return new pb.CheckResponse().setInputs(inputs).setFailuresList(list);
}

function diffResponse({ changes, deleteBeforeReplace }: Diff): pb.DiffResponse {
  const answer = new pb.DiffResponse().setHasdetaileddiff(true).setDeletebeforereplace(deleteBeforeReplace ?? false);
  const { DIFF_SOME, DIFF_NONE } = pb.DiffResponse.DiffChanges;
  answer.setChanges(changes.size > 0 ? DIFF_SOME : DIFF_NONE);
  const top = (path: string) => path.split(/[.[]/, 1)[0] ?? path;
  const entries = [...changes];
  answer.setDiffsList([...new Set(entries.map(([path]) => top(path)))]);
  answer.setReplacesList([...new Set(entries.filter(([, c]) => c.replace).map(([path]) => top(path)))]);
  for (const [path, { kind, replace }] of entries) {
    const name = `${kind}${replace ? "_replace" : ""}`.toUpperCase() as keyof typeof pb.PropertyDiff.Kind;
    const detail = new pb.PropertyDiff().setKind(pb.PropertyDiff.Kind[name]).setInputdiff(true);
    answer.getDetaileddiffMap().set(path, detail);
  }
  return answer;
}

/** Serves the plugin to the engine whose address is the first argument, until the engine ends the process. */
export function serve(plugin: Plugin): void {
  const address = process.argv.slice(2).find((arg) => !arg.startsWith("-"));
  const engine = new EngineLog(address);
  const server = new Server(plugin, engine);
  const methods = [
    "checkConfig",
    "diffConfig",
    "configure",
    "check",
    "diff",
    "create",
    "update",
    "read",
    "delete",
  ] as const;
  const others = ["invoke", "cancel", "getPluginInfo"] as const;
  const handlers = [...methods, ...others].map((method) => [
    method,
    (call: { request: never }, callback: grpc.sendUnaryData<unknown>) => {
      const answered = (async () => server[method](call.request))().finally(() => engine.all());
      void answered.then(
        (answer) => {
          callback(null, answer);
        },
        (error: unknown) => {
          callback(grpcError(error), null);
        },
      );
    },
  ]);
  // The engine's own limit. A ConfigMap of a megabyte is beyond gRPC's default of 4 MB only with its state.
  const host = new grpc.Server({ "grpc.max_receive_message_length": 400 << 20, "grpc.max_send_message_length": -1 });
  host.addService(ResourceProviderService, Object.fromEntries(handlers) as grpc.UntypedServiceImplementation);
  host.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    // How the engine learns where to connect.
    process.stdout.write(`${port}\n`);
  });
  // The engine holds the other end of standard input; one that was killed ends no plugin any more.
  if (address !== undefined) process.stdin.once("close", () => process.exit()).resume();
}
