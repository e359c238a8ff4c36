import * as pulumi from "@pulumi/pulumi";

import { checkLocalhostPod, LocalhostPod, type LocalhostPodArgs } from "./sample/localhostPod";
import type { NodeReport } from "./node/nodeScript";
import { checkPauseImage, PauseImage, type PauseImageArgs } from "./image/pauseImage";
import { Problems } from "./problems";
import { planRollout, type RolloutPlan, windowSize } from "./rollout";
import { checkConnection, type SshConnection } from "./node/connection";
import { checkNodeSettings, checkTrust, type RegistryTrust, SandboxNode } from "./node/sandboxNode";

/** One node of the cluster. */
export interface ClusterNode {
  /** Name of the node in the cluster (`kubectl get nodes`). */
  name: string;
  connection: SshConnection;
  /** Changed before the others, one after the other. @default the first node is the only canary if none is marked */
  canary?: boolean;
  /**
   * The host does not exist any more. Removing the node then asks nothing of it, and restores nothing on it: set this,
   * run `pulumi up`, and take the node out of the list.
   * @default false
   */
  gone?: boolean;
}

/** On which nodes the sample Pod proves the sandbox. */
export enum ProofScope {
  None = "none",
  /** One Pod, wherever the scheduler puts it. */
  One = "one",
  /** One Pod on every node. */
  Every = "every",
}

/** The sample Pod, see {@link LocalhostPod}. */
export interface ProofArgs extends Omit<LocalhostPodArgs, "nodeName" | "proofOf"> {
  /** @default ProofScope.One */
  scope?: ProofScope;
}

export interface PauseSandboxArgs {
  image: PauseImageArgs;
  /** The nodes to change, in the order to change them. At least one; names must differ. */
  nodes: ClusterNode[];
  /** What the nodes must trust to pull the image. @default their own trust store */
  trust?: RegistryTrust;
  /**
   * How many nodes may be changed at a time once the canaries are done: a number of nodes, or a percentage of all
   * nodes such as `10%`, rounded down but at least one.
   * @default 1
   */
  maxUnavailable?: number | string;
  /** Set the kubelets' flag too, see {@link SandboxNodeArgs.kubeletFlag}. @default true */
  kubeletFlag?: boolean;
  /**
   * Raise it to have every node looked at again although nothing else changed, see {@link SandboxNodeArgs.generation}.
   * @default 0
   */
  generation?: number;
  /** @default no sample Pod */
  proof?: ProofArgs;
}

/**
 * A cluster whose Pods start from a pause image of its own: the image, then every node in order, then the proof.
 *
 * A node that fails has restored itself, and no further node is touched.
 *
 * Children: a {@link PauseImage} `<name>-image`, one {@link SandboxNode} `<name>-<node>` a node, and the
 * {@link LocalhostPod}s `<name>-proof` or `<name>-proof-<node>`.
 *
 * @throws InputPropertiesError naming every argument that is not allowed, before anything is created.
 */
