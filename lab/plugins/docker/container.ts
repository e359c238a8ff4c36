import { randomBytes } from "crypto";
import type { ContainerCreateOptions } from "dockerode";
import * as tar from "tar-stream";

import type { Call, ResourceType } from "../protocol/plugin";
import { object } from "../protocol/shape";
import { differences, isUnknown, type Props, UNKNOWN } from "../protocol/values";
import { engine } from "./engine";

interface Inputs {
  name: string;
  image: string;
  command?: string[];
  entrypoints?: string[];
  envs?: string[];
  hostname?: string;
  ipcMode?: string;
  networkMode?: string;
  pidMode?: string;
  restart?: string;
  mustRun?: boolean;
  labels?: { label: string; value: string }[];
  ports?: { internal: number; external?: number; ip?: string; protocol?: string }[];
  uploads?: { file: string; content?: string; contentBase64?: string; executable?: boolean }[];
  volumes?: { containerPath: string; hostPath: string; readOnly?: boolean }[];
}

/** Properties that can be changed while a container lives, of those that are supported: none but these. */
const IN_PLACE = ["mustRun"];

/**
 * `docker:index/container:Container`: created from an image that the engine has or can pull, and started. Any change
 * but of `mustRun` replaces it. A container that was stopped or removed by someone else is made again.
 */
export const container: ResourceType = {
  inputs: object(
    {
      ...{ name: "string", image: "string", hostname: "string", restart: "string", mustRun: "boolean" },
      ...{ command: { list: "string" }, entrypoints: { list: "string" }, envs: { list: "string" } },
      ...{ ipcMode: "string", networkMode: "string", pidMode: "string" },
      labels: { list: object({ label: "string", value: "string" }, ["label", "value"]) },
      ports: {
        list: object({ internal: "number", external: "number", ip: "string", protocol: "string" }, ["internal"]),
      },
      uploads: {
        list: object({ file: "string", content: "string", contentBase64: "string", executable: "boolean" }, ["file"]),
      },
      volumes: {
        list: object({ containerPath: "string", hostPath: "string", readOnly: "boolean" }, [
          "containerPath",
          "hostPath",
        ]),
      },
    },
    ["image"],
  ),
  outputs: ["bridge", "containerLogs", "exitCode", "networkDatas"],

  check({ inputs, oldInputs, name, randomSeed }) {
    const seed = randomSeed.length > 0 ? Buffer.from(randomSeed.slice(0, 4)) : randomBytes(4);
    const autonamed = oldInputs?.name ?? `${name}-${seed.subarray(0, 4).toString("hex").slice(0, 7)}`;
    return Promise.resolve({ inputs: { ...inputs, name: inputs.name ?? autonamed }, failures: [] });
  },

  diff({ oldInputs, oldOutputs, inputs }) {
    const found = [...differences(oldInputs, inputs)].map(
      ([path, kind]) => [path, { kind, replace: !IN_PLACE.includes(path) }] as const,
    );
    const changes = new Map(found);
    if (inputs.mustRun !== false && oldOutputs.mustRun === false)
      changes.set("mustRun", { kind: "update", replace: true });
    // Names and published ports can be had by one container at a time.
    return { changes, deleteBeforeReplace: true };
  },

  async create(call) {
    const inputs = call.inputs as unknown as Inputs;
    if (call.preview) return { id: "", outputs: { ...call.inputs, networkDatas: UNKNOWN } };
    await ensureImage(inputs.image, call);
    const made = await engine.createContainer(optionsOf(inputs));
    try {
      if (inputs.uploads) await made.putArchive(archiveOf(inputs.uploads), { path: "/" });
      await made.start();
    } catch (error) {
      // Else its name is taken when the program is run again.
      await made.remove({ force: true });
      throw error;
    }
    return { id: made.id, outputs: { ...call.inputs, ...(await networksOf(made.id)) } };
  },

  update: (call) => Promise.resolve({ ...call.oldOutputs, ...call.inputs }),

  async read(call) {
    const live = await inspect(call.id);
    if (!live) return undefined;
    const stopped = call.oldInputs.mustRun !== false && !live.State.Running;
    const outputs = { ...call.oldOutputs, ...(stopped && { mustRun: false }), ...(await networksOf(call.id)) };
    return { inputs: call.oldInputs, outputs };
  },

  async delete({ id }) {
    if (await inspect(id)) await engine.getContainer(id).remove({ force: true, v: true });
  },
};

function optionsOf(inputs: Inputs): ContainerCreateOptions {
  const { ports = [], labels = [], volumes = [] } = inputs;
  const keyOf = (port: { internal: number; protocol?: string }) => `${port.internal}/${port.protocol ?? "tcp"}`;
  const bindings = ports.map((port) => [
    keyOf(port),
    [{ HostIp: port.ip ?? "", HostPort: String(port.external ?? "") }],
  ]);
  return {
    name: inputs.name,
    Image: inputs.image,
    Hostname: inputs.hostname,
    Cmd: inputs.command,
    Entrypoint: inputs.entrypoints,
    Env: inputs.envs,
    Labels: Object.fromEntries(labels.map(({ label, value }) => [label, value])),
    ExposedPorts: Object.fromEntries(ports.map((port) => [keyOf(port), {}])),
    HostConfig: {
      NetworkMode: inputs.networkMode,
      IpcMode: inputs.ipcMode,
      PidMode: inputs.pidMode,
      PortBindings: Object.fromEntries(bindings) as Record<string, unknown>,
      Binds: volumes.map(
        ({ hostPath, containerPath, readOnly }) => `${hostPath}:${containerPath}:${readOnly ? "ro" : "rw"}`,
      ),
      RestartPolicy: { Name: inputs.restart ?? "no" },
    },
  };
}

function archiveOf(uploads: NonNullable<Inputs["uploads"]>): tar.Pack {
  const pack = tar.pack();
  for (const { file, content, contentBase64, executable } of uploads) {
    const bytes = contentBase64 === undefined ? Buffer.from(content ?? "") : Buffer.from(contentBase64, "base64");
    pack.entry({ name: file.replace(/^\//, ""), mode: executable ? 0o744 : 0o644 }, bytes);
  }
  pack.finalize();
  return pack;
}

async function ensureImage(name: string, call: Call): Promise<void> {
  const there = await absentAsUndefined(engine.getImage(name).inspect());
  if (there) return;
  const stream = await engine.pull(name, { abortSignal: call.signal });
  await new Promise<void>((resolve, reject) => {
    engine.modem.followProgress(stream, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function inspect(id: string) {
  return isUnknown(id) || id === "" ? Promise.resolve(undefined) : absentAsUndefined(engine.getContainer(id).inspect());
}

async function networksOf(id: string): Promise<Props> {
  const networks = Object.entries((await inspect(id))?.NetworkSettings.Networks ?? {});
  return {
    networkDatas: networks.map(([networkName, network]) => ({
      ...{ networkName, ipAddress: network.IPAddress, ipPrefixLength: network.IPPrefixLen },
      ...{ gateway: network.Gateway, macAddress: network.MacAddress },
    })),
  };
}

async function absentAsUndefined<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}
