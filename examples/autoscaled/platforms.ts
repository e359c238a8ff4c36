/** Nodes that join later, healed before their kubelet starts for the first time: a function for each platform (docs/joining.md). */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { BootSetup } from "pause-sandbox";
import { parse } from "yaml";

/** What all of these machines are to use. */
export interface Shared {
  reference: pulumi.Input<string>;
  digest: pulumi.Input<string | undefined>;
  ca: pulumi.Input<string>;
}

/** A part of user data as EC2 takes it beside that of the node's own boot program, such as nodeadm's. */
const mime = (script: string): string =>
  [
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="pause-sandbox"',
    "",
    "--pause-sandbox",
    'Content-Type: text/x-shellscript; charset="us-ascii"',
    "",
    script,
    "--pause-sandbox--",
    "",
  ].join("\n");

/** EC2: `userData` of a launch template, base64. `program` has to be uploaded to `programUrl` before a machine starts. */
export function launchTemplate({ reference, digest, ca }: Shared, programUrl: string) {
  const boot = new BootSetup("ec2", { reference, digest, trust: { ca }, programUrl });
  return {
    program: boot.program,
    userData: boot.shell.apply((script) => Buffer.from(mime(script)).toString("base64")),
  };
}

/** Karpenter: the same, in plain text; Karpenter adds its own part. */
export function karpenter({ reference, digest, ca }: Shared, programUrl: string, spec: object) {
  const boot = new BootSetup("karpenter", { reference, digest, trust: { ca }, programUrl });
  return new k8s.apiextensions.CustomResource("own-pause", {
    apiVersion: "karpenter.k8s.aws/v1",
    kind: "EC2NodeClass",
    metadata: { name: "own-pause" },
    spec: { ...spec, userData: boot.shell.apply(mime) },
  });
}

/** Cluster API with kubeadm: every machine of a MachineDeployment that refers to this template. */
export function clusterApi({ reference, digest, ca }: Shared, joinConfiguration: object) {
  const boot = new BootSetup("capi", { reference, digest, trust: { ca } });
  const fields = boot.kubeadm.apply((text) => parse(text) as { files: object[]; preKubeadmCommands: string[] });
  return new k8s.apiextensions.CustomResource("workers", {
    apiVersion: "bootstrap.cluster.x-k8s.io/v1beta1",
    kind: "KubeadmConfigTemplate",
    metadata: { name: "workers", namespace: "default" },
    spec: fields.apply((own) => ({ template: { spec: { joinConfiguration, ...own } } })),
  });
}

/** Bare metal: what the boot server of PXE hands out, by the system that is installed. */
export function bareMetal({ reference, digest, ca }: Shared) {
  const boot = new BootSetup("pxe", { reference, digest, trust: { ca } });
  return {
    /** Flatcar, Fedora CoreOS: the URL behind `ignition.config.url=`. */
    ignition: boot.ignition,
    /** Ubuntu, Debian's cloud images: `user-data` behind `ds=nocloud-net;s=`. */
    userData: boot.cloudInit,
    /** A preseed's late_command or a kickstart's %post runs it in the installed system. */
    script: boot.shell,
  };
}
