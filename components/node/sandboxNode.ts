import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import { checkConnection, connectionInputs, type SshConnection } from "./connection";
import { type NodeReport, type NodeSettings, parseReport, renderStdin } from "./nodeScript";
import { isWholeNumber, Problems } from "../problems";
import { checkDigest, parseReference, REFERENCE_SHAPE } from "../reference";
import type { RegistryLogin } from "../registryLogin";

/** What a node must trust, and where it pulls from. */
export interface RegistryTrust {
  /** Certificate authority of the registry, PEM. @default the node's own trust store */
  ca?: pulumi.Input<string>;
  /** URLs to try before the registry itself, in this order, such as `https://mirror.example.com:5000`. @default none */
  mirrors?: pulumi.Input<string[]>;
  /** Pull over HTTP, without TLS. Anyone between node and registry can then replace the image. @default false */
  plainHttp?: pulumi.Input<boolean>;
  /**
   * The login that the sandbox image is pulled with: no Pod's credentials are used for it. It lies on the node in a file
   * that only root can read. Refused for cri-dockerd and the dockershim, where docker has logins of its own.
   * @default none
   */
  login?: RegistryLogin;
}

export interface SandboxNodeArgs {
  connection: SshConnection;
  /** What the node is to use as its sandbox image: `host[:port]/repository:tag`. */
  reference: pulumi.Input<string>;
  /** Digest the image must have on the node, `sha256:…`. @default no check */
  digest?: pulumi.Input<string | undefined>;
  /** Name of the node in messages. @default the name of the resource */
  nodeName?: string;
  /** @default the node's own trust store and no mirror */
  trust?: RegistryTrust;
  /**
   * Set the kubelet's `--pod-infra-container-image` too, below 1.35. Up to 1.28 it keeps the image from garbage
   * collection, from 1.29 on it has no effect, and a kubelet from 1.35 on does not start with it. False takes it away
   * wherever it is: before an upgrade to 1.35, or for good on kubelets from 1.29 on.
   * @default true
   */
  kubeletFlag?: boolean;
  /**
   * Raise it to have the node looked at again although nothing else changed: the engine knows what it asked for, not
   * what became of the node since (an upgraded kubelet, an edited file, a deleted image). A node that is as wanted is
   * left alone.
   * @default 0
   */
  generation?: number;
}

/**
 * One node whose container runtime and kubelet use the given sandbox image.
 *
 * The node is one `remote.Command`: one connection, one transaction that restores what it found if any step of it
 * fails. It is the command itself, not a component around one, because every resource is paid for again on every
 * node. Removing the resource restores the node's files.
 *
 * @throws InputPropertiesError naming every argument that is not allowed, before anything is created.
 */
export class SandboxNode extends command.remote.Command {
  /** What the node said it found, changed and verified. */
  public readonly report: pulumi.Output<NodeReport>;

  constructor(name: string, args: SandboxNodeArgs, opts?: pulumi.CustomResourceOptions) {
    const problems = new Problems(`SandboxNode "${name}"`);
    checkArgs(problems, args);
    problems.throwIfAny();
    const { generation = 0 } = args;
    const sudo = pulumi.output(args.connection.user ?? "root").apply((user) => (user === "root" ? "" : "sudo -n "));
    const apply = pulumi.interpolate`${sudo}sh -s -- apply`;
    super(
      name,
      {
        connection: connectionInputs(args.connection),
        create: apply,
        // Never `triggers`: they replace, and the old delete would undo what the new create has done.
        update: apply,
        delete: pulumi.interpolate`${sudo}sh -s -- restore`,
        // The generation is nothing to the node; it only makes these bytes others, so that `update` runs.
        stdin: settingsOf(name, args).apply((s) => `${renderStdin(s)}# generation ${generation}\n`),
        // Else every update sees the last report in its environment, which sshd would have to accept.
        addPreviousOutputInEnv: false,
        // The report is data for the program; the lines for people are the ones to show while a node is worked on.
        logging: command.types.enums.remote.Logging.Stderr,
      },
      opts,
    );
    this.report = this.stdout.apply(parseReport);
  }
}