export class PauseSandbox extends pulumi.ComponentResource {
  /** What the nodes are configured with: `host[:port]/repository:tag`. */
  public readonly reference: pulumi.Output<string>;
  /** Digest of the image, `sha256:…`; undefined for an existing image that gives none. */
  public readonly digest: pulumi.Output<string | undefined>;
  /** What each node said it found, changed and verified, by node name. */
  public readonly nodes: pulumi.Output<Record<string, NodeReport>>;
  /** `namespace/name` of each sample Pod, by node name, or under `""` with {@link ProofScope.One}. */
  public readonly pods: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: PauseSandboxArgs, opts?: pulumi.ComponentResourceOptions) {
    const plan = validate(name, args);
    super("pause-sandbox:index:PauseSandbox", name, {}, opts);

    const image = new PauseImage(`${name}-image`, args.image, { parent: this });
    const nodes = this.changeNodes(name, args, image, plan);
    const pods = this.prove(name, args, image, pick(nodes, plan.last));

    this.reference = image.reference;
    this.digest = image.digest;
    this.nodes = pulumi.output(
      Object.fromEntries(
        [...nodes].map(([node, { report }]): [string, pulumi.Output<NodeReport>] => [node.name, report]),
      ),
    );
    this.pods = pulumi.output(Object.fromEntries(pods));
    this.registerOutputs({ reference: this.reference, digest: this.digest, nodes: this.nodes, pods: this.pods });
  }

  private changeNodes(name: string, args: PauseSandboxArgs, image: PauseImage, plan: RolloutPlan<ClusterNode>) {
    const nodes = new Map<ClusterNode, SandboxNode>();
    const { trust, generation, kubeletFlag } = args;
    const wanted = { reference: image.reference, digest: image.digest, trust, generation, kubeletFlag };
    for (const { node, after } of plan.steps) {
      const settings = { connection: node.connection, nodeName: node.name, ...wanted };
      // What has changed meanwhile cannot reach a host that is gone, and must not stop the others from getting it.
      const gone = node.gone ? { retainOnDelete: true, ignoreChanges: ["connection", "stdin"] } : {};
      const options = { parent: this, dependsOn: pick(nodes, after), ...gone };
      nodes.set(node, new SandboxNode(`${name}-${node.name}`, settings, options));
    }
    return nodes;
  }

  private prove(
    name: string,
    args: PauseSandboxArgs,
    image: PauseImage,
    dependsOn: SandboxNode[],
  ): [string, pulumi.Output<string>][] {
    if (!args.proof) return [];
    const { scope = ProofScope.One, ...pod } = args.proof;
    // Whatever has the nodes changed, or looked at again, has them proven again.
    const { generation = 0 } = args;
    const proofOf = pulumi
      .all([image.reference, image.digest])
      .apply(([reference, digest]) => `${reference}@${digest ?? "any"}, generation ${generation}`);
    const proof = { ...pod, proofOf };
    const options = { parent: this, dependsOn };
    switch (scope) {
      case ProofScope.None:
        return [];
      case ProofScope.One:
        return [["", new LocalhostPod(`${name}-proof`, proof, options).podName]];
      case ProofScope.Every:
        // A Pod on a host that is gone would never be Ready.
        return args.nodes
          .filter(({ gone }) => !gone)
          .map((node) => [
            node.name,
            new LocalhostPod(`${name}-proof-${node.name}`, { ...proof, nodeName: node.name }, options).podName,
          ]);
    }
  }
}

function pick(nodes: Map<ClusterNode, SandboxNode>, wanted: readonly ClusterNode[]): SandboxNode[] {
  return wanted.flatMap((node) => nodes.get(node) ?? []);
}

function validate(name: string, args: PauseSandboxArgs): RolloutPlan<ClusterNode> {
  const problems = new Problems(`PauseSandbox "${name}"`);
  const checked = problems.isObject("", args, "image and nodes") ? check(problems, args) : undefined;
  problems.throwIfAny();
  return planRollout(args.nodes, checked ?? 1);
}

/** @returns How many nodes may be changed at a time, where nothing is wrong with that. */
function check(problems: Problems, args: PauseSandboxArgs): number | undefined {
  const { image, nodes, trust, proof, maxUnavailable = 1 } = args;
  checkPauseImage(problems, "image.", image);
  const count = checkNodes(problems, nodes);
  if (trust) checkTrust(problems, "trust", trust);
  if (proof) checkProof(problems, proof);
  checkNodeSettings(problems, args);
  return problems.attempt("maxUnavailable", () => windowSize(maxUnavailable, count));
}

/** Programs without types may give anything. @returns How many nodes there are. */
function checkNodes(problems: Problems, nodes: ClusterNode[]): number {
  const allowed = "a list of at least one node, each an object with name and connection";
  if (!Array.isArray(nodes)) {
    problems.addHidden("nodes", nodes, allowed);
    return 0;
  }
  if (nodes.length === 0) problems.add("nodes", nodes, allowed);
  const seen = new Set<string>();
  nodes.forEach((node, i) => {
    if (!problems.isObject(`nodes[${i}]`, node, "name and connection")) return;
    checkName(problems, `nodes[${i}].name`, node.name, seen);
    checkConnection(problems, `nodes[${i}].connection`, node.connection);
  });
  return nodes.length;
}

function checkName(problems: Problems, field: string, name: string, seen: Set<string>): void {
  // The expression takes `undefined` for a name.
  if (typeof (name as unknown) !== "string" || !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name)) {
    problems.add(field, name, "the name of a node as `kubectl get nodes` prints it");
  }
  if (seen.has(name)) problems.add(field, name, "the name of one node only");
  seen.add(name);
}

function checkProof(problems: Problems, proof: ProofArgs): void {
  if (!problems.isObject("proof", proof, "nginxImage and appImage")) return;
  checkLocalhostPod(problems, "proof.", proof);
  const scopes = Object.values(ProofScope);
  const scope = proof.scope;
  if (scope !== undefined && !scopes.includes(scope)) problems.add("proof.scope", scope, scopes.join(", "));
}
