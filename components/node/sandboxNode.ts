import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { createHash } from "node:crypto";

import { checkConnection, connectionInputs, loginOf, type SshConnection, userOf } from "./connection";
import { checkCarriedDigest, checkCarriedOnly, checkedSettings, checkNodeSettings, NODE_NAME } from "./nodeChecks";
import { commandLine, type Delivery, type Verb } from "./nodeCommand";
import { type Brought, nodeFile, remoteName } from "./nodeFile";
import { type NodeReport, reportOf } from "./nodeScript";
import { comparedStdin, publicSettings, type Setting, stdinSettings, settingLines } from "./nodeSettings";
import { explained } from "./whatChanges";
import {
  checked,
  checkedInput,
  checkUnlessOutput,
  checkNoOutput,
  isKnown,
  isMissing,
  TRUE_OR_FALSE,
  whenKnown,
} from "../inputs";
import { archiveIn, type PackedArchive, packedIn } from "../archive/archiveFile";
import { isOutput, Problems } from "../problems";
import { checkDigest, checkReferenceAndDigest } from "../registry/reference";
import {
  checkKnownTrust,
  checkNoTrust,
  checkPullLogin,
  checkTrust,
  type RegistryTrust,
  secretLogin,
  trustOf,
} from "../registry/trust";

/** One node and its settings. */
export interface SandboxNodeArgs {
  /** How to log in to the node. */
  connection: pulumi.Input<SshConnection>;
  /** The sandbox image for the node: `host[:port]/repository:tag`. */
  reference: pulumi.Input<string>;
  /** Digest the image must have on the node, `sha256:…`. Default: that of `archive`, else no check. */
  digest?: pulumi.Input<string | undefined>;
  /**
   * The file with the image, relative to the program: the output `archive` of PauseImage, an OCI archive or a `docker save`. It is
   * carried to the node with the script, and the node asks no registry. CRI-O needs skopeo on the node. Default: the image is pulled.
   */
  archive?: pulumi.Input<string | undefined>;
  /** Name of the node in messages. Default: the name of the resource. */
  nodeName?: pulumi.Input<string>;
  /** How the node reaches and trusts the registry. Default: its own trust store and no mirror. */
  trust?: pulumi.Input<RegistryTrust>;
  /**
   * Set the kubelet's `--pod-infra-container-image` too, below 1.35. Up to 1.28 it keeps the image from garbage
   * collection. From 1.29 on it has no effect. A kubelet from 1.35 on does not start with it. False removes it:
   * before an upgrade to 1.35, or for good on kubelets from 1.29 on. Default: true.
   */
  kubeletFlag?: pulumi.Input<boolean>;
  /**
   * Import a carried image again where it is deleted: a unit does so before the kubelet starts, and a timer at most 5 minutes after
   * the deletion. k3s and RKE2 import it at their start. Only with `archive`. Default: true.
   */
  selfHeal?: pulumi.Input<boolean>;
  /**
   * If the number changes, the next `pulumi up` checks the node again. Pulumi does not see changes on the node, such as an
   * upgraded kubelet, an edited file or a deleted image. A node that is as wanted is not changed. A whole number from 0. Default: 0.
   */
  recheck?: pulumi.Input<number>;
  /**
   * Change nothing on the node, and report what would change. The status is then `would-change` or `unchanged`, and a
   * diff is printed. Changes of earlier runs stay. Default: false.
   */
  dryRun?: pulumi.Input<boolean>;
  /**
   * Copy the script to the host by sftp. If false, each command contains the script, and the state has it four times: some
   * 230 kB per node. Default: true.
   */
  sftp?: boolean;
  /**
   * The host no longer exists. Pulumi does not connect to it, and removing the resource restores nothing. Default: false.
   */
  gone?: boolean;
}

/**
 * One node whose container runtime and kubelet use the given sandbox image.
 *
 * The node is one `remote.Command`: one transaction that undoes all its changes if a step fails. Its command line and its stdin
 * hold only settings. The script itself is a file, a `remote.CopyToRemote` called `<name>-script`. It is copied again when the
 * script's version or the certificates change. Removing the resource restores the node's files.
 *
 * @throws InputPropertiesError naming every argument that is not allowed, before anything is created.
 */
