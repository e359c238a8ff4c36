import * as pulumi from "@pulumi/pulumi";

import { bootOptionsOf, bootPayloads, type BootPayloads } from "./boot/bootSetup";
import type { ClusterNode } from "./clusterNode";
import { parallelOperations, withoutStacks } from "./engine";
import { referenceOf } from "./image/carriedImage";
import { PauseImage, PauseImageSource } from "./image/pauseImage";
import { checked, checkedInput, checkUnlessOutput, known, whenKnown } from "./inputs";
import type { NodeReport } from "./node/nodeScript";
import { askedHash, publicHash, SandboxNode } from "./node/sandboxNode";
import {
  checkPauseSandbox,
  type PauseSandboxArgs,
  ProofScope,
  Reconcile,
  RECONCILE,
  SECONDS,
} from "./pauseSandboxArgs";
import { Problems } from "./problems";
import { planRollout, type RolloutPlan, type RolloutWindow } from "./rollout/plan";
import { Rollout, type RolloutOptions } from "./rollout/rollout";
import { warningsOf } from "./rollout/windows";
import { ProofPods } from "./sample/proofPods";
import * as log from "./log";
import { weakenedBy } from "./weakened";

/**
 * A cluster whose Pods start from a pause image of its own. First comes the image, then every node in order, then the
 * proof. With `soakSeconds`, each canary is proven before the other nodes.
 *
 * A node that fails undoes its own changes, and no further node is touched.
 *
 * Children: a PauseImage `<name>-image`, one SandboxNode `<name>-<node>` per node with its script, and the LocalhostPods `<name>-proof`,
 * `<name>-proof-<node>` and `<name>-class-<RuntimeClass>`.
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
  /** `namespace/name` of each sample Pod, in the order of the nodes. */
  public readonly pods: pulumi.Output<string[]>;
  /**
   * The payload that heals a machine before its kubelet's first start, in each form that platforms take. Undefined without the
   * argument `bootSetup`.
   */
  public readonly bootSetup: pulumi.Output<BootPayloads | undefined>;

  constructor(name: string, args: PauseSandboxArgs, opts?: pulumi.ComponentResourceOptions) {
    const plan = validate(name, args);
    super("pause-sandbox:index:PauseSandbox", name, {}, opts);
    for (const warning of warningsOf(plan, plan.windows, parallelOperations())) void log.warn(warning, this);
    weakenedBy(args.nodes, args.trust, referenceOf(args.image)).apply((warnings) => {
      for (const warning of warnings) void log.warn(warning, this);
    });

    const image = new PauseImage(`${name}-image`, args.image, { parent: this });
    const proofs = this.proofs(name, args, image);
    const { nodes, rollout } = this.changeNodes(name, args, image, plan, proofs);
    const pods = proofs === undefined ? [] : prove(args, proofs, pick(nodes, plan.last));

    this.reference = image.reference;
    this.digest = image.digest;
    const reports = [...nodes].map(([node, { report }]): [string, pulumi.Output<NodeReport>] => [node.name, report]);
    // If the digest is refused, no node ever reports.
    const released = nothingOnce(image.digest);
    this.nodes = pulumi.all([pulumi.output(Object.fromEntries(reports)), released]).apply(([all]) => looked(all));
    leftOutOf.set(
      this,
      this.nodes.apply(() => rollout.leftOut),
    );
    this.pods = pulumi.output(pods);
    this.bootSetup = this.payloads(name, args, image);
    const { reference, digest, bootSetup } = this;
    this.registerOutputs({ reference, digest, nodes: this.nodes, pods: this.pods, bootSetup });
  }

  private payloads(
    name: string,
    { bootSetup, trust, kubeletFlag, selfHeal }: PauseSandboxArgs,
    { archive }: PauseImage,
  ) {
    if (bootSetup === undefined) return pulumi.output<BootPayloads | undefined>(undefined);
    const { reference, digest } = this;
    return bootPayloads(`PauseSandbox "${name}"`, {
      reference,
      digest,
      archive,
      trust,
      kubeletFlag,
      selfHeal,
      ...bootOptionsOf(bootSetup),
    });
  }

  private changeNodes(
    name: string,
    args: PauseSandboxArgs,
    image: PauseImage,
    plan: RolloutPlan<ClusterNode>,
    proofs?: ProofPods,
  ) {
    const nodes = new Map<ClusterNode, SandboxNode>();
    const counted = new Map<ClusterNode, pulumi.Input<pulumi.Resource>>();
    const resource = (node: ClusterNode): string => `${name}-${node.name}`;
    const places = plan.steps.map(({ node }) => {
      return [
        resource(node),
        { name: node.name, canary: plan.canaries.includes(node), gone: node.gone === true },
      ] as const;
    });
    const rollout = new Rollout(name, this, new Map(places), this.soak(name, args));
    const { trust, kubeletFlag, selfHeal, dryRun } = args;
    // A number that no run had before. The sample Pods do not get it: they prove an image, not a check.
    const now = Date.now();
    const recheck = whenKnown({ reconcile: args.reconcile, count: args.recheck }, ({ reconcile, count }) => {
      checked(`PauseSandbox "${name}"`, reconcile, (problems) => {
        checkUnlessOutput(problems, "reconcile", reconcile, RECONCILE);
      });
      return reconcile === Reconcile.EveryUp ? now : (count ?? 0);
    });
    const { reference, digest } = image;
    // An Output for each node costs as much as the node itself.
    const archive = args.image.source === PauseImageSource.Carried ? image.archive : undefined;
    const wanted = { reference, digest, archive, trust, recheck, kubeletFlag, selfHeal, dryRun };
    // The digest is known when the image is verified. Before that, not even the script goes to a node.
    const verified = image.digest.apply(() => image);
    // Each node waits for it, though it does not depend on it. Behind a node that waits for a refused digest, a program does not end.
    const first = nothingOnce(image.digest);
    const again = withoutStacks();
    const canaries = plan.canaries.filter(({ gone }) => gone !== true);
    let soaked: pulumi.Resource | undefined;
    try {
      for (const { node, after } of plan.steps) {
        if (soaks(args) && !plan.canaries.includes(node)) {
          soaked ??= soakOf(name, pick(nodes, canaries), {
            parent: this,
            dependsOn: [
              ...plan.canaries.flatMap((one) => counted.get(one) ?? []),
              // Pods keep their old sandboxes, so only a new Pod shows that the canary can start one.
              ...canaries.flatMap((one) => proofs?.on(one.name, counted.get(one), settingsOf(nodes.get(one))) ?? []),
            ],
            ...rollout.soakOptions(),
          });
        }
        const { connection, name: nodeName, gone, sftp } = node;
        const settings = { connection, nodeName, gone, sftp, ...wanted };
        const left = node.restoreOnRemoval === false ? { retainOnDelete: true } : {};
        const behindCanary = after.some((one) => plan.canaries.includes(one));
        const before = soaked !== undefined && behindCanary ? [soaked] : after.flatMap((one) => counted.get(one) ?? []);
        const dependsOn = [first, ...(before.length > 0 ? before : [verified])];
        const options = { parent: this, dependsOn, ...left, ...rollout.options() };
        const changed = new SandboxNode(resource(node), settings, options);
        counted.set(node, rollout.counts(resource(node), changed));
        nodes.set(node, changed);
      }
    } finally {
      again();
    }
    return { nodes, rollout };
  }

  private soak(name: string, { soakSeconds = 0, kubeconfig, kubeContext }: PauseSandboxArgs): RolloutOptions {
    const seconds = checkedInput(`PauseSandbox "${name}"`, "soakSeconds", soakSeconds, SECONDS);
    if (kubeconfig !== undefined) return { soakSeconds: seconds, access: { kubeconfig, kubeContext } };
    void whenKnown(seconds, (known) => {
      if (known > 0) void log.warn(ONLY_A_WAIT, this);
    });
    return { soakSeconds: seconds };
  }

  /** The sample Pods; undefined where none are asked for. */
  private proofs(name: string, args: PauseSandboxArgs, image: PauseImage): ProofPods | undefined {
    // On a node that is not healed, the Pod would never be Ready.
    if (!args.proof || args.dryRun) return undefined;
    const { nginxImage, appImage, appPort, namespace, readyTimeoutSeconds } = args.proof;
    // Another image or a new check of the nodes repeats the proof. Other settings of the nodes do so only on canaries before a soak.
    const proofOf = pulumi
      .all([image.reference, image.digest, args.recheck])
      .apply(([reference, digest, recheck]) => `${reference}@${digest ?? "any"}, recheck ${recheck ?? 0}`);
    return new ProofPods(name, { nginxImage, appImage, appPort, namespace, readyTimeoutSeconds, proofOf }, this);
  }
}

