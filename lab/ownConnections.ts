/**
 * Gives each inline program connections of its own. Import this file where a process runs the engine more than once.
 *
 * The SDK closes no client of an inline program. After a failed run, a client may try again and again to reach an engine that has ended.
 * By default gRPC shares connections within a process, by address. Another engine can get the same port, and its first call
 * then fails at once: "14 UNAVAILABLE: No connection established. Last error: null".
 */
import * as settings from "@pulumi/pulumi/runtime/settings";

/** Options of the SDK's clients for engine and resource monitor. Its declarations leave them out. */
export const { grpcClientOptions } = settings as unknown as { readonly grpcClientOptions: Record<string, unknown> };

grpcClientOptions["grpc.use_local_subchannel_pool"] = 1;
