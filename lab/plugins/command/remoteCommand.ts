import { randomBytes } from "crypto";
import type { Client } from "ssh2";

import type { Call, ResourceType } from "../protocol/plugin";
import { object } from "../protocol/shape";
import { differences, type Props, UNKNOWN } from "../protocol/values";
import { type Connection, connected, connectionShape } from "./connection";

/** What a run left behind, each without its last newline. */
interface Output {
  stdout: string;
  stderr: string;
}

/** Properties of a command, inputs and previous outputs together, as state keeps them. */
interface State extends Partial<Output> {
  connection: Connection;
  create?: string;
  update?: string;
  delete?: string;
  stdin?: string;
  logging?: "none" | "stdout" | "stderr" | "stdoutAndStderr";
  addPreviousOutputInEnv?: boolean;
}

const LOGGING = ["none", "stdout", "stderr", "stdoutAndStderr"];

/**
 * `command:remote:Command`: a command over SSH when the resource is created, updated and deleted. A command that fails
 * leaves state as it was: nothing after a create, the old inputs after an update. There is no read, so refresh sees no
 * drift. `environment` is left out, because this SSH client cannot tell whether the server took a variable.
 */
export const remoteCommand: ResourceType = {
  inputs: object(
    {
      connection: connectionShape,
      create: "string",
      update: "string",
      delete: "string",
      stdin: "string",
      triggers: { list: "any" },
      logging: "string",
      addPreviousOutputInEnv: "boolean",
    },
    ["connection"],
  ),
  outputs: ["stdout", "stderr"],

  check({ inputs }) {
    const logging = inputs.logging;
    const wrong = typeof logging === "string" && logging !== UNKNOWN && !LOGGING.includes(logging);
    const reason = `${JSON.stringify(logging)} is not one of ${LOGGING.join(", ")}`;
    return Promise.resolve({ inputs, failures: wrong ? [{ property: "logging", reason }] : [] });
  },

  diff({ oldInputs, inputs }) {
    const changes = [...differences(oldInputs, inputs)];
    // A replacement is created before the old one is deleted: the old delete then undoes the new create.
    const replaces = (path: string) => path.startsWith("triggers");
    return { changes: new Map(changes.map(([path, kind]) => [path, { kind, replace: replaces(path) }])) };
  },

  async create(call) {
    const id = call.name + randomBytes(4).toString("hex");
    if (call.preview) return { id, outputs: { ...call.inputs, stdout: UNKNOWN, stderr: UNKNOWN } };
    const state = call.inputs as unknown as State;
    return { id, outputs: { ...call.inputs, ...(await run(call, state, state.create)) } };
  },

  async update(call) {
    if (call.preview) return { ...call.inputs, stdout: UNKNOWN, stderr: UNKNOWN };
    const previous = outputsOf(call.oldOutputs);
    const state = { ...call.inputs, ...previous } as unknown as State;
    const done = await run(call, state, state.update ?? state.create);
    return { ...call.inputs, ...previous, ...done };
  },

  async delete(call) {
    const state = call.oldOutputs as unknown as State;
    await run(call, state, state.delete);
  },
};

function outputsOf({ stdout, stderr }: Props): Output {
  return { stdout: typeof stdout === "string" ? stdout : "", stderr: typeof stderr === "string" ? stderr : "" };
}

async function run(call: Call, state: State, command: string | undefined): Promise<Output> {
  if (command === undefined) return outputsOf({ ...state });
  const progress = (line: string) => {
    call.log(line, { ephemeral: true });
  };
  return connected(state.connection, call.signal, progress, (client) => execute(client, call, state, command));
}

function execute(client: Client, call: Call, state: State, command: string): Promise<Output> {
  const logging = state.logging ?? "stdoutAndStderr";
  return new Promise((resolve, reject) => {
    client.once("close", () => {
      reject(new Error(`connection lost: running ${JSON.stringify(command)}`));
    });
    client.exec(command, { env: previousOutput(state) }, (error, channel) => {
      if (error) {
        reject(error);
        return;
      }
      const all: Buffer[] = [];
      const stdout = collect(channel, all, logging.startsWith("stdout") ? call.log : undefined);
      const stderr = collect(channel.stderr, all, /stderr/i.test(logging) ? call.log : undefined);
      channel.on("close", (code: number | null, signal?: string) => {
        if (code === 0) resolve({ stdout: stdout(), stderr: stderr() });
        else reject(new Error(failure(code, signal, command, all)));
      });
      // A command that does not read its input closes the channel under our hands; its exit status tells the rest.
      channel.on("error", () => undefined);
      channel.end(state.stdin ?? "");
    });
  });
}

/** sshd drops variables that its AcceptEnv does not name. */
function previousOutput({ addPreviousOutputInEnv, stdout = "", stderr = "" }: State): NodeJS.ProcessEnv {
  if (addPreviousOutputInEnv === false) return {};
  const variables = { PULUMI_COMMAND_STDOUT: stdout, PULUMI_COMMAND_STDERR: stderr };
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
}

/** Gathers a stream, and logs it line by line. @returns what was gathered, without its last newline */
function collect(stream: NodeJS.ReadableStream, all: Buffer[], log: ((line: string) => void) | undefined) {
  const chunks: Buffer[] = [];
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    all.push(chunk);
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    // Bytes until the line is whole: a chunk may end within a character.
    lines.forEach((line) => log?.(Buffer.from(line, "latin1").toString()));
  });
  stream.on("end", () => {
    if (rest !== "") log?.(Buffer.from(rest, "latin1").toString());
  });
  return () => Buffer.concat(chunks).toString().replace(/\n$/, "");
}

function failure(code: number | null, signal: string | undefined, command: string, output: Buffer[]): string {
  const how = code === null ? `from signal ${signal ?? "unknown"}` : `with status ${code}`;
  return `Process exited ${how}: running ${JSON.stringify(command)}:\n${Buffer.concat(output).toString()}`;
}