/** Makes the Pods behind the last nodes. */
function prove({ proof, nodes }: PauseSandboxArgs, proofs: ProofPods, last: SandboxNode[]): pulumi.Output<string>[] {
  // A Pod on a host that is gone would never be Ready.
  const names = nodes.filter(({ gone }) => !gone).map(({ name }) => name);
  const every = proof?.scope === ProofScope.Every;
  const pods = every ? names.map((node) => proofs.on(node, last)) : proofs.andOneMore(names, last);
  const ofClasses = (proof?.runtimeClasses ?? []).map((one) => proofs.ofClass(one, last));
  return [...pods, ...ofClasses].map(({ podName }) => podName);
}

const leftOutOf = new WeakMap<PauseSandbox, pulumi.Output<readonly string[]>>();

/** The nodes that `--target` or `--exclude` leaves out although their settings changed: their reports are of an earlier run. */
export const leftOutBy = (sandbox: PauseSandbox): pulumi.Output<readonly string[]> =>
  leftOutOf.get(sandbox) ?? pulumi.output([]);

function pick(nodes: Map<ClusterNode, SandboxNode>, wanted: readonly ClusterNode[]): SandboxNode[] {
  return wanted.flatMap((node) => nodes.get(node) ?? []);
}

/** Of the settings of a canary: a Pod that a run with others has made is no proof of these. */
const settingsOf = (canary?: SandboxNode): pulumi.Input<string> | undefined => canary && publicHash(canary);

