/** Starts a checkout's program as `pulumi preview` does: by the SDK's own starter, which finds the program in the folder. */
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import * as enginepb from "@pulumi/pulumi/proto/engine_pb";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";

/** The nodes of a stack without a mistake. */
export const NODES = [{ name: "worker-1", host: "worker-1", insecureIgnoreHostKey: true }];

/** A stack whose program ends before it waits for any answer of a node. */
const CONFIG: Record<string, unknown> = {
  reference: "registry.example.com/platform/pause:1.0.0",
  imageSource: "existing",
  nodes: NODES,
  proof: "none",
};

/** How the process of a program ended. */
export interface Ended {
  /** 0, or 32 where the program has told the engine what is wrong. */
  readonly status: number | null;
  /** Types of what it registered. */
  readonly registered: string[];
  /** The errors that `pulumi preview` shows. */
  readonly errors: string[];
  /** All that stands on its stdout and stderr. */
  readonly said: string;
}

/** Runs the program in a folder; returns the types of what it registered, or throws with what it said. */
export async function startProgram(folder: string): Promise<string[]> {
  const { status, registered, errors, said } = await start(folder);
  if (status !== 0) throw new Error([...errors, said].join("\n"));
  return registered;
}

/** As the engine has it from Pulumi.yaml. */
function entryPoint(): string {
  const project = parse(readFileSync(path.join(__dirname, "../../Pulumi.yaml"), "utf8")) as { main: string };
  return project.main;
}

/** The command that runs a program, for an engine at this address. */
export type Command = (engine: string) => [string, ...string[]];

/** The SDK's starter, under Node.js with these options of its own. */
export function starter(...options: string[]): Command {
  const run = "node_modules/@pulumi/pulumi/cmd/run";
  return (engine) => [
    ...(["node", ...options, run] as const),
    ...[
      `--monitor=${engine}`,
      `--engine=${engine}`,
      "--project=pause-sandbox",
      "--stack=stack",
      "--dry-run",
      entryPoint(),
    ],
  ];
}

/**
 * Runs the program in a folder to its end.
 * @param settings Settings of the stack that differ from those of a good one.
 */
export async function start(
  folder: string,
  settings: Record<string, unknown> = {},
  command = starter(),
): Promise<Ended> {
  const engine = await SmallEngine.start();
  const [program, ...args] = command(engine.address);
  const env = { ...process.env, PULUMI_NODEJS_TYPESCRIPT: "true", PULUMI_CONFIG: configOf({ ...CONFIG, ...settings }) };
  const child = spawn(program, args, { cwd: folder, env });
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  engine.stop();
  const { registered, errors } = engine;
  return { status, registered, errors, said };
}

/** Settings as the engine hands them to a program. */
function configOf(settings: Record<string, unknown>): string {
  const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
  return JSON.stringify(
    Object.fromEntries(Object.entries(settings).map(([key, value]) => [`pause-sandbox:${key}`, text(value)])),
  );
}

/** An engine in a preview: it notes each resource and each error, and knows of a resource only what the program gave. */
class SmallEngine {
  readonly registered: string[] = [];
  readonly errors: string[] = [];
  private readonly server = new Server();
  private port = 0;

  static async start(): Promise<SmallEngine> {
    const engine = new SmallEngine();
    const { server } = engine;
    server.addService(ResourceMonitorService, engine.monitor());
    server.addService(EngineService, engine.log());
    engine.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    return engine;
  }

  /** Where a program finds it. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  stop(): void {
    this.server.forceShutdown();
  }

  private monitor() {
    return {
      // Every CLI that can run this project has hooks.
      supportsFeature: (
        { request }: ServerUnaryCall<pb.SupportsFeatureRequest, unknown>,
        done: sendUnaryData<pb.SupportsFeatureResponse>,
      ) => {
        done(null, new pb.SupportsFeatureResponse().setHassupport(request.getId().endsWith("Hooks")));
      },
      registerResourceHook: nothing,
      registerErrorHook: nothing,
      registerResource: (
        { request }: ServerUnaryCall<pb.RegisterResourceRequest, unknown>,
        done: sendUnaryData<pb.RegisterResourceResponse>,
      ) => {
        this.registered.push(request.getType());
        const response = new pb.RegisterResourceResponse();
        response.setUrn(`urn:pulumi:stack::pause-sandbox::${request.getType()}::${request.getName()}`);
        response.setObject(request.getObject());
        done(null, response);
      },
      registerResourceOutputs: nothing,
      signalAndWaitForShutdown: nothing,
    };
  }

  private log() {
    return {
      log: (call: ServerUnaryCall<enginepb.LogRequest, Empty>, done: sendUnaryData<Empty>) => {
        const { request } = call;
        if (request.getSeverity() === enginepb.LogSeverity.ERROR) this.errors.push(request.getMessage());
        nothing(call, done);
      },
      setRootResource: (_: unknown, done: sendUnaryData<enginepb.SetRootResourceResponse>) => {
        done(null, new enginepb.SetRootResourceResponse());
      },
    };
  }
}

function nothing(_: unknown, done: sendUnaryData<Empty>): void {
  done(null, new Empty());
}
