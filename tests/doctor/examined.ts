/** A node and its registry, over real TLS, with one thing that differs; and what the doctor makes of it. */
import { strict as assert } from "node:assert";
import { connect } from "node:net";

import { verdict } from "../../cli/text";
import { diagnose } from "../../doctor/diagnose";
import type { Facts } from "../../doctor/facts";
import type { Diagnosis } from "../../doctor/finding";
import { isLocal, pulledImage } from "../../doctor/pulledImage";
import type { Walk } from "../../doctor/judge/wire";
import { looksIn, recordOf } from "../../doctor/record";
import { routesOf } from "../../doctor/routes";
import { type Dial, walk } from "../../doctor/wire";
import { needs } from "../support/needs";
import { CLOCK, DIR, factsOf } from "./nodeFacts";
import { type Answers, Certificates, having, type Pair, serve, stopAll } from "./servers";

export const NAME = "registry.bank.example";
const PATH = "platform/pause:1.0.0";
export const YEAR = 31_557_600;

/** What makes one cause. */
export interface Cause {
  readonly what: string;
  readonly answers?: Answers;
  /** The chain that the registry sends. Default: its certificate alone, for {@link NAME}. */
  readonly tls?: (made: Made) => { cert: string; key: string } | undefined;
  /** How the node differs. Default: it trusts the registry's root by its hosts.toml. */
  readonly node?: (image: string, facts: Facts, made: Made) => Facts;
  /** Without a registry that listens. */
  readonly gone?: true;
  /** Our own clock. Default: the node's. */
  readonly ourSeconds?: number;
  readonly code: string | undefined;
  readonly verdict: RegExp;
}

export interface Made {
  /** Where a cause makes others. */
  readonly certificates: Certificates;
  readonly root: Pair;
  readonly leaf: Pair;
  readonly middle: Pair;
  readonly under: Pair;
  readonly other: Pair;
}

export const hosts = (image: string, root: string, more = "") => {
  const registry = image.split("/")[0] ?? "";
  const entries = [`host|https://${registry}|ca\t"${DIR}/${registry}/ca.crt"`, ...more.split("\n").filter(Boolean)];
  const files = [{ path: `${DIR}/${registry}/hosts.toml`, entries }];
  return { directory: DIR, directories: [registry], files, trusted: root };
};

/** A registry that answers everything with one status. */
export const withStatus =
  (status: number): Answers =>
  () => ({ status });

let made: Made;
/** The certificates of the registry, within a test. */
export const pairs = (): Made => made;

/** Every name leads to this machine. */
const dial: Dial = (_, port) => connect(port, "127.0.0.1");

export async function examined(cause: Cause): Promise<Diagnosis> {
  let port = 0;
  const ask: Answers = (path, headers) => {
    const answer = (cause.answers ?? having("amd64", "arm64"))(path, headers);
    const change = Object.entries(answer.headers ?? {}).map(([name, value]) => [
      name,
      value.replace("@PORT@", String(port)),
    ]);
    return { ...answer, headers: Object.fromEntries(change) as Record<string, string> };
  };
  port = await serve(ask, cause.tls ? cause.tls(made) : made.leaf);
  if (cause.gone) stopAll();
  const image = `${NAME}:${port}/${PATH}`;
  const trusted = factsOf(image, { registry: hosts(image, made.root.cert) });
  const facts = cause.node?.(image, trusted, made) ?? trusted;
  const parts = pulledImage(image);
  const pulled = pulledImage(facts.runtime?.image ?? "");
  assert.ok(parts && pulled);
  const walks: Walk[] = [];
  for (const route of isLocal(pulled) ? [] : routesOf(facts, pulled)) {
    walks.push({ route, fact: await walk(dial, { ...parts, ...route, architecture: "amd64" }) });
  }
  const look = { node: "worker-7", host: "10.0.0.11", facts, walks, ourSeconds: cause.ourSeconds ?? CLOCK };
  const diagnosis = diagnose(look);
  // Whoever gets a bundle comes to the same.
  const [read] = looksIn(recordOf([look]));
  assert.ok(read && "facts" in read);
  assert.deepEqual(diagnose(read), diagnosis);
  return diagnosis;
}

/** `describe` with a registry's certificates. It is left out without openssl. */
export function withRegistry(title: string, tests: () => void): void {
  (needs("openssl") ? describe : describe.skip)(title, function () {
    this.timeout("60s");
    const certificates = new Certificates();
    before(() => {
      const root = certificates.make({ name: "Bank Root CA G2", organisation: "Bank" });
      const middle = certificates.make({ name: "Bank Issuing CA 3", organisation: "Bank", signer: root });
      const proxy = certificates.make({ name: "Inspection Proxy", organisation: "Network" });
      const leaf = (signer: Pair) => certificates.make({ name: NAME, signer, names: `DNS:${NAME}` });
      made = { certificates, root, middle, leaf: leaf(root), under: leaf(middle), other: leaf(proxy) };
    });
    afterEach(stopAll);
    after(() => {
      certificates.remove();
    });
    tests();
  });
}

/** A test for each: its code and its verdict. */
export function itNames(causes: readonly Cause[]): void {
  for (const cause of causes) {
    it(`names ${cause.what}`, async () => {
      const diagnosis = await examined(cause);
      assert.equal(diagnosis.findings[0]?.code, cause.code, JSON.stringify(diagnosis, null, 1));
      assert.match(verdict(diagnosis.node, diagnosis.findings, { unknown: diagnosis.unknown }), cause.verdict);
    });
  }
}