/** The state has this resource after the canaries have passed. It stores only a hash of their settings. */
const soakOf = (name: string, canaries: readonly SandboxNode[], options: pulumi.CustomResourceOptions) =>
  new pulumi.Stash(`${name}-soak`, { input: askedHash(canaries) }, options);

/** Whether canaries soak, as far as it is known. */
const soaks = ({ soakSeconds }: PauseSandboxArgs): boolean => soakSeconds !== undefined && soakSeconds !== 0;

/** The nodes that reported: `--target` may leave out some that no run has created. */
const looked = (all: Record<string, NodeReport | undefined>): Record<string, NodeReport> =>
  Object.fromEntries(Object.entries(all).flatMap(([name, report]) => (report === undefined ? [] : [[name, report]])));

/** Nothing, once the value is known: so it is neither a secret nor a dependency. It fails as the value does. */
const nothingOnce = (value: pulumi.Output<unknown>): Promise<never> =>
  known(value).then((): pulumi.Resource[] => []) as Promise<never>;

const ONLY_A_WAIT =
  "soakSeconds without a kubeconfig is only a wait: nobody looks at the Pods on the canaries. Set kubeconfig to have that done.";

interface Plan extends RolloutPlan<ClusterNode> {
  readonly windows: readonly RolloutWindow[];
}

function validate(name: string, args: PauseSandboxArgs): Plan {
  const problems = new Problems(`PauseSandbox "${name}"`);
  const windows = (problems.isObject("", args, "image and nodes") && checkPauseSandbox(problems, args)) || [];
  problems.throwIfAny();
  return { ...planRollout(args.nodes, windows), windows };
}
