/** Connections of inline programs to their engines, where one process runs several. */
import { strict as assert } from "node:assert";
import { promisify } from "node:util";

import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest } from "@pulumi/pulumi/proto/engine_pb";

import { grpcClientOptions } from "../../lab/ownConnections";

describe("an inline program", () => {
  it("reaches its engine on the port of an earlier one, which a client of the earlier program still tries to reach", async () => {
    const bound = async (server: grpc.Server, port: number): Promise<number> =>
      promisify(server.bindAsync.bind(server))(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure());
    const client = (port: number) =>
      new EngineClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), grpcClientOptions);
    const refusal = (of: EngineClient) =>
      new Promise<grpc.status | undefined>((resolve) =>
        of.log(new LogRequest(), (error) => {
          resolve(error?.code);
        }),
      );

    const ended = new grpc.Server();
    const port = await bound(ended, 0);
    ended.forceShutdown();
    const left = client(port);
    assert.equal(await refusal(left), grpc.status.UNAVAILABLE);

    const next = new grpc.Server();
    await bound(next, port);
    const own = client(port);
    // This server answers, and knows no method.
    assert.equal(await refusal(own), grpc.status.UNIMPLEMENTED);
    for (const one of [left, own]) one.close();
    next.forceShutdown();
  });
});
