/** Looks as JSON, to be judged by somebody else: redacted, and only with the authorities that a judgement needs. */
import { X509Certificate } from "node:crypto";
import { gzipSync } from "node:zlib";

import { certificatesOf } from "./chain";
import type { Look } from "./diagnose";
import type { TriedPod } from "./finding";
import { CouldNotLook, type Facts, parseFacts, unpacked } from "./facts";
import type { Walk } from "./judge/wire";
import { redacted, redactedIn } from "./redact";
import { unquoted } from "./sandboxes";

const VERSION = 1;

/** A node that nobody could look at, and why. */
export interface NotLooked {
  readonly node: string;
  readonly unlooked: string;
}

/** What stands before the JSON in a bundle. */
const HEAD = `Facts (JSON, version ${VERSION}): pause-sandbox doctor --from FILE judges them`;

/** @returns lines for the end of a bundle */
export function recordOf(looks: readonly (Look | NotLooked)[]): string {
  const nodes = looks.map((one) => redactedIn("unlooked" in one ? one : recorded(one)));
  return `${HEAD}\n\n${JSON.stringify({ version: VERSION, nodes })}\n`;
}

function recorded({ facts, walks, ...rest }: Look) {
  const served = walks.flatMap(({ fact }) => fact.served ?? []);
  const told = walks.map(({ route, fact }) => ({
    route,
    fact: { ...fact, served: fact.served?.map((one) => one.toString()) },
  }));
  const events = facts.events?.map(redactedLine);
  return { ...rest, facts: { ...facts, events, roots: facts.roots && fewer(facts.roots, served) }, walks: told };
}

/** A line of a log, whose quoted values hide from patterns what is quoted in them once more. */
const redactedLine = (line: string): string =>
  line.replace(
    /\b(\w+)=("(?:[^"\\]|\\.)*")/g,
    (_, key: string, value: string) => `${key}=${JSON.stringify(redacted(unquoted(value)))}`,
  );

/** Of some hundred authorities, those that have to do with what was served: its issuers, and others of the same organisation. */
function fewer(roots: NonNullable<Facts["roots"]>, served: readonly X509Certificate[]) {
  const organisation = (name: string) => /^O=(.*)$/m.exec(name)?.[1];
  const names = new Set(served.flatMap(({ issuer, subject }) => [issuer, subject]));
  const organisations = new Set([...names].flatMap((name) => organisation(name) ?? []));
  const kept = certificatesOf(unpacked(roots.packed)).filter(
    ({ subject }) => names.has(subject) || organisations.has(organisation(subject) ?? ""),
  );
  return { ...roots, packed: gzipSync(kept.map((one) => one.toString()).join("")).toString("base64") };
}

/**
 * @param text A bundle.
 * @throws CouldNotLook where it has no facts of this version.
 */
export function looksIn(text: string): (Look | NotLooked)[] {
  const at = text.lastIndexOf(HEAD);
  if (at < 0)
    throw new CouldNotLook(`it has no facts of version ${VERSION}: a bundle of this version of the doctor has`);
  let record: { nodes?: unknown };
  try {
    record = JSON.parse(text.slice(at + HEAD.length)) as object;
  } catch {
    throw new CouldNotLook("its facts are no whole JSON");
  }
  if (!Array.isArray(record.nodes)) throw new CouldNotLook("its facts have no nodes");
  return record.nodes.map(lookIn);
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const textIn = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A bundle may be anybody's: its facts come in by the same door as those of a node. */
function lookIn(value: unknown): Look | NotLooked {
  const { node, host, unlooked, facts, walks, ourSeconds, wanted, stuck, tried } = fieldsOf(value);
  if (typeof unlooked === "string") return { node: textOf(node), unlooked };
  const { failed, ...told } = fieldsOf(facts);
  const lines = [
    ...Object.entries(told).map(([fact, one]) => JSON.stringify({ fact, value: one })),
    ...Object.entries(fieldsOf(failed)).map(([fact, why]) => JSON.stringify({ fact, failed: why })),
  ];
  const { image, digest, ca, carried, heals } = fieldsOf(wanted);
  return {
    ...{ node: textOf(node), host: textOf(host), ourSeconds: Number(ourSeconds) || 0 },
    facts: parseFacts(lines.join("\n")),
    walks: listIn(walks).map(walkIn),
    wanted:
      typeof image === "string"
        ? { image, digest: textIn(digest), ca: ca === true, carried: carried === true, heals: heals === true }
        : undefined,
    stuck: Array.isArray(stuck) ? stuck.map(podIn) : undefined,
    tried: tried === undefined ? undefined : triedIn(tried),
  };
}

function triedIn(value: unknown): TriedPod {
  const { namespace, name, address, error, untried, events, left } = fieldsOf(value);
  return {
    ...{ namespace: textOf(namespace), name: textOf(name), address: textIn(address), error: textIn(error) },
    ...{ untried: textIn(untried), events: listIn(events).map(textOf), left: textIn(left) },
  };
}

function podIn(value: unknown) {
  const { namespace, name, node, event } = fieldsOf(value);
  return { namespace: textOf(namespace), name: textOf(name), node: textOf(node), event: textOf(event) };
}

function walkIn(value: unknown): Walk {
  const { route, fact } = fieldsOf(value);
  const { host, port, plainHttp, takesCa, hasLogin, url, proxy } = fieldsOf(route);
  const { unreached, noTls, served, status, realm, digest, architectures } = fieldsOf(fact);
  return {
    route: {
      ...{ host: textOf(host), port: Number(port) || 0, url: textOf(url) },
      ...{
        plainHttp: plainHttp === true,
        takesCa: takesCa === true,
        hasLogin: hasLogin === true,
        proxy: textIn(proxy),
      },
    },
    fact: {
      ...{ unreached: textIn(unreached), noTls: textIn(noTls), realm: textIn(realm), digest: textIn(digest) },
      served: Array.isArray(served) ? certificatesOf(served.map(textOf).join("\n")) : undefined,
      status: typeof status === "number" ? status : undefined,
      architectures: Array.isArray(architectures) ? architectures.map(textOf) : undefined,
    },
  };
}
