/** The arguments of PauseSandbox, and their checks. */
import type * as pulumi from "@pulumi/pulumi";

import { type BootSetupOptions, checkBootOptions } from "./boot/bootSetup";
import type { ClusterNode, RolloutGroup } from "./clusterNode";
import { checkPauseImage, type PauseImageArgs, PauseImageSource } from "./image/pauseImage";
import { checkUnlessOutput, checkNoOutput, type Rule, TRUE_OR_FALSE } from "./inputs";
import { checkConnection } from "./node/connection";
import { checkCarriedOnly, checkNodeSettings } from "./node/nodeChecks";
import { isOutput, isWholeNumber, type Problems } from "./problems";
import { checkNoTrust, checkTrust, type RegistryTrust } from "./registry/trust";
import type { RolloutWindow } from "./rollout/plan";
import { GROUP, windowsOf } from "./rollout/windows";
import { checkLocalhostPod } from "./sample/localhostPod";

/** On which nodes the sample Pod proves the sandbox. */
export const ProofScope = {
  /** One Pod, wherever the scheduler puts it. With `soakSeconds`, also one on each canary. */
  One: "one",
  /** One Pod on every node. */
  Every: "every",
} as const;
/** A value of {@link ProofScope}. */
export type ProofScope = (typeof ProofScope)[keyof typeof ProofScope];

/** The sample Pod: nginx in front of an app on 127.0.0.1, in one sandbox. */
export interface ProofArgs {
  /** On which nodes it runs. Default: `one`. */
  scope?: ProofScope;
  /**
   * Names of RuntimeClasses of the cluster. Each gets one more Pod, wherever the scheduler puts it. Up to 20. Default: none, and the Pods use
   * each node's default handler.
   */
  runtimeClasses?: string[];
  /** An nginx image whose own command runs nginx in the foreground with /etc/nginx/nginx.conf. */
  nginxImage: pulumi.Input<string>;
  /** The image of an app that listens on 127.0.0.1 at `appPort`: it cannot be reached from outside the Pod. */
  appImage: pulumi.Input<string>;
  /** TCP port the app listens on, on 127.0.0.1. Default: 8888. */
  appPort?: pulumi.Input<number>;
  /** Namespace of the Pod. Default: `default`. */
  namespace?: pulumi.Input<string>;
  /** How long the Pod may take to become Ready, in seconds, from 1 to 86400. Default: 300. */
  readyTimeoutSeconds?: number;
}

/** When nodes are checked. */
export const Reconcile = {
  /** `pulumi up` runs on a node only if the node's settings changed. */
  OnChange: "on-change",
  /** Each `pulumi up` checks every node, and repairs changes by others. */
  EveryUp: "every-up",
} as const;
/** A value of {@link Reconcile}. */
export type Reconcile = (typeof Reconcile)[keyof typeof Reconcile];

