import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

import type { LogOptions } from "./plugin";

/** The engine's log, where the lines of a resource are shown to the person who runs it. */
export class EngineLog {
  private readonly client: EngineClient | undefined;
  /** The engine shows requests in the order in which it gets to them, so each waits for the one before. */
  private last: Promise<void> = Promise.resolve();

  /** @param address Address of the engine, none in tests that play the engine themselves. */
  constructor(address: string | undefined) {
    this.client = address === undefined ? undefined : new EngineClient(address, grpc.credentials.createInsecure());
  }

  log(urn: string, line: string, { ephemeral = false }: LogOptions = {}): void {
    const request = new LogRequest().setUrn(urn).setMessage(line).setEphemeral(ephemeral).setSeverity(LogSeverity.INFO);
    const { client } = this;
    if (client === undefined) return;
    const sent = (shown: () => void) => {
      // A line that cannot be shown is no reason to fail the work that it tells of.
      client.log(request, () => {
        shown();
      });
    };
    this.last = this.last.then(() => new Promise<void>(sent));
  }

  /** Ends when the engine has all lines: after the answer to its request it shows none any more. */
  all(): Promise<void> {
    return this.last;
  }
}