function checkArgs(problems: Problems, args: SandboxNodeArgs): void {
  if (!problems.isObject("", args, "connection and reference")) return;
  const { reference, digest, trust } = args;
  if (problems.isGiven("reference", reference, REFERENCE_SHAPE) && typeof reference === "string") {
    problems.attempt("reference", () => parseReference("reference", reference));
  }
  if (typeof digest === "string") {
    problems.attempt("digest", () => {
      checkDigest("digest", digest);
    });
  }
  checkConnection(problems, "connection", args.connection);
  if (trust) checkTrust(problems, "trust", trust);
  checkNodeSettings(problems, args);
}

/**
 * Renames and moves of a resource make it anew before the old one is removed; by its owner a node knows that the one that
 * leaves is not the one it belongs to any more.
 */
const ownerOf = (name: string): string => `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;

function settingsOf(name: string, args: SandboxNodeArgs): pulumi.Output<NodeSettings> {
  const { ca, mirrors, plainHttp, login } = args.trust ?? {};
  const { reference, digest: wanted, nodeName: node = name, kubeletFlag } = args;
  return pulumi
    .all([reference, wanted, ca, mirrors, plainHttp, login && secretLogin(login)])
    .apply(([image, digest, caPem, urls, http, known]) =>
      checkedSettings({
        node,
        owner: ownerOf(name),
        image,
        digest,
        caPem,
        mirrors: urls,
        plainHttp: http,
        kubeletFlag,
        login: known,
      }),
    );
}

/** Returns the settings of a node. @throws Error naming every one that is not allowed. */
export function checkedSettings(settings: NodeSettings): NodeSettings {
  const { node, image, digest, caPem, mirrors } = settings;
  const problems = new Problems(`SandboxNode "${node}"`);
  problems.attempt("reference", () => parseReference("reference", image));
  problems.attempt("digest", () => {
    if (digest !== undefined) checkDigest("digest", digest);
  });
  checkKnownTrust(problems, "trust", caPem, mirrors);
  problems.throwIfAny();
  return settings;
}

/** Secret as a whole, so that all that it is sent in is. */
function secretLogin({ username, password }: RegistryLogin): pulumi.Output<{ username: string; password: string }> {
  return pulumi.secret({ username, password });
}

/**
 * Notes what is wrong with the plain values of what a node is to trust; Outputs are checked when they are known.
 * @param field Name of it in messages: `trust`.
 */
export function checkTrust(problems: Problems, field: string, trust: RegistryTrust): void {
  if (!problems.isObject(field, trust, "ca, mirrors, plainHttp or login")) return;
  const { ca, mirrors, login } = trust;
  const plain = Array.isArray(mirrors) ? mirrors.filter((url): url is string => typeof url === "string") : undefined;
  checkKnownTrust(problems, field, typeof ca === "string" ? ca : undefined, plain);
  if (!login || !problems.isObject(`${field}.login`, login, "username and password")) return;
  problems.isGiven(`${field}.login.password`, login.password, "the password of the login");
  if (!problems.isGiven(`${field}.login.username`, login.username, "the user of the login")) return;
  if (login.username === "" || (typeof login.username === "string" && /[:\0\r\n]/.test(login.username))) {
    problems.add(`${field}.login.username`, login.username, "a user name without a colon");
  }
}

function checkKnownTrust(problems: Problems, field: string, ca?: string, mirrors?: string[]): void {
  if (ca !== undefined && !/-----BEGIN CERTIFICATE-----[^]+-----END CERTIFICATE-----/.test(ca)) {
    problems.addHidden(`${field}.ca`, ca, "certificates in PEM form (-----BEGIN CERTIFICATE-----)");
  }
  mirrors?.forEach((url, i) => {
    if (/^https?:\/\/[A-Za-z0-9.:[\]-]+(\/[A-Za-z0-9._/-]*)?$/.test(url)) return;
    problems.add(`${field}.mirrors[${i}]`, url, "an http or https URL, host[:port] and perhaps a path");
  });
}

/** Notes what is wrong with the settings that nodes share. */
export function checkNodeSettings(
  problems: Problems,
  { generation = 0, kubeletFlag = true }: Pick<SandboxNodeArgs, "generation" | "kubeletFlag">,
): void {
  // Programs without types may give anything.
  if (typeof (kubeletFlag as unknown) !== "boolean") problems.add("kubeletFlag", kubeletFlag, "true or false");
  if (!isWholeNumber(generation, 0, Number.MAX_SAFE_INTEGER)) {
    problems.add("generation", generation, "a whole number from 0");
  }
}
