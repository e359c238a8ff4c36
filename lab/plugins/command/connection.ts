import * as fs from "fs";
import { Client, type ConnectConfig, type ServerHostKeyAlgorithm } from "ssh2";
import type { Duplex } from "stream";

import { messageOf } from "../../../components/errors";
import { object, type Shape } from "../protocol/shape";

/** One host to log in to, with the defaults that the SDK has filled in. */
interface Host {
  host: string;
  port?: number;
  user?: string;
  password?: string;
  privateKey?: string;
  privateKeyPassword?: string;
  agentSocketPath?: string;
  dialErrorLimit?: number;
  perDialTimeout?: number;
  hostKey?: string;
}

export interface Connection extends Host {
  proxy?: Host;
}

const hostProperties = {
  host: "string",
  port: "number",
  user: "string",
  password: "string",
  privateKey: "string",
  privateKeyPassword: "string",
  agentSocketPath: "string",
  dialErrorLimit: "number",
  perDialTimeout: "number",
  hostKey: "string",
} as const;
export const connectionShape: Shape = object({ ...hostProperties, proxy: object({ ...hostProperties }, ["host"]) }, [
  "host",
]);

/** Pauses between two attempts to connect, as the Pulumi SDK for Go spaces them. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** Runs `use` on a logged-in connection, through the proxy where there is one, and closes all of it afterwards. */
export async function connected<T>(
  connection: Connection,
  signal: AbortSignal,
  progress: (line: string) => void,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const opened: Client[] = [];
  const open = async (what: string, host: Host, through?: Client) => {
    const client = await dialWithRetry(what, host, signal, progress, through);
    opened.unshift(client);
    return client;
  };
  const hangUp = () => {
    opened.forEach((client) => client.destroy());
  };
  signal.addEventListener("abort", hangUp);
  try {
    const proxy = connection.proxy && (await open("Dial proxy", connection.proxy));
    return await use(await open("Dial", connection, proxy));
  } finally {
    signal.removeEventListener("abort", hangUp);
    opened.forEach((client) => client.end());
  }
}

async function dialWithRetry(
  what: string,
  host: Host,
  signal: AbortSignal,
  progress: (line: string) => void,
  through?: Client,
): Promise<Client> {
  const limit = host.dialErrorLimit ?? 10;
  const config = configOf(host);
  let pause = FIRST_PAUSE_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await dial(host, config, through);
    } catch (error) {
      signal.throwIfAborted();
      const reason = messageOf(error);
      const where = `${host.host}:${host.port ?? 22}`;
      if (limit >= 0 && attempt > limit) throw new Error(`after ${attempt} failed attempts: ${where}: ${reason}`);
      progress(`${what} ${attempt}/${limit < 0 ? "inf" : limit} failed: retrying`);
      await pauseFor(pause, signal);
      pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
    }
  }
}

async function dial(host: Host, config: ConnectConfig, through?: Client): Promise<Client> {
  const sock = through && (await forward(through, host));
  return new Promise((resolve, reject) => {
    const client = new Client();
    client.once("ready", () => {
      // Later errors end the command's channel, which reports them; without a listener they would end the process.
      client.on("error", () => undefined);
      resolve(client);
    });
    client.once("error", (error) => {
      const denied = error.message.includes("verification failed");
      reject(denied ? new Error("handshake failed: host key mismatch") : error);
    });
    client.once("close", () => {
      reject(new Error("connection closed before the log-in was done"));
    });
    client.connect({ ...config, sock });
  });
}

function forward(through: Client, host: Host): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    through.forwardOut("127.0.0.1", 0, host.host, host.port ?? 22, (error, stream) => {
      if (error) reject(error);
      else resolve(stream);
    });
  });
}

function configOf(host: Host): ConnectConfig {
  const { hostKey, password, privateKey, privateKeyPassword } = host;
  const expected = hostKey === undefined ? undefined : parseHostKey(hostKey);
  return {
    host: host.host,
    port: host.port ?? 22,
    username: host.user ?? "root",
    privateKey,
    passphrase: privateKeyPassword,
    password,
    tryKeyboard: password !== undefined,
    agent: host.agentSocketPath ?? agentFromEnvironment(),
    readyTimeout: (host.perDialTimeout ?? 15) * 1000,
    ...(expected && {
      // A server with several keys must show the one that is expected, not the one it likes best.
      algorithms: { serverHostKey: [expected.type as ServerHostKeyAlgorithm] },
      hostVerifier: (shown: Buffer) => shown.equals(expected.key),
    }),
  };
}

function agentFromEnvironment(): string | undefined {
  const socket = process.env.SSH_AUTH_SOCK;
  return socket !== undefined && fs.existsSync(socket) ? socket : undefined;
}

/** A line as in authorized_keys: `<type> <base64> [comment]`. */
function parseHostKey(line: string): { type: string; key: Buffer } {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  const key = Buffer.from(base64, "base64");
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  // The key itself starts with its type, so that the line cannot claim another.
  if (type === "" || key.toString("latin1", 4, 4 + length) !== type) {
    throw new Error(`failed to parse host key ${JSON.stringify(line)}: it must be "<type> <base64>"`);
  }
  return { type, key };
}

function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new Error("cancelled"));
    });
  });
}
