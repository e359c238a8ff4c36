/** Runs a program in this process for the engine, as the Automation API does, without an event log. */
import * as grpc from "@grpc/grpc-js";
import * as automation from "@pulumi/pulumi/automation/server";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";
import { spawn } from "node:child_process";

type Program = () => Promise<Record<string, unknown> | undefined>;

interface LanguageServer {
  onPulumiExit(failed: boolean): void;
}

/** The SDK's types leave it out. */
const { LanguageServer } = automation as unknown as { LanguageServer: new (program: Program) => LanguageServer };

/** @returns the status of `pulumi ARGS`, with this process as its language host */
export async function withEngine(args: readonly string[], program: Program): Promise<number> {
  // What a state of some thousand nodes needs.
  const server = new grpc.Server({ "grpc.max_receive_message_length": 400 << 20 });
  const language = new LanguageServer(program);
  server.addService(LanguageRuntimeService, language as unknown as grpc.UntypedServiceImplementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  const client = [`--client=127.0.0.1:${port}`, "--exec-kind", "auto.inline", "--non-interactive"];
  const child = spawn("pulumi", [...args, ...client], { stdio: ["ignore", "inherit", "inherit"] });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  language.onPulumiExit(status !== 0);
  server.forceShutdown();
  return status ?? 1;
}
