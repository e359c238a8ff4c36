import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import { checked, checkValue, fieldsOf, type Rule, whenKnown } from "../inputs";
import { HOST_SHAPE, isHostName, isUserName } from "../host";
import { isOutput, isWholeNumber, type Problems } from "../problems";

/** How to log in to a host: a jump host, or a node. */
export interface SshHost {
  /** Host name or IP address; an IPv6 address without brackets: `2001:db8::5`, `fe80::5%eth0`. */
  host: pulumi.Input<string>;
  /** TCP port of sshd. Default: 22. */
  port?: pulumi.Input<number>;
  /** User to log in as. Default: `root`. */
  user?: pulumi.Input<string>;
  /** Private key in OpenSSH or PEM form. Kept secret in state. Default: the SSH agent. */
  privateKey?: pulumi.Input<string>;
  /** Passphrase of the private key. Kept secret in state. Default: none. */
  privateKeyPassword?: pulumi.Input<string>;
  /**
   * The host's public key, `<type> <base64>` as `ssh-keyscan` prints it after the host name. The log-in is refused when
   * the host shows another one. Default: none, which is allowed only with `insecureIgnoreHostKey`.
   */
  hostKey?: pulumi.Input<string>;
  /**
   * Log in without knowing the host's key. Anyone between here and the host can then become root on it.
   * Default: false, so that `hostKey` is required.
   */
  insecureIgnoreHostKey?: pulumi.Input<boolean>;
}

/** How to log in to a node. Users other than root need `sudo -n`. */
export interface SshConnection extends SshHost {
  /** A jump host in front of the node. Default: none. */
  bastion?: pulumi.Input<SshHost>;
}

const HOST_KEY = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-\S+) [A-Za-z0-9+/]+=*( .*)?$/;

const RULES = {
  host: { allows: isHostName, allowed: HOST_SHAPE },
  port: { allows: (value) => isWholeNumber(value, 1, 65535), allowed: "a whole number from 1 to 65535" },
  user: { allows: isUserName, allowed: "a user name" },
  hostKey: {
    allows: matches(HOST_KEY),
    allowed:
      "the host's public key, `<type> <base64>` as ssh-keyscan prints it after the host name; " +
      "or set insecureIgnoreHostKey to skip the check: then an attacker on the network can become root",
    // Users may confuse the private key with the host's key.
    hidden: true,
  },
  insecureIgnoreHostKey: { allows: (value) => typeof value === "boolean", allowed: "true or false" },
} satisfies Record<string, Rule>;

type Checked = keyof typeof RULES;
const CHECKED = Object.keys(RULES) as Checked[];
const HOST_FIELDS = [...CHECKED, "privateKey", "privateKeyPassword"] as const;
const FIELDS = [...HOST_FIELDS, "bastion"] as const;

function matches(expression: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === "string" && expression.test(value);
}

/**
 * Adds the problems of a connection's plain values; Outputs are checked when they are known.
 * @param field Name of the connection in messages: `nodes[2].connection`.
 */
export function checkConnection(problems: Problems, field: string, connection: pulumi.Input<SshConnection>): void {
  // Programs without types may leave it out.
  if (isOutput(connection) || !problems.isObject(field, connection, "host and hostKey")) return;
  const { bastion } = connection as SshConnection;
  checkHost(problems, field, connection as SshConnection);
  if (bastion === undefined || isOutput(bastion)) return;
  if (problems.isObject(`${field}.bastion`, bastion, "host and hostKey")) {
    checkHost(problems, `${field}.bastion`, bastion as SshHost);
  }
}

function checkHost(problems: Problems, field: string, ssh: SshHost): void {
  for (const key of CHECKED) {
    const value = ssh[key];
    if (!isOutput(value)) checkField(problems, field, key, value, withoutKey(ssh.insecureIgnoreHostKey));
  }
}

/** Only `true` allows a missing host key. An Output is checked when it is known. */
const withoutKey = (insecureIgnoreHostKey: unknown): boolean =>
  insecureIgnoreHostKey === true || isOutput(insecureIgnoreHostKey);

/** Requires a host, and a host key unless it is ignored explicitly; everything else has a default. */
function checkField(problems: Problems, field: string, key: Checked, value: unknown, noHostKey: boolean): void {
  const needed = key === "host" || (key === "hostKey" && !noHostKey);
  if (value !== undefined || needed) checkValue(problems, `${field}.${key}`, value, RULES[key]);
}

