/** Starts a checkout's program as `pulumi up` does: by the SDK's own starter, which finds the program in the folder. */
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { spawn } from "node:child_process";

/** A stack whose program ends before it waits for any answer of a node. */
const CONFIG = {
  "pause-sandbox:reference": "registry.example.com/platform/pause:1.0.0",
  "pause-sandbox:imageSource": "existing",
  "pause-sandbox:nodes": JSON.stringify([{ name: "worker-1", host: "worker-1", insecureIgnoreHostKey: true }]),
  "pause-sandbox:proof": "none",
};

/** Runs the program in a folder; returns the types of what it registered, or throws with what it said. */
export async function startProgram(folder: string): Promise<string[]> {
  const registered: string[] = [];
  const server = new Server();
  server.addService(ResourceMonitorService, monitor(registered));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  const starter = ["node_modules/@pulumi/pulumi/cmd/run", `--monitor=127.0.0.1:${port}`, "--project=pause-sandbox"];
  const env = { ...process.env, PULUMI_NODEJS_TYPESCRIPT: "true", PULUMI_CONFIG: JSON.stringify(CONFIG) };
  const child = spawn("node", [...starter, "--dry-run", "."], { cwd: folder, env });
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const status = await new Promise((resolve) => child.once("close", resolve));
  server.forceShutdown();
  if (status !== 0) throw new Error(said);
  return registered;
}

/** An engine in a preview: it notes each resource, and knows nothing of it but what the program gave. */
function monitor(registered: string[]) {
  return {
    supportsFeature: (_: unknown, done: sendUnaryData<pb.SupportsFeatureResponse>) => {
      done(null, new pb.SupportsFeatureResponse());
    },
    registerResource: (
      { request }: ServerUnaryCall<pb.RegisterResourceRequest, unknown>,
      done: sendUnaryData<pb.RegisterResourceResponse>,
    ) => {
      registered.push(request.getType());
      const response = new pb.RegisterResourceResponse();
      response.setUrn(`urn:pulumi:stack::pause-sandbox::${request.getType()}::${request.getName()}`);
      response.setObject(request.getObject());
      done(null, response);
    },
    registerResourceOutputs: (_: unknown, done: sendUnaryData<Empty>) => {
      done(null, new Empty());
    },
  };
}
