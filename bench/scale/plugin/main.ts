/**
 * A double of the command plugin: it connects to nobody, and every command has succeeded at once. One to a host that is called
 * `fails` has failed.
 */
import { type ResourceType, versionOf } from "../../../lab/plugins/protocol/plugin";
import { serve } from "../../../lab/plugins/protocol/serve";
import { object, type Shape } from "../../../lab/plugins/protocol/shape";
import { differences, type Props, UNKNOWN } from "../../../lab/plugins/protocol/values";
import { type NodeReport, NodeStatus, Runtime } from "../../../components";

const COMMAND = "connection create update delete stdin triggers environment logging addPreviousOutputInEnv";
const COPY = "connection source remotePath triggers";

serve({
  name: "command",
  version: versionOf("@pulumi/command"),
  config: object({}),
  resources: {
    "command:remote:Command": resource(COMMAND, (name) => ({ stdout: JSON.stringify(report(name)), stderr: "" })),
    "command:remote:CopyToRemote": resource(COPY, () => ({})),
  },
});

function resource(properties: string, answer: (name: string) => Record<string, string>): ResourceType {
  const outputs = (name: string, preview: boolean): Record<string, string> => {
    const made = answer(name);
    return preview ? Object.fromEntries(Object.keys(made).map((key) => [key, UNKNOWN])) : made;
  };
  return {
    inputs: shape(properties),
    outputs: [],
    diff: ({ oldInputs, inputs }) => ({
      changes: new Map([...differences(oldInputs, inputs)].map(([path, kind]) => [path, { kind, replace: false }])),
    }),
    create: ({ name, preview, inputs }) => {
      reach(inputs, preview);
      return Promise.resolve({ id: name, outputs: { ...inputs, ...outputs(name, preview) } });
    },
    update: ({ name, preview, inputs }) => {
      reach(inputs, preview);
      return Promise.resolve({ ...inputs, ...outputs(name, preview) });
    },
    delete: () => Promise.resolve(),
  };
}

function reach({ connection }: Props, preview: boolean): void {
  if (!preview && (connection as Props).host === "fails") throw new Error("the host fails");
}

function shape(properties: string): Shape {
  return object(Object.fromEntries(properties.split(" ").map((name) => [name, "any"])));
}

/** What a node says, which a program of this project reads. The bare program gets the same. */
function report(name: string): NodeReport {
  return {
    ...{ node: name, image: "registry.example.com:5000/platform/pause:1.0.0", pinned: true },
    digest: `sha256:${"d".repeat(64)}`,
    previousImage: "registry.k8s.io/pause:3.10",
    changed: ["/etc/containerd/conf.d/zz-pause-sandbox.toml"],
    restarted: ["containerd"],
    ...{ runtime: Runtime.Containerd, runtimeVersion: "2.3.4", kubelet: "1.35.4", scriptVersion: "0123456789ab" },
    status: NodeStatus.Changed,
  };
}
