import { randomBytes } from "crypto";
import * as fs from "fs";
import type { Client, SFTPWrapper } from "ssh2";

import type { Call, ResourceType } from "../protocol/plugin";
import { object } from "../protocol/shape";
import { differences, isObject, type Props, UNKNOWN } from "../protocol/values";
import { type Connection, connected, connectionShape } from "./connection";

/** What marks an asset among the values that the engine sends. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";

/** A file of this machine. State keeps its hash and where it lay, not its content. */
interface FileAsset {
  hash: string;
  path: string;
}

/**
 * `command:remote:CopyToRemote`: a file that goes to a host by sftp, once created and whenever its content or place changes. Deleting
 * the resource leaves the file. Other kinds of sources than files are refused: nothing here sends them.
 */
export const copyToRemote: ResourceType = {
  inputs: object({ connection: connectionShape, source: "any", remotePath: "string", triggers: { list: "any" } }, [
    "connection",
    "source",
    "remotePath",
  ]),
  outputs: [],

  check({ inputs }) {
    const known = inputs.source === UNKNOWN || isFile(inputs.source);
    const reason = "not supported by the lab's stand-in plugin, which sends files of this machine only";
    return Promise.resolve({ inputs, failures: known ? [] : [{ property: "source", reason }] });
  },

  diff({ oldInputs, inputs }) {
    const changes = [...differences(comparable(oldInputs), comparable(inputs))];
    const replaces = (path: string) => path.startsWith("triggers");
    return { changes: new Map(changes.map(([path, kind]) => [path, { kind, replace: replaces(path) }])) };
  },

  async create(call) {
    if (call.preview) return { id: "", outputs: call.inputs };
    await copy(call, call.inputs);
    return { id: randomBytes(4).toString("hex"), outputs: call.inputs };
  },

  async update(call) {
    const { source, remotePath } = comparable(call.oldOutputs);
    const now = comparable(call.inputs);
    // Another log-in alone copies nothing.
    if (!call.preview && (now.source !== source || now.remotePath !== remotePath)) await copy(call, call.inputs);
    return call.inputs;
  },

  delete: () => Promise.resolve(),
};

function isFile(source: unknown): source is FileAsset {
  return isObject(source) && source[SIGNATURE] === ASSET && typeof source.path === "string" && source.path !== "";
}

/** Where a file lay is nothing to the host. */
const comparable = (props: Props): Props => ({
  ...props,
  source: isFile(props.source) ? props.source.hash : props.source,
});

async function copy(call: Call, inputs: Props): Promise<void> {
  const { connection, source, remotePath } = inputs as unknown as {
    connection: Connection;
    source: FileAsset;
    remotePath: string;
  };
  const content = fs.readFileSync(source.path);
  const progress = (line: string) => {
    call.log(line, { ephemeral: true });
  };
  await connected(connection, call.signal, progress, (client) => write(client, remotePath, content));
}

async function write(client: Client, remotePath: string, content: Buffer): Promise<void> {
  const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
    client.sftp((error, session) => {
      if (error) reject(error);
      else resolve(session);
    });
  });
  await new Promise<void>((resolve, reject) => {
    sftp.writeFile(remotePath, content, (error) => {
      if (error) reject(new Error(`failed to create remote file ${remotePath}: ${error.message}`));
      else resolve();
    });
  });
}
