/** A host to log in to, in plain values. Every source of hosts returns this form. */
import { isIP, SocketAddress } from "net";

/** Address and user of a log-in. A field is missing if its source does not set it. */
export interface HostAddress {
  /** Host name or IP address to connect to. */
  readonly host: string;
  /** TCP port of sshd. Default: 22. */
  readonly port?: number;
  /** User to log in as. Default: the user that connects; `root` for the nodes of a stack. */
  readonly user?: string;
}

const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]*$/;

/** The form of a host, for messages. */
export const HOST_SHAPE = "a host name or an IP address, without port and brackets";

/** Whether a text is a host name or an IP address. No shell, and no option of ssh, takes one for anything else. */
export const isHostName = (text: unknown): boolean =>
  typeof text === "string" && text.length <= 253 && (HOST_NAME.test(text) || isIPv6(text));

/** The part after `%` is an interface. Without these letters only, a shell could take it for something else. */
const ZONE = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/i;

/** As getaddrinfo has it: an interface has a number, or, for a link-local address, a name. */
function isIPv6(text: string): boolean {
  const { address, zone } = zoned(text);
  if (isIP(address) !== 6) return false;
  return zone === undefined || /^[0-9]+$/.test(zone) || (ZONE.test(zone) && LINK_LOCAL.test(address));
}

function zoned(text: string): { address: string; zone?: string } {
  const at = text.indexOf("%");
  return at < 0 ? { address: text } : { address: text.slice(0, at), zone: text.slice(at + 1) };
}

/** The host as ssh looks it up in known_hosts: an IPv6 address in its shortest form, with its interface. */
export function shortest(host: string): string {
  const { address, zone } = zoned(host);
  if (isIP(address) !== 6) return host;
  const short = new SocketAddress({ address, family: "ipv6" }).address;
  return zone === undefined ? short : `${short}%${zone}`;
}

const USER_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** Whether a text is a user to log in as. */
export const isUserName = (text: unknown): boolean => typeof text === "string" && USER_NAME.test(text);

/** The command that prints a host's key. This machine cannot scan a host behind a jump host. */
export function scanOf({ host, port = 22 }: HostAddress, jump?: HostAddress): string {
  const scan = `ssh-keyscan -t ed25519 -p ${port} ${host}`;
  if (jump === undefined) return scan;
  const user = jump.user === undefined ? "" : `${jump.user}@`;
  return `ssh -p ${jump.port ?? 22} ${user}${jump.host} ${scan}`;
}

/** A host with the settings for a log-in. */
export interface Host extends HostAddress {
  /** The host's public key, `<type> <base64>`. */
  readonly hostKey?: string;
  /** Log in without knowing the host's key. Default: false. */
  readonly insecureIgnoreHostKey?: boolean;
  /** Path of the private key. Default: the SSH agent's keys, or those that ssh tries by itself. */
  readonly keyFile?: string;
  /** The jump host in front of it. Default: none. */
  readonly bastion?: Host;
}
