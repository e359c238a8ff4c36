/** What a node makes of the certificates that a server sends: pure, by the node's own clock and its own authorities. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/** The first thing that is wrong, in the order in which Go's programs find it. */
export type ChainFault =
  | { readonly kind: "unknownRoot"; readonly endsAt: string; readonly root?: X509Certificate }
  | { readonly kind: "missingIntermediate"; readonly leaf: string; readonly issuer: string }
  | { readonly kind: "expired" | "notYetValid"; readonly subject: string; readonly from: Date; readonly to: Date }
  | { readonly kind: "wrongName"; readonly names: string };

export interface ChainQuestion {
  /** As the server sent them, its own certificate first. */
  readonly served: readonly X509Certificate[];
  readonly trusted: readonly X509Certificate[];
  /** The name or address that the node asked for. */
  readonly host: string;
  /** The node's clock. */
  readonly now: Date;
}

/** @returns nothing where the node trusts the server. */
export function judgeChain({ served, trusted, host, now }: ChainQuestion): ChainFault | undefined {
  const [leaf] = served;
  if (!leaf) return { kind: "unknownRoot", endsAt: "nothing" };
  const path = pathOf(leaf, served, trusted);
  const last = path[path.length - 1] ?? leaf;
  // A clock or a date explains more than a chain does, and is wrong whatever is trusted.
  const late = path.find((one) => now < new Date(one.validFrom) || now > new Date(one.validTo));
  if (late) return lateFault(late, now);
  if (!isTrusted(last, trusted)) return brokenAt(leaf, last, trusted);
  return hasName(leaf, host) ? undefined : { kind: "wrongName", names: leaf.subjectAltName ?? "no name at all" };
}

const lateFault = (one: X509Certificate, now: Date): ChainFault => ({
  kind: now < new Date(one.validFrom) ? "notYetValid" : "expired",
  subject: nameOf(one.subject),
  from: new Date(one.validFrom),
  to: new Date(one.validTo),
});

/** A chain has some four. A server, or a node, may have made thousands that sign each other. */
const LONGEST_CHAIN = 16;

/** From the server's own certificate upwards, as far as it goes. */
function pathOf(
  leaf: X509Certificate,
  served: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): X509Certificate[] {
  const path = [leaf];
  for (let now = leaf; path.length < LONGEST_CHAIN && !isTrusted(now, trusted) && !signs(now, now); ) {
    const next = [...trusted, ...served].find((one) => !path.includes(one) && signs(one, now));
    if (!next) break;
    path.push(next);
    now = next;
  }
  return path;
}

const signs = (issuer: X509Certificate, one: X509Certificate): boolean =>
  one.checkIssued(issuer) && one.verify(issuer.publicKey);

const isTrusted = (one: X509Certificate, trusted: readonly X509Certificate[]): boolean =>
  trusted.some((root) => root.fingerprint256 === one.fingerprint256);

/** A chain of one certificate that is not its own issuer may lack what lies between; else its end is not trusted. */
function brokenAt(leaf: X509Certificate, last: X509Certificate, trusted: readonly X509Certificate[]): ChainFault {
  const root = signs(last, last) ? last : undefined;
  const issuer = nameOf(last.issuer);
  // The organisation of an authority is in the name of its intermediates, too. That tells the two cases apart.
  const related = trusted.some(
    (one) => partOf(one.subject, "O") !== "" && partOf(one.subject, "O") === partOf(last.issuer, "O"),
  );
  if (!root && last === leaf && related) return { kind: "missingIntermediate", leaf: nameOf(leaf.subject), issuer };
  return { kind: "unknownRoot", endsAt: root ? nameOf(root.subject) : issuer, root };
}

const hasName = (leaf: X509Certificate, host: string): boolean =>
  isIP(host) > 0 ? leaf.checkIP(host) !== undefined : leaf.checkHost(host, { subject: "never" }) !== undefined;

const partOf = (name: string, part: string): string => new RegExp(`^${part}=(.*)$`, "m").exec(name)?.[1] ?? "";

/** What people call a certificate. */
export function nameOf(name: string): string {
  return partOf(name, "CN") || partOf(name, "O") || name.replaceAll("\n", ", ");
}

/** The certificates of a PEM file; what is none of them is left out. */
export function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).flatMap((one) => {
    try {
      return [new X509Certificate(one)];
    } catch {
      return [];
    }
  });
}
