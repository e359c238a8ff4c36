import * as pulumi from "@pulumi/pulumi";

import { type BootSettings, bootProgram } from "./bootFiles";
import { loginProblem, renderBootSetup } from "./renderBootSetup";
import { checked, checkUnlessOutput, fieldsOf, type Rule, TRUE_OR_FALSE } from "../inputs";
import { checkCarriedDigest, checkCarriedOnly, checkedSettings, checkNodeSettings } from "../node/nodeChecks";
import { packedIn } from "../archive/archiveFile";
import { Problems } from "../problems";
import { checkReferenceAndDigest } from "../registry/reference";
import { checkTrust, type RegistryTrust, secretLogin, trustOf } from "../registry/trust";

/** Options of the payload for machines that do not exist yet. */
export interface BootSetupOptions {
  /**
   * Allow the registry's login in user data. Anyone who can read the instance's metadata can then read it, perhaps every Pod.
   * If false, a login is refused unless `programUrl` is set. Default: false.
   */
  allowLoginInUserData?: pulumi.Input<boolean>;
  /**
   * An https URL to which you upload the output `program`. Machines fetch it and check its SHA-256. User data is then below
   * 5 KiB instead of some 60 kB: EC2 takes 16 KiB. Default: none; the program is a part of each form.
   */
  programUrl?: pulumi.Input<string>;
}

/** Settings of machines that do not exist yet. */
export interface BootSetupArgs extends BootSetupOptions {
  /** The sandbox image for the machines: `host[:port]/repository:tag`. */
  reference: pulumi.Input<string>;
  /** Digest the image must have on the machine, `sha256:…`. Default: that of `archive`, else no check. */
  digest?: pulumi.Input<string | undefined>;
  /**
   * The file with the image, relative to the program: the output `archive` of PauseImage, an OCI archive or a `docker save`. It is in
   * the payload, and the machine asks no registry. CRI-O needs skopeo on the node. Default: the image is pulled.
   */
  archive?: pulumi.Input<string | undefined>;
  /** How the machines reach and trust the registry. Default: their own trust store and no mirror. */
  trust?: pulumi.Input<RegistryTrust>;
  /**
   * Set the kubelet's `--pod-infra-container-image` too, below 1.35. False removes it. Default: true.
   */
  kubeletFlag?: pulumi.Input<boolean>;
  /** Import a carried image again where it is deleted, as SandboxNode does. Only with `archive`. Default: true. */
  selfHeal?: pulumi.Input<boolean>;
}

/** The payload in each form. */
export interface BootPayloads {
  /** A shell script: user data as it is, or a step of a machine's installation. */
  shell: string;
  /** `#cloud-config` with `write_files` and `runcmd`. */
  cloudInit: string;
  /** Ignition's JSON, spec 3.4.0: Flatcar, Fedora CoreOS. */
  ignition: string;
  /** YAML of `files` and `preKubeadmCommands`, the fields of a KubeadmConfigTemplate's `spec.template.spec`. */
  kubeadm: string;
  /** The program for the machine, to upload to `programUrl`. */
  program: string;
}

/**
 * A payload for machines that do not exist yet, such as autoscaled nodes. It runs the same transaction as SandboxNode, before
 * each start of the machine's kubelet. It needs no node and no connection, and creates nothing but its outputs. Outputs with a
 * login are secret.
 *
 * A stack that lists such a node later manages it without a change, and restores it when the node is removed.
 *
 * @throws InputPropertiesError naming every argument that is not allowed.
 */
export class BootSetup extends pulumi.ComponentResource {
  /** A shell script: user data as it is, or a step of a machine's installation. */
  public readonly shell: pulumi.Output<string>;
  /** `#cloud-config` with `write_files` and `runcmd`. */
  public readonly cloudInit: pulumi.Output<string>;
  /** Ignition's JSON, spec 3.4.0: Flatcar, Fedora CoreOS. */
  public readonly ignition: pulumi.Output<string>;
  /** YAML of `files` and `preKubeadmCommands`, the fields of a KubeadmConfigTemplate's `spec.template.spec`. */
  public readonly kubeadm: pulumi.Output<string>;
  /** The program for the machine, to upload to `programUrl`. */
  public readonly program: pulumi.Output<string>;