export class SandboxNode extends command.remote.Command {
  /** The report of the node: what it found, changed and verified. */
  public readonly report: pulumi.Output<NodeReport>;

  constructor(name: string, args: SandboxNodeArgs, opts: pulumi.CustomResourceOptions = {}) {
    const problems = new Problems(`SandboxNode "${name}"`);
    checkArgs(problems, args);
    problems.throwIfAny();
    const connection = connectionInputs(args.connection);
    const copies = args.sftp !== false;
    const file = copies && args.gone !== true ? scriptOn(name, args, connection, opts) : undefined;
    // Never `triggers`: they replace the resource, which restores the node first. Without `update`, the plugin runs `create`.
    const asked = { create: applyCommand(name, args, copies), stdin: stdinOf(name, args) };
    super(
      name,
      {
        connection,
        ...asked,
        delete: restoreCommand(name, args, copies),
        // Otherwise every update gets the last report in its environment, and sshd would have to accept that variable.
        addPreviousOutputInEnv: false,
        // The report is data for the program; the lines for people are the ones to show while a node is worked on.
        logging: command.types.enums.remote.Logging.Stderr,
      },
      explained(
        {
          ...opts,
          ...optionsOfGone(args),
          // Otherwise the old `delete` runs last, and restores the node that the new `create` has just changed.
          deleteBeforeReplace: true,
          // A dry run prints lines of other people's files. No rule finds every secret in them.
          additionalSecretOutputs: [...(opts.additionalSecretOutputs ?? []), "stderr"],
          dependsOn: dependencies(opts.dependsOn, file),
        },
        goneNode(name, args),
      ),
    );
    askedOf.set(this, asked);
    this.report = stdoutOf(this).apply((stdout) =>
      stdout === undefined ? (undefined as unknown as NodeReport) : reportOf(`SandboxNode "${name}"`, stdout),
    );
  }
}

/** The settings of a node in this run. */
interface AskedNow {
  readonly create: pulumi.Input<string>;
  readonly stdin: pulumi.Input<string>;
}
const askedOf = new WeakMap<SandboxNode, AskedNow>();

/** Hashes of the settings that nodes are compared by. */
export interface Asked {
  /** Of their settings. */
  readonly settings: string;
  /** Of their settings and the number of `recheck`, which `reconcile` raises in each run. */
  readonly run: string;
}

/** A secret login makes both secret. */
export function askedHash(nodes: readonly SandboxNode[]): pulumi.Input<Asked> {
  const asked = nodes.map((node) => askedOf.get(node));
  return whenKnown(asked, (known) => askedIn(known));
}

/** The same of the inputs of nodes' commands. */
export function askedIn(inputs: readonly ({ create?: string; stdin?: string } | undefined)[]): Asked {
  const compared = inputs.map(({ create = "", stdin = "" } = {}) => ({ create, stdin: comparedStdin(stdin) }));
  const hash = (of: unknown): string => hashOf(JSON.stringify(of));
  const once = compared.map((one) => ({ ...one, create: withoutRecheck(one.create) }));
  return { settings: hash(once), run: hash(compared) };
}

/** A hash of the settings that every user of the node may read: all but login and digest. */
export const publicHash = (node: SandboxNode): pulumi.Input<string> =>
  whenKnown(askedOf.get(node)?.create ?? "", (create) => hashOf(withoutRecheck(create)));

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const withoutRecheck = (create: string): string => create.replace(/ recheck=\d+$/, "");

/**
 * The output of the node's command; undefined where `--target` leaves out a node that was never created. The engine then returns only the node's
 * inputs, and newer SDKs take the rest for unknown. An output that is unknown because something failed stays so.
 */
export function stdoutOf(node: SandboxNode): pulumi.Output<string | undefined> {
  const left = Promise.all([isMissing(node.stdout), isKnown(node.create)]).then(
    ([missing, asked]) => missing && asked && !pulumi.runtime.isDryRun(),
  );
  return pulumi.output(left).apply((isLeft) => (isLeft ? pulumi.output(undefined) : node.stdout));
}