/** The user that a connection logs in as. */
export function userOf(connection: pulumi.Input<SshConnection>): pulumi.Input<string> {
  return whenKnown(fieldsOf("connection", connection, ["user"]).user, (user) => user ?? "root");
}

/** Texts that identify a log-in. They differ for another user, another host, or a reinstalled host. */
export function loginOf(connection: pulumi.Input<SshConnection>): pulumi.Input<string[]> {
  const { user, host, port, hostKey } = fieldsOf("connection", connection, ["user", "host", "port", "hostKey"]);
  const texts = whenKnown({ user, host, port, hostKey }, (known) => [
    ...[known.user ?? "root", known.host, String(known.port ?? 22), known.hostKey ?? ""],
  ]);
  // The readable command line contains only a hash of it.
  return pulumi.Output.isInstance(texts) ? pulumi.unsecret(texts as pulumi.Output<string[]>) : texts;
}

/** The connection as the command plugin takes it. */
export function connectionInputs(connection: pulumi.Input<SshConnection>): command.types.input.remote.ConnectionArgs {
  const node = fieldsOf("connection", connection, FIELDS);
  const { bastion } = node;
  return { ...hostInputs("connection", node), proxy: proxyInputs(bastion) };
}

/** A jump host may be an Output. A jump host that is not an object is refused: otherwise the log-in would bypass it. */
function proxyInputs(
  bastion: pulumi.Input<SshHost> | undefined,
): pulumi.Input<command.types.input.remote.ProxyConnectionArgs> | undefined {
  const inputs = (known: SshHost | undefined) => {
    if (known === undefined) return undefined;
    checked("SSH connection", known, (problems) => problems.isObject("connection.bastion", known, "host and hostKey"));
    return hostInputs("connection.bastion", known);
  };
  if (!isOutput(bastion)) return inputs(bastion as SshHost | undefined);
  const proxy = pulumi.output(bastion).apply((known) => inputs(known));
  return proxy as pulumi.Output<command.types.input.remote.ProxyConnectionArgs>;
}

function hostInputs(field: string, ssh: SshHost): command.types.input.remote.ProxyConnectionArgs {
  const known = <T>(key: Checked, value: pulumi.Input<T>): pulumi.Input<T> =>
    whenKnown(value, (now) => (checkKnown(field, key, now), now as T));
  return {
    host: known("host", ssh.host),
    port: whenKnown(known("port", ssh.port), (port) => port ?? 22),
    user: whenKnown(known("user", ssh.user), (user) => user ?? "root"),
    privateKey: secretOf(ssh.privateKey),
    privateKeyPassword: secretOf(ssh.privateKeyPassword),
    hostKey: checkedHostKey(field, ssh),
    // An unreachable node is reported at once, without the plugin's ten attempts.
    dialErrorLimit: 3,
    perDialTimeout: 15,
  } as command.types.input.remote.ProxyConnectionArgs;
}

/** Undefined stays undefined: a secret of it would be sent as null. */
function secretOf(value: pulumi.Input<string> | undefined): pulumi.Input<string> | undefined {
  const secret = (known: string | undefined) => (known === undefined ? undefined : pulumi.secret(known));
  return (isOutput(value) ? pulumi.output(value).apply(secret) : secret(value as string)) as pulumi.Input<string>;
}

/** Checks known values again, because a program without types may have skipped the first check. */
function checkedHostKey(field: string, { hostKey, insecureIgnoreHostKey }: SshHost): pulumi.Input<string | undefined> {
  return whenKnown({ hostKey, insecureIgnoreHostKey }, (known) =>
    checked("SSH connection", known.hostKey, (problems) => {
      const { insecureIgnoreHostKey: flag } = known;
      checkField(problems, field, "insecureIgnoreHostKey", flag, true);
      checkField(problems, field, "hostKey", known.hostKey, withoutKey(flag));
    }),
  );
}

/** @throws InputPropertiesError naming field, value and what is allowed. */
export function checkKnown(field: string, key: Checked, value: unknown): void {
  checked("SSH connection", value, (problems) => {
    checkField(problems, field, key, value, false);
  });
}