/** The image, the nodes and the order of the rollout. */
export interface PauseSandboxArgs {
  /** The sandbox image for the nodes. */
  image: PauseImageArgs;
  /** The nodes to change, in the order to change them. At least one; names must differ. */
  nodes: ClusterNode[];
  /** How the nodes reach and trust the registry. Default: with their own trust store. */
  trust?: pulumi.Input<RegistryTrust>;
  /**
   * How many nodes may be changed at a time once the canaries are done. It is a number of nodes such as `"2"`, or a
   * percentage of all nodes such as `"10%"`, rounded down, but at least one. If more than 10 nodes of a group are behind
   * one bastion, a percentage is at most 10 nodes, because the bastion's sshd may drop further log-ins. Default: `"1"`.
   */
  maxUnavailable?: string;
  /**
   * The groups of nodes in the order to change them, once all canaries are done. Groups that are not named here follow, in the order
   * of their first nodes. Default: none named.
   */
  groups?: RolloutGroup[];
  /**
   * Set the kubelets' `--pod-infra-container-image` too, below 1.35. Up to 1.28 it keeps the image from garbage
   * collection. From 1.29 on it has no effect. A kubelet from 1.35 on does not start with it. False removes it
   * from every node. Default: true.
   */
  kubeletFlag?: pulumi.Input<boolean>;
  /**
   * Import a carried image again where it is deleted from a node: a unit does so before the kubelet starts, and a timer at most
   * 5 minutes after the deletion. k3s and RKE2 import it at their start. Only with image source `carried`. Default: true.
   */
  selfHeal?: pulumi.Input<boolean>;
  /**
   * If the number changes, the next `pulumi up` checks every node again. A whole number from 0. Default: 0.
   */
  recheck?: pulumi.Input<number>;
  /**
   * When nodes are checked. With `every-up` each run logs in to every node, and each preview says that every node is checked
   * again. Default: `on-change`.
   */
  reconcile?: pulumi.Input<Reconcile>;
  /**
   * Change no node, and report the changes that a real run would make. The image is still pushed. There are no sample Pods
   * meanwhile. A node that is removed from the list is still restored. Default: false.
   */
  dryRun?: boolean;
  /**
   * Seconds to wait between the last changed canary and the other nodes, a whole number from 0 to 86400. Pods on the canaries that are
   * Ready at its start must stay Ready, and their containers must not restart. Otherwise the rollout stops. This check needs
   * `kubeconfig`; without it, the rollout only waits. With `proof`, a sample Pod on each canary must be Ready first: a new one
   * after another image or `recheck`. A run that changes no canary does not wait. After a stop, each run waits again until the canaries have passed. Default: 0.
   */
  soakSeconds?: pulumi.Input<number>;
  /**
   * Content of a kubeconfig, or the path of one. It is used for the Pods during `soakSeconds`, and to find out
   * whether the Node object of an unreachable node still exists. Default: none.
   */
  kubeconfig?: pulumi.Input<string>;
  /** Context of the kubeconfig. Default: its current one. */
  kubeContext?: pulumi.Input<string>;
  /** The sample Pod. Default: none. */
  proof?: ProofArgs;
  /**
   * Adds the output `bootSetup`: payloads with the same image and trust, for machines that do not exist yet. An empty object
   * is enough. Default: none.
   */
  bootSetup?: pulumi.Input<BootSetupOptions>;
}

/** @returns The groups in their order, and how many nodes of each may be changed at a time. */
export function checkPauseSandbox(problems: Problems, args: PauseSandboxArgs): RolloutWindow[] | undefined {
  const { image, nodes, trust, proof, bootSetup } = args;
  checkPauseImage(problems, "image.", image);
  checkNodes(problems, nodes);
  if (trust !== undefined) checkTrust(problems, "trust", trust);
  const carried = (image as PauseImageArgs | undefined)?.source === PauseImageSource.Carried;
  if (trust !== undefined && carried) checkNoTrust(problems, "trust", trust);
  if (proof !== undefined) checkProof(problems, proof);
  if (bootSetup !== undefined) checkBootSetup(problems, bootSetup);
  checkNodeSettings(problems, { kubeletFlag: args.kubeletFlag, selfHeal: args.selfHeal, recheck: args.recheck });
  checkCarriedOnly(problems, args.selfHeal, carried);
  checkNoOutput(problems, "dryRun", args.dryRun, TRUE_OR_FALSE);
  checkUnlessOutput(problems, "reconcile", args.reconcile, RECONCILE);
  checkUnlessOutput(problems, "soakSeconds", args.soakSeconds, SECONDS);
  checkUnlessOutput(problems, "kubeconfig", args.kubeconfig, KUBECONFIG);
  checkUnlessOutput(problems, "kubeContext", args.kubeContext, KUBE_CONTEXT);
  return windowsOf(problems, args);
}

