/** The sample Pods of a PauseSandbox. */
import * as pulumi from "@pulumi/pulumi";

import { LocalhostPod, type LocalhostPodArgs } from "./localhostPod";

type DependsOn = pulumi.CustomResourceOptions["dependsOn"];

/** Sample Pods on nodes, one per node. A Pod that was made for a canary is also that node's Pod at the end. */
export class ProofPods {
  private readonly onNodes = new Map<string, LocalhostPod>();

  /** @param name Name of the component; the Pods are called `<name>-proof`, `<name>-proof-<node>` and `<name>-class-<RuntimeClass>`. */
  constructor(
    private readonly name: string,
    private readonly args: Omit<LocalhostPodArgs, "nodeName" | "runtimeClassName">,
    private readonly parent: pulumi.Resource,
  ) {}

  /**
   * The Pod on a node.
   * @param settings What it proves too: with another text it is recreated.
   */
  on(node: string, dependsOn: DependsOn, settings?: pulumi.Input<string>): LocalhostPod {
    const made = this.onNodes.get(node);
    if (made !== undefined) return made;
    const options = { parent: this.parent, dependsOn };
    const { proofOf } = this.args;
    const args = {
      ...this.args,
      nodeName: node,
      proofOf: settings ? pulumi.interpolate`${proofOf}, ${settings}` : proofOf,
    };
    const pod = new LocalhostPod(`${this.name}-proof-${node}`, args, options);
    this.onNodes.set(node, pod);
    return pod;
  }

  /** The Pods that were made on these nodes, in their order, and another one that the scheduler places. */
  andOneMore(nodes: readonly string[], dependsOn: DependsOn): LocalhostPod[] {
    const made = nodes.flatMap((node) => this.onNodes.get(node) ?? []);
    return [...made, new LocalhostPod(`${this.name}-proof`, this.args, { parent: this.parent, dependsOn })];
  }

  /** A Pod of a RuntimeClass, wherever the scheduler puts it. */
  ofClass(runtimeClassName: string, dependsOn: DependsOn): LocalhostPod {
    const options = { parent: this.parent, dependsOn };
    return new LocalhostPod(`${this.name}-class-${runtimeClassName}`, { ...this.args, runtimeClassName }, options);
  }
}
