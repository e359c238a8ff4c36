/** Mocks for tests of programs that use the components, without an engine, a registry or a node. */
import * as pulumi from "@pulumi/pulumi";

export { known } from "./inputs";
import { readCommand } from "./node/nodeCommand";
import { type NodeReport, NodeStatus, Runtime } from "./node/nodeScript";

/** How the simulated cluster answers. */
export interface MockClusterOptions {
  /** The digest of every image that is pushed. Default: `sha256:`, and 64 times `d`. */
  digest?: string;
  /**
   * Fields of a node's report that differ from the default. It gets the node's name in the cluster. Default: each node was changed.
   */
  report?: (node: string) => Partial<NodeReport>;
  /**
   * The state of the resources that your own program adds. Undefined leaves a resource to the mocks of this project.
   * Default: the state of every other resource is its inputs.
   */
  state?: (resource: pulumi.runtime.MockResourceArgs) => Record<string, unknown> | undefined;
  /** What a function of a provider answers. Default: its inputs. */
  call?: (call: pulumi.runtime.MockCallArgs) => Record<string, unknown>;
  /** Name of the project. Default: `project`. */
  project?: string;
  /** Name of the stack. Default: `stack`. */
  stack?: string;
}

/** The digest of every image that is pushed, unless the options say another. */
export const MOCK_DIGEST = `sha256:${"d".repeat(64)}`;

/**
 * Simulates image registry, nodes and cluster. Call it before the program is imported: it makes its resources while it is
 * loaded.
 *
 * An image gets a digest. A node reports what it was asked for: its name, the image, the digest. A resource of
 * Kubernetes gets a name and a namespace. The state of every other resource is its inputs.
 */
export async function mockCluster(options: MockClusterOptions = {}): Promise<void> {
  const { project = "project", stack = "stack" } = options;
  await pulumi.runtime.setMocks(mocksOf(options), project, stack);
}

/** The mocks of `mockCluster`, for a test that sets Pulumi's mocks itself. */
export function mocksOf(options: MockClusterOptions = {}): pulumi.runtime.Mocks {
  const { state = () => undefined, call = ({ inputs }) => inputs as Record<string, unknown> } = options;
  return {
    newResource: (resource) => ({
      id: resource.id !== undefined && resource.id !== "" ? resource.id : `${resource.name}-id`,
      state: state(resource) ?? stateOf(resource, options),
    }),
    call,
  };
}

/** What the engine would answer: the inputs, and what the types of resources add to them. */
function stateOf(resource: pulumi.runtime.MockResourceArgs, options: MockClusterOptions): Record<string, unknown> {
  const { type, name } = resource;
  const inputs = resource.inputs as Record<string, unknown>;
  const { digest = MOCK_DIGEST, report = () => ({}) } = options;
  switch (type) {
    case "docker:index/image:Image":
      return { ...inputs, repoDigest: `${String(inputs.imageName).replace(/:[^:/]*$/, "")}@${digest}` };
    case "docker-build:index:Index":
      return { ...inputs, ref: `${String(inputs.tag)}@${digest}` };
    case "command:remote:Command":
      return { ...inputs, stdout: `${JSON.stringify(reportOf(name, inputs, digest, report))}\n`, stderr: "" };
    default:
      return type.startsWith("kubernetes:") && inputs.metadata !== undefined ? named(name, inputs) : inputs;
  }
}

function named(name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  return { ...inputs, metadata: { name, namespace: "default", ...(shown(inputs.metadata) as object) } };
}

function reportOf(
  name: string,
  inputs: Record<string, unknown>,
  pushed: string,
  report: (node: string) => Partial<NodeReport>,
): NodeReport {
  const { verb, settings } = readCommand(textOrNone(inputs.create), textOrNone(inputs.stdin));
  const [node = name, image = "", digest = pushed] = ["node", "image", "digest"].map((key) => settings.get(key)?.[0]);
  const planned = verb === "plan";
  return {
    ...{ node, image, digest, pinned: true },
    status: planned ? NodeStatus.WouldChange : NodeStatus.Changed,
    previousImage: "registry.k8s.io/pause:3.10",
    changed: ["/etc/containerd/conf.d/zz-pause-sandbox.toml"],
    restarted: planned ? [] : ["containerd"],
    ...{ runtime: Runtime.Containerd, runtimeVersion: "2.3.4", kubelet: "1.36.3" },
    ...report(node),
  };
}

/** Marks a secret on the wire between program and engine; mocks get it as it is sent. */
const SECRET = "4dabf18193072939515e22adb298388d";

const textOrNone = (input: unknown): string => {
  const text = shown(input);
  return typeof text === "string" ? text : "";
};

/** A value without the mark of a secret. */
function shown(value: unknown): unknown {
  return typeof value === "object" && value !== null && SECRET in value
    ? (value as unknown as { value: unknown }).value
    : value;
}