export const SECONDS: Rule = {
  allows: (value) => isWholeNumber(value, 0, 86_400),
  allowed: "a whole number of seconds from 0 to 86400",
};
const KUBECONFIG: Rule = {
  allows: (value) => typeof value === "string" && value.trim() !== "",
  allowed: "the content of a kubeconfig, or the path of one",
  // It may hold a token.
  hidden: true,
};
const KUBE_CONTEXT: Rule = {
  allows: (value) => typeof value === "string" && value !== "",
  allowed: "the name of a context of the kubeconfig",
};
export const RECONCILE: Rule = {
  allows: (value) => Object.values(Reconcile).includes(value as Reconcile),
  allowed: Object.values(Reconcile).join(" or "),
};

function checkBootSetup(problems: Problems, bootSetup: pulumi.Input<BootSetupOptions>): void {
  if (isOutput(bootSetup) || !problems.isObject("bootSetup", bootSetup, "programUrl, or none")) return;
  checkBootOptions(problems, "bootSetup.", bootSetup as BootSetupOptions);
}

/** Programs without types may give anything. */
function checkNodes(problems: Problems, nodes: ClusterNode[]): void {
  const allowed = "a list of at least one node, each an object with name and connection";
  if (!Array.isArray(nodes)) {
    problems.addHidden("nodes", nodes, allowed);
    return;
  }
  if (nodes.length === 0) problems.add("nodes", nodes, allowed);
  const seen = new Set<string>();
  nodes.forEach((node, i) => {
    if (!problems.isObject(`nodes[${i}]`, node, "name and connection")) return;
    checkName(problems, `nodes[${i}].name`, node.name, seen);
    checkNoOutput(problems, `nodes[${i}].canary`, node.canary, TRUE_OR_FALSE);
    checkNoOutput(problems, `nodes[${i}].gone`, node.gone, TRUE_OR_FALSE);
    checkNoOutput(problems, `nodes[${i}].group`, node.group, GROUP);
    checkNoOutput(problems, `nodes[${i}].restoreOnRemoval`, node.restoreOnRemoval, TRUE_OR_FALSE);
    checkNoOutput(problems, `nodes[${i}].sftp`, node.sftp, TRUE_OR_FALSE);
    checkConnection(problems, `nodes[${i}].connection`, node.connection);
  });
}

/** A DNS subdomain, as Kubernetes has for the names of nodes and RuntimeClasses. */
const OBJECT_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

function checkName(problems: Problems, field: string, name: string, seen: Set<string>): void {
  // The expression takes `undefined` for a name.
  if (typeof (name as unknown) !== "string" || !OBJECT_NAME.test(name)) {
    problems.add(field, name, "the name of a node as `kubectl get nodes` prints it");
  }
  if (seen.has(name)) problems.add(field, name, "a name that no other node has");
  seen.add(name);
}

function checkProof(problems: Problems, proof: ProofArgs): void {
  if (!problems.isObject("proof", proof, "nginxImage and appImage")) return;
  checkLocalhostPod(problems, "proof.", proof);
  const scopes = Object.values(ProofScope);
  const scope = proof.scope;
  if (scope !== undefined && !scopes.includes(scope)) problems.add("proof.scope", scope, scopes.join(", "));
  checkRuntimeClasses(problems, proof.runtimeClasses ?? []);
}

function checkRuntimeClasses(problems: Problems, classes: readonly unknown[]): void {
  const field = "proof.runtimeClasses";
  if (!Array.isArray(classes) || classes.length > 20) {
    problems.add(field, classes, "a list of at most 20 names of RuntimeClasses");
    return;
  }
  for (const [index, name] of classes.entries()) {
    if (typeof name !== "string" || !OBJECT_NAME.test(name) || classes.indexOf(name) < index) {
      problems.add(
        `${field}[${index}]`,
        name,
        "the name of a RuntimeClass as `kubectl get runtimeclasses` prints it, once",
      );
    }
  }
}
