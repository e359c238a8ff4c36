import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import { isLater, isWholeNumber, Problems } from "../problems";

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

/** What a field of a host may be; `undefined` has been dealt with before. */
interface Rule {
  allows: (value: unknown) => boolean;
  allowed: string;
}

const HOST_KEY = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-\S+) [A-Za-z0-9+/]+=*( .*)?$/;

const RULES: Record<"host" | "port" | "user" | "hostKey", Rule> = {
  host: { allows: matches(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/), allowed: "a host name or an IP address" },
  port: { allows: (value) => isWholeNumber(value, 1, 65535), allowed: "a whole number from 1 to 65535" },
  user: { allows: matches(/^[A-Za-z_][A-Za-z0-9_.-]*$/), allowed: "a user name" },
  hostKey: {
    allows: matches(HOST_KEY),
    allowed:
      "the host's public key, `<type> <base64>` as ssh-keyscan prints it after the host name; " +
      "or set insecureIgnoreHostKey to do without and be open to anyone",
  },
};

function matches(expression: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === "string" && expression.test(value);
}

/**
 * Notes what is wrong with the plain values of a connection; Outputs are checked when they are known.
 * @param field Name of the connection in messages: `nodes[2].connection`.
 */
export function checkConnection(problems: Problems, field: string, connection: SshConnection): void {
  // Programs without types may leave it out.
  if (!problems.isObject(field, connection, "host and hostKey")) return;
  checkHost(problems, field, connection);
  const { bastion } = connection;
  if (!bastion || !problems.isObject(`${field}.bastion`, bastion, "host and hostKey")) return;
  checkHost(problems, `${field}.bastion`, bastion);
}

function checkHost(problems: Problems, field: string, ssh: SshHost): void {
  for (const [key, { allows, allowed }] of Object.entries(RULES)) {
    const value: unknown = ssh[key as keyof typeof RULES];
    if (isLater(value)) continue;
    const needed = key === "host" || (key === "hostKey" && !ssh.insecureIgnoreHostKey);
    if (value === undefined ? needed : !allows(value)) refuse(problems, field, key, value, allowed);
  }
}

/** People mistake the private key for the host's: of what stands there only kind and length are printed. */
function refuse(problems: Problems, field: string, key: string, value: unknown, allowed: string): void {
  if (key === "hostKey") problems.addHidden(`${field}.${key}`, value, allowed);
  else problems.add(`${field}.${key}`, value, allowed);
}

/** The connection as the command plugin takes it. */
export function connectionInputs(connection: SshConnection): command.types.input.remote.ConnectionArgs {
  const { bastion } = connection;
  return { ...hostInputs("connection", connection), proxy: bastion && hostInputs("connection.bastion", bastion) };
}

function hostInputs(field: string, ssh: SshHost): command.types.input.remote.ProxyConnectionArgs {
  const { host, port, user, privateKey, privateKeyPassword, hostKey } = ssh;
  return {
    host: checked(field, "host", host),
    port: port === undefined ? 22 : checked(field, "port", port),
    user: user === undefined ? "root" : checked(field, "user", user),
    privateKey: privateKey === undefined ? undefined : pulumi.secret(privateKey),
    privateKeyPassword: privateKeyPassword === undefined ? undefined : pulumi.secret(privateKeyPassword),
    hostKey: hostKey === undefined ? undefined : checked(field, "hostKey", hostKey),
    // A node that does not answer is an error to report, not one to wait for ten times.
    dialErrorLimit: 3,
    perDialTimeout: 15,
  };
}

const checked = <T>(field: string, key: keyof typeof RULES, value: pulumi.Input<T>): pulumi.Output<T> =>
  pulumi.output(value).apply((known) => (checkKnown(field, key, known), known as T));

/** @throws Error naming field, value and what is allowed. */
export function checkKnown(field: string, key: keyof typeof RULES, value: unknown): void {
  const problems = new Problems("SSH connection");
  const { allows, allowed } = RULES[key];
  if (!allows(value)) refuse(problems, field, key, value, allowed);
  problems.throwIfAny();
}