/** True if the state has the node's present settings. With `pulumi up --target`, it lacks those of other nodes. */
export function looked(node: SandboxNode): pulumi.Output<boolean> {
  const { create, stdin } = askedOf.get(node) ?? {};
  const same = pulumi
    .all([stdoutOf(node), node.create, node.stdin, create, stdin])
    .apply(([stdout, had, hadStdin, now, nowStdin]) => {
      return stdout !== undefined && had === now && (hadStdin ?? "") === (nowStdin ?? "");
    });
  return pulumi.unsecret(same);
}

type Connection = command.types.input.remote.ConnectionArgs;

/** The script as a file on the node. It waits like the node, so that not all nodes are logged in to at once. */
function scriptOn(
  name: string,
  args: SandboxNodeArgs,
  connection: Connection,
  { parent, provider, dependsOn, hooks }: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const { ca } = trustOf(args.trust);
  const file = whenKnown({ ca, archive: args.archive, dryRun: args.dryRun }, (known) =>
    nodeFile({
      ca: checkedCa(name, known.ca),
      archive: packedOf(name, known.archive)?.packed,
      dryRun: known.dryRun === true,
    }),
  );
  return new command.remote.CopyToRemote(
    `${name}-script`,
    {
      connection,
      source: whenKnown(file, ({ local }) => new pulumi.asset.FileAsset(local)),
      remotePath: whenKnown({ file, login: loginOf(args.connection) }, ({ file: { sum }, login }) =>
        remoteName({ owner: ownerOf(name), login }, sum),
      ),
    },
    // A failure here stops the rollout, and no script is copied to a node that is not begun. A running copy is not a change.
    { parent, provider, dependsOn, ...(hooks?.onError ? { hooks: onlyBefore(hooks) } : {}) },
  );
}

const onlyBefore = ({
  beforeCreate,
  beforeUpdate,
  onError,
}: pulumi.ResourceHookBinding): pulumi.ResourceHookBinding => ({
  ...{ beforeCreate, beforeUpdate, onError },
});

/** The inputs that reach a host, and that a gone host cannot get. */
const ASKED_OF_THE_HOST = ["connection", "stdin", "create", "update", "delete"];

/** The name of a node whose host is gone. */
const goneNode = (name: string, { gone, nodeName }: SandboxNodeArgs): string | undefined => {
  if (gone !== true) return undefined;
  return typeof nodeName === "string" ? nodeName : name;
};

/** A host that is gone takes no changes, and must not hold up other nodes. */
function optionsOfGone({ gone }: SandboxNodeArgs): pulumi.CustomResourceOptions {
  return gone === true ? { retainOnDelete: true, ignoreChanges: ASKED_OF_THE_HOST } : {};
}

type DependsOn = pulumi.CustomResourceOptions["dependsOn"];

function dependencies(others: DependsOn, file: pulumi.Resource | undefined): DependsOn {
  if (file === undefined || others === undefined) return file ?? others;
  if (Array.isArray(others)) return [...others, file];
  const known = pulumi.output(others as pulumi.Input<unknown>) as pulumi.Output<unknown>;
  return known.apply((resources) => [resources, file].flat()) as DependsOn;
}

function checkArgs(problems: Problems, args: SandboxNodeArgs): void {
  if (!problems.isObject("", args, "connection and reference")) return;
  const { reference, digest, nodeName, trust, connection, archive } = args;
  checkReferenceAndDigest(problems, "", { reference, digest });
  checkUnlessOutput(problems, "nodeName", nodeName, NODE_NAME);
  checkConnection(problems, "connection", connection);
  if (trust !== undefined) checkTrust(problems, "trust", trust);
  checkCarriedOnly(problems, args.selfHeal, archive !== undefined);
  if (archive !== undefined && !isOutput(archive)) {
    const image = problems.attempt("archive", () => archiveIn(archive as string));
    if (typeof digest === "string") checkCarriedDigest(problems, digest, image?.digest);
    if (trust !== undefined) checkNoTrust(problems, "trust", trust);
  }
  checkNodeSettings(problems, args);
  checkNoOutput(problems, "sftp", args.sftp, TRUE_OR_FALSE);
  checkNoOutput(problems, "gone", args.gone, TRUE_OR_FALSE);
}