  constructor(name: string, args: BootSetupArgs, opts?: pulumi.ComponentResourceOptions) {
    const subject = `BootSetup "${name}"`;
    const problems = new Problems(subject);
    checkArgs(problems, args);
    problems.throwIfAny();
    super("pause-sandbox:index:BootSetup", name, {}, opts);

    const payloads = bootPayloads(subject, args);
    this.shell = payloads.shell;
    this.cloudInit = payloads.cloudInit;
    this.ignition = payloads.ignition;
    this.kubeadm = payloads.kubeadm;
    this.program = payloads.program;
    const { shell, cloudInit, ignition, kubeadm, program } = this;
    this.registerOutputs({ shell, cloudInit, ignition, kubeadm, program });
  }
}

function checkArgs(problems: Problems, args: BootSetupArgs): void {
  if (!problems.isObject("", args, "reference")) return;
  const { reference, digest, trust, kubeletFlag, selfHeal, archive } = args;
  checkReferenceAndDigest(problems, "", { reference, digest });
  if (trust !== undefined) checkTrust(problems, "trust", trust);
  checkNodeSettings(problems, { kubeletFlag, selfHeal });
  checkCarriedOnly(problems, selfHeal, archive !== undefined);
  checkBootOptions(problems, "", args);
}

/**
 * Notes what is wrong with the plain values of how the payload is made; Outputs are checked when they are known.
 * @param prefix What stands before the names of the fields in messages: `bootSetup.`.
 */
export function checkBootOptions(problems: Problems, prefix: string, options: BootSetupOptions): void {
  checkUnlessOutput(problems, `${prefix}allowLoginInUserData`, options.allowLoginInUserData, TRUE_OR_FALSE);
  checkUnlessOutput(problems, `${prefix}programUrl`, options.programUrl, HTTPS_URL);
}

/** Adds the problems of a payload's known settings that no node has. */
export function checkBootSettings(problems: Problems, settings: BootSettings): void {
  checkBootOptions(problems, "", settings);
  if (settings.login?.keep !== false) return;
  const other = "carry the image (imageSource), or let machines pull it without a login";
  problems.add("trust.login.keep", false, `true: the payload stays on its machine, and the login in it. Or ${other}`);
}

/** The options, each field as an Input. */
export function bootOptionsOf(options: pulumi.Input<BootSetupOptions>): BootSetupOptions {
  return fieldsOf("bootSetup", options, ["allowLoginInUserData", "programUrl"]);
}

/**
 * The payload in each form, secret where it holds a login.
 * @param subject What the arguments belong to, for messages.
 */
export function bootPayloads(subject: string, args: BootSetupArgs): pulumi.Output<BootPayloads> {
  const { ca, mirrors, plainHttp, login } = trustOf(args.trust);
  const { reference, digest, archive, kubeletFlag, selfHeal, allowLoginInUserData, programUrl } = args;
  const options = { allowLoginInUserData, programUrl };
  return pulumi
    .all([
      { reference, digest, archive, kubeletFlag, selfHeal },
      { ca, mirrors, plainHttp },
      options,
      secretLogin(login),
    ])
    .apply(([{ reference: image, archive: file, ...now }, trust, known, secret]) => {
      const carried = withArchive(subject, file, now.digest);
      return allForms(subject, { image, ...now, ...carried, ...trust, ...known, login: secret });
    });
}

/** The image in a file, and its digest. @throws InputPropertiesError naming what is wrong with it. */
function withArchive(subject: string, file: string | undefined, digest: string | undefined) {
  const image = packedIn(subject, file);
  checked(subject, digest, (problems) => {
    checkCarriedDigest(problems, digest, image?.digest);
  });
  return image === undefined ? {} : { archive: image.packed, digest: image.digest };
}

/** @throws InputPropertiesError naming what is not allowed, also of what has been known only now */
function allForms(subject: string, settings: BootSettings): BootPayloads {
  checkedSettings(settings, { subject });
  const problems = new Problems(subject);
  checkBootSettings(problems, settings);
  problems.attempt("allowLoginInUserData", () => {
    const problem = loginProblem(settings);
    if (problem !== undefined) throw new Error(problem);
  });
  problems.throwIfAny();
  return {
    shell: renderBootSetup(settings, "shell"),
    cloudInit: renderBootSetup(settings, "cloudInit"),
    ignition: renderBootSetup(settings, "ignition"),
    kubeadm: renderBootSetup(settings, "kubeadm"),
    program: bootProgram(settings),
  };
}

/** It stands in single quotes in a shell script. */
const HTTPS_URL: Rule = {
  allows: (value) => typeof value === "string" && /^https:\/\/[A-Za-z0-9.:[\]-]+\/[A-Za-z0-9._~%/?&=+-]*$/.test(value),
  allowed: "an https URL without user and password",
  // It may be one that lets anybody in who has it.
  hidden: true,
};
