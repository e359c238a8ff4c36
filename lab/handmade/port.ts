/** The machine's port that leads to the Pod. */
import * as net from "node:net";

import { docker } from "../cluster/docker";
import { LABEL } from "../cluster/layout";

const ADDRESS = "127.0.0.1";

/** @default 8080; `PAUSE_SANDBOX_PORT` chooses another. */
export function chosenPort(): number {
  const text = process.env["PAUSE_SANDBOX_PORT"] ?? "8080";
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`PAUSE_SANDBOX_PORT is "${text}": give a port from 1 to 65535, e.g. 8081`);
  }
  return port;
}

/**
 * Makes sure, before anything is made, that the Pod can have the port; a handmade Pod that has it already may keep it.
 * @throws Error naming who has it, where that can be told, and what to do.
 */
export async function requirePort(port: number): Promise<void> {
  const code = await bindError(port);
  if (code === undefined) return;
  const [name, role] = await publisher(port);
  if (role === "handmade") return;
  const holder = name ? `container ${name} has it` : `${code}; "ss -ltnp sport = :${port}" shows who has it`;
  throw new Error(
    `port ${port} of ${ADDRESS} cannot be published (${holder}): free it, or choose another, ` +
      `e.g. make handmade PAUSE_SANDBOX_PORT=${port === 8081 ? 8082 : 8081}`,
  );
}

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = await listen(0);
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function bindError(port: number): Promise<string | undefined> {
  try {
    const server = await listen(port);
    await new Promise((resolve) => server.close(resolve));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

function listen(port: number): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(port, ADDRESS, () => {
      resolve(server);
    });
  });
}

/** Name and role of the container that publishes the port, each empty if there is none. */
async function publisher(port: number): Promise<string[]> {
  const format = `{{.Names}} {{.Label "${LABEL}"}}`;
  return (await docker(["ps", "--filter", `publish=${port}`, "--format", format])).trim().split(" ");
}
