import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import { type NodeReport, type NodeSettings, parseReport, renderStdin } from "./nodeScript";
import { isWholeNumber, Problems } from "./problems";
import { parseReference } from "./reference";

/** How to log in to one host. */
export interface SshHost {
  /** Host name or IP address. */
  host: pulumi.Input<string>;
  /** @default 22 */
  port?: pulumi.Input<number>;
  /** @default "root" */
  user?: pulumi.Input<string>;
  /** Private key in OpenSSH or PEM form. Kept secret in state. @default the SSH agent */
  privateKey?: pulumi.Input<string>;
  /** Passphrase of the private key. Kept secret in state. */
  privateKeyPassword?: pulumi.Input<string>;
  /**
   * The host's public key, `<type> <base64>` as `ssh-keyscan` prints it after the host name. The log-in is refused when
   * the host shows another one.
   */
  hostKey?: pulumi.Input<string>;
  /**
   * Log in without knowing the host's key. Anyone between here and the node can then become root on it.
   * @default false; {@link hostKey} is required
   */
  insecureIgnoreHostKey?: boolean;
}

/** How to reach a node. Users other than root need `sudo -n`. */
export interface SshConnection extends SshHost {
  /** A jump host in front of the node. @default none */
  bastion?: SshHost;
}

/** What a node must trust, and where it pulls from. */
export interface RegistryTrust {
  /** Certificate authority of the registry, PEM. @default the node's own trust store */
  ca?: pulumi.Input<string>;
  /** URLs to try before the registry itself, in this order. @default none */
  mirrors?: pulumi.Input<string[]>;
  /** Pull over HTTP, without TLS. Anyone between node and registry can then replace the image. @default false */
  plainHttp?: pulumi.Input<boolean>;
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
 * @throws Error naming every argument that is not allowed, before anything is created.
 */
export class SandboxNode extends command.remote.Command {
  /** What the node said it found, changed and verified. */
  public readonly report: pulumi.Output<NodeReport>;

  constructor(name: string, args: SandboxNodeArgs, opts?: pulumi.CustomResourceOptions) {
    const problems = new Problems(`SandboxNode "${name}"`);
    const { reference } = args;
    if (typeof reference === "string") problems.attempt(() => parseReference("reference", reference));
    checkConnection(problems, "connection", args.connection);
    const { generation = 0 } = args;
    checkGeneration(problems, generation);
    problems.throwIfAny();
    const sudo = pulumi.output(args.connection.user ?? "root").apply((user) => (user === "root" ? "" : "sudo -n "));
    const apply = pulumi.interpolate`${sudo}sh -s -- apply`;
    super(
      name,
      {
        connection: connectionOf(args.connection),
        create: apply,
        // Never `triggers`: they replace, and the old delete would undo what the new create has done.
        update: apply,
        delete: pulumi.interpolate`${sudo}sh -s -- restore`,
        // The generation is nothing to the node; it only makes these bytes others, so that `update` runs.
        stdin: settingsOf(args.nodeName ?? name, args).apply((s) => `${renderStdin(s)}# generation ${generation}\n`),
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

function settingsOf(node: string, args: SandboxNodeArgs): pulumi.Output<NodeSettings> {
  const { ca, mirrors, plainHttp } = args.trust ?? {};
  return pulumi
    .all([args.reference, args.digest, ca, mirrors, plainHttp])
    .apply(([reference, digest, caPem, mirrorUrls, http]) => {
      parseReference("reference", reference);
      return { node, image: reference, digest, caPem, mirrors: mirrorUrls, plainHttp: http };
    });
}

function connectionOf(connection: SshConnection): command.types.input.remote.ConnectionArgs {
  const { bastion } = connection;
  return { ...hostOf(connection), proxy: bastion && hostOf(bastion) };
}

function hostOf(ssh: SshHost): command.types.input.remote.ProxyConnectionArgs {
  const { host, port, user, privateKey, privateKeyPassword, hostKey } = ssh;
  return {
    host,
    port: port ?? 22,
    user: user ?? "root",
    privateKey: privateKey === undefined ? undefined : pulumi.secret(privateKey),
    privateKeyPassword: privateKeyPassword === undefined ? undefined : pulumi.secret(privateKeyPassword),
    hostKey,
    // A node that does not answer is an error to report, not one to wait for ten times.
    dialErrorLimit: 3,
    perDialTimeout: 15,
  };
}

/**
 * Notes what is wrong with the plain values of a connection.
 * @param field Name of the connection in messages: `nodes[2].connection`.
 */
export function checkConnection(problems: Problems, field: string, connection: SshConnection): void {
  checkHost(problems, field, connection);
  if (connection.bastion) checkHost(problems, `${field}.bastion`, connection.bastion);
}

/** Notes a generation that is no whole number. */
export function checkGeneration(problems: Problems, generation: number): void {
  if (!isWholeNumber(generation, 0, Number.MAX_SAFE_INTEGER)) {
    problems.add("generation", generation, "a whole number from 0");
  }
}

const HOST_KEY = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-\S+) [A-Za-z0-9+/]+=*( .*)?$/;

function checkHost(problems: Problems, field: string, ssh: SshHost): void {
  const { host, port, user, hostKey } = ssh;
  if (!pulumi.Output.isInstance(host) && (typeof host !== "string" || !/^[A-Za-z0-9][A-Za-z0-9.:-]*$/.test(host))) {
    problems.add(`${field}.host`, host, "a host name or an IP address");
  }
  if (port !== undefined && !pulumi.Output.isInstance(port) && !isWholeNumber(port, 1, 65535)) {
    problems.add(`${field}.port`, port, "a whole number from 1 to 65535");
  }
  if (typeof user === "string" && !/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(user)) {
    problems.add(`${field}.user`, user, "a user name");
  }
  if (typeof hostKey === "string" ? !HOST_KEY.test(hostKey) : hostKey === undefined && !ssh.insecureIgnoreHostKey) {
    const how = "the host's public key, `<type> <base64>` as ssh-keyscan prints it after the host name";
    problems.add(
      `${field}.hostKey`,
      hostKey,
      `${how}; or set insecureIgnoreHostKey to do without and be open to anyone`,
    );
  }
}
