import * as grpc from "@grpc/grpc-js";
import { ErrorResourceInitFailed } from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";

import { InitFailed } from "./plugin";
import { compact, type Props } from "./values";
import { messageOf } from "../../../components/errors";

/** The error as gRPC carries it. A resource that exists though it failed travels along, for the engine to keep. */
export function grpcError(error: unknown): Partial<grpc.StatusObject> {
  const message = messageOf(error);
  const metadata = new grpc.Metadata();
  if (error instanceof InitFailed) {
    const status = new Status()
      .setCode(grpc.status.UNKNOWN)
      .setMessage(message)
      .setDetailsList([detailOf(error)]);
    metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  }
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

function detailOf({ id, live, reasons }: InitFailed): Any {
  const detail = new ErrorResourceInitFailed();
  detail.setId(id).setInputs(structOf(live.inputs)).setProperties(structOf(live.outputs)).setReasonsList(reasons);
  const any = new Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  return any;
}

function structOf(props: Props): Struct {
  return Struct.fromJavaScript(compact(props) as Record<string, JavaScriptValue>);
}