/**
 * A renamed or moved resource is created before the old one is removed. The owner tells the node that it no longer belongs to the
 * old resource.
 */
const ownerOf = (name: string): string => `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;

/** The text of a preview. It has no digest, which is known last, and no secret. */
function applyCommand(name: string, args: SandboxNodeArgs, copies: boolean): pulumi.Input<string> {
  const { ca, mirrors, plainHttp } = trustOf(args.trust);
  const { connection, reference, kubeletFlag, selfHeal, nodeName, recheck, archive } = args;
  // A wrong value is refused: the user may want a dry run.
  const dryRun = checkedInput(`SandboxNode "${name}"`, "dryRun", args.dryRun, TRUE_OR_FALSE);
  const log = { user: userOf(connection), login: loginOf(connection) };
  const asked = {
    reference,
    kubeletFlag,
    selfHeal,
    nodeName,
    recheck,
    dryRun,
    ca,
    mirrors,
    plainHttp,
    archive,
    ...log,
  };
  return whenKnown(asked, ({ reference: image, nodeName: node = name, user, login, recheck: count = 0, ...given }) => {
    const now = { ...given, archive: packedOf(name, given.archive)?.packed };
    const settings = { node, owner: ownerOf(name), image, ...now };
    checkedSettings(settings, { recheck: count, subject: `SandboxNode "${name}"` });
    const verb: Verb = now.dryRun === true ? "plan" : "apply";
    // The node ignores the number. It only changes this line, so that the command runs.
    const again: Setting[] = count === 0 ? [] : [["recheck", String(count)]];
    return commandLine(
      verb,
      [...publicSettings(settings), ...again],
      delivery(name, { copies, user, login, ca: now.ca, archive: now.archive, dryRun: verb === "plan" }),
    );
  });
}

function restoreCommand(name: string, args: SandboxNodeArgs, copies: boolean): pulumi.Input<string> {
  const { ca } = trustOf(args.trust);
  const { connection, nodeName, archive, dryRun } = args;
  const asked = { ca, archive, dryRun, nodeName, user: userOf(connection), login: loginOf(connection) };
  return whenKnown(asked, ({ ca: known, archive: file, dryRun: looks, nodeName: node = name, user, login }) => {
    const settings: Setting[] = [
      ["node", node],
      ["owner", ownerOf(name)],
    ];
    // With a file, it is the one that `create` names. Without one, a command that restores needs no image and no `plan`.
    const more = copies ? { archive: packedOf(name, file)?.packed, dryRun: looks === true } : {};
    return commandLine("restore", settings, delivery(name, { copies, user, login, ca: known, ...more }));
  });
}

/** How one node gets the script: known values. */
interface Delivered extends Brought {
  readonly copies: boolean;
  readonly user: string;
  readonly login: readonly string[];
}

const delivery = (name: string, { copies, user, login, ...brought }: Delivered): Delivery => ({
  ...{ user, ...brought },
  file: copies ? remoteName({ owner: ownerOf(name), login }, nodeFile(brought).sum) : undefined,
});

function stdinOf(name: string, { digest, trust, archive }: SandboxNodeArgs): pulumi.Input<string> {
  const login = secretLogin(trustOf(trust).login);
  return whenKnown({ digest, login, archive }, (known) => {
    const carried = packedOf(name, known.archive)?.digest;
    checked(`SandboxNode "${name}"`, known, (problems) => {
      problems.attempt("digest", () => {
        if (known.digest !== undefined) checkDigest(known.digest);
      });
      checkCarriedDigest(problems, known.digest, carried);
      if (known.login) checkPullLogin(problems, "trust.login", known.login);
      if (carried !== undefined) checkNoTrust(problems, "trust", { login: known.login });
    });
    return settingLines(stdinSettings({ digest: known.digest ?? carried, login: known.login }));
  });
}

const packedOf = (name: string, file: string | undefined): PackedArchive | undefined =>
  packedIn(`SandboxNode "${name}"`, file);

/** @throws InputPropertiesError where it is no PEM. */
function checkedCa(name: string, ca: string | undefined): string | undefined {
  return checked(`SandboxNode "${name}"`, ca, (problems) => {
    checkKnownTrust(problems, "trust", { ca });
  });
}
