/**
 * A double of the command plugin: it connects to nobody, and every command has succeeded at once. One to a host that is called
 * `fails` has failed, and one called `down` or `went` cannot be reached: `went` answered when its node was created. A host called `unchanged` reports that nothing was changed. A host
 * with a file of its name in the folder PAUSE_SANDBOX_DOUBLE_STDOUT prints that file instead of a report, and does not answer while there is
 * one of its name with `.held` behind it. Each request is a line
 * in the file PAUSE_SANDBOX_DOUBLE_LOG.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout } from "node:timers/promises";

import { type ResourceType, versionOf } from "../../../plugins/protocol/plugin";
import { serve } from "../../../plugins/protocol/serve";
import { object, type Shape } from "../../../plugins/protocol/shape";
import { differences, type Props, UNKNOWN } from "../../../plugins/protocol/values";
import { type NodeReport, NodeStatus, Runtime } from "../../../../components";

const COMMAND = "connection create update delete stdin triggers environment logging addPreviousOutputInEnv";
const COPY = "connection source remotePath triggers";

serve({
  name: "command",
  version: versionOf("@pulumi/command"),
  config: object({}),
  resources: {
    "command:remote:Command": resource("Command", COMMAND, (name, host) => {
      return { stdout: printed(host) ?? JSON.stringify(report(name, host)), stderr: "" };
    }),
    "command:remote:CopyToRemote": resource("CopyToRemote", COPY, () => ({})),
  },
});

function resource(type: string, properties: string, answer: (name: string, host: string) => Record<string, string>) {
  const outputs = (name: string, inputs: Props, preview: boolean): Record<string, string> => {
    const made = answer(name, hostOf(inputs));
    return preview ? Object.fromEntries(Object.keys(made).map((key) => [key, UNKNOWN])) : made;
  };
  const asked = (what: string, name: string): void => {
    const log = process.env.PAUSE_SANDBOX_DOUBLE_LOG;
    if (log !== undefined) fs.appendFileSync(log, `${what} ${type} ${name}\n`);
  };
  const run = async (what: string, name: string, inputs: Props, preview: boolean): Promise<Record<string, unknown>> => {
    if (!preview) {
      asked(what, name);
      await held(hostOf(inputs));
      reach(hostOf(inputs));
    }
    return { ...inputs, ...outputs(name, inputs, preview) };
  };
  const made: ResourceType = {
    inputs: shape(properties),
    outputs: [],
    diff: ({ oldInputs, inputs }) => ({
      changes: new Map([...differences(oldInputs, inputs)].map(([path, kind]) => [path, { kind, replace: false }])),
    }),
    create: async ({ name, preview, inputs }) => ({ id: name, outputs: await run("create", name, inputs, preview) }),
    update: ({ name, preview, inputs }) => run("update", name, inputs, preview),
    delete: ({ name, oldOutputs }) => {
      asked("delete", name);
      // What is copied is not removed.
      if (type === "Command") reach(hostOf(oldOutputs), true);
      return Promise.resolve();
    },
  };
  return made;
}

const hostOf = ({ connection }: Props): string => (connection as Props).host as string;

function reach(host: string, leaves = false): void {
  if (host === "fails") throw new Error("the host fails");
  if (host === "went" && leaves) throw new Error("after 4 failed attempts: dial tcp 192.0.2.2:22: i/o timeout");
  if (host === "down") throw new Error("after 4 failed attempts: dial tcp 192.0.2.1:22: connect: no route to host");
}

/** A file by which a test tells what becomes of a host. */
function fileOf(name: string): string | undefined {
  const folder = process.env.PAUSE_SANDBOX_DOUBLE_STDOUT;
  const file = folder === undefined ? undefined : path.join(folder, name);
  return file !== undefined && fs.existsSync(file) ? file : undefined;
}

/** What a test has this host print. */
function printed(host: string): string | undefined {
  const file = fileOf(host);
  return file && fs.readFileSync(file, "utf8");
}

/** Waits while a test holds the host. */
async function held(host: string): Promise<void> {
  while (fileOf(`${host}.held`) !== undefined) await setTimeout(50);
}

function shape(properties: string): Shape {
  return object(Object.fromEntries(properties.split(" ").map((name) => [name, "any"])));
}

/** What a node says, which a program of this project reads. The bare program gets the same. */
function report(name: string, host: string): NodeReport {
  return {
    ...{ node: name, image: "registry.example.com:5000/platform/pause:1.0.0", pinned: true },
    digest: `sha256:${"d".repeat(64)}`,
    previousImage: "registry.k8s.io/pause:3.10",
    changed: ["/etc/containerd/conf.d/zz-pause-sandbox.toml"],
    restarted: ["containerd"],
    ...{ runtime: Runtime.Containerd, runtimeVersion: "2.3.4", kubelet: "1.35.4", scriptVersion: "0123456789ab" },
    status: host === "unchanged" ? NodeStatus.Unchanged : NodeStatus.Changed,
  };
}
