/**
 * Whatever comes through a door from outside: it is read or refused in words, in bounded time, and nothing that a terminal would obey
 * comes out. Random JSON, bytes, and texts that are nearly right.
 */
import { strict as assert } from "node:assert";

import { RunError } from "@pulumi/pulumi/errors";
import * as fc from "fast-check";

import { diagnosesText } from "../../cli/text";
import { painter, printed } from "../../cli/terminal";
import type { Cluster } from "../../components/cluster/kubeconfig";
import { parseReport } from "../../components/node/nodeScript";
import { Repository } from "../../components/registry/repository";
import { Requests } from "../../components/registry/requests";
import { explainedSigning } from "../../components/registry/signing/failures";
import { nodesNotListed, selectNodes } from "../../components/sources/cluster";
import { nodesOfInventory } from "../../components/sources/inventoryNodes";
import { hostKeyOf, hostsOfKnownHosts } from "../../components/sources/knownHosts";
import { sshHostOf } from "../../components/sources/sshConfig";
import { diagnose } from "../../doctor/diagnose";
import { CouldNotLook, parseFacts } from "../../doctor/facts";
import { redactedIn } from "../../doctor/redact";
import { stuckPods } from "../../doctor/stuckPods";
import { factsOf } from "../doctor/nodeFacts";
import { type Tier, currentTier } from "../support/tier";

/** How many inputs each door gets. */
const CASES: Record<Tier, number> = { check: 40, test: 40, all: 200, long: 10_000 };
const numRuns = CASES[currentTier()];

const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const harmless = (text: string): void => {
  assert.equal(OBEYED.exec(text.replace(/[\n\t]/g, "")), null, JSON.stringify(text.slice(0, 500)));
};

/** What terminals obey, what JavaScript minds, and anything else. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "\u001b[2J",
    "\u009b1A",
    "\u202e",
    "a".repeat(5000),
    "\0",
    "",
    "1e999",
    "-1",
  ),
);
const json = fc.jsonValue({ maxDepth: 3, stringUnit: "binary" });
/** JSON with one of its values replaced, at any depth. */
const nearly = (value: unknown): fc.Arbitrary<unknown> => {
  const places: (readonly string[])[] = [];
  const visit = (one: unknown, path: readonly string[]): void => {
    places.push(path);
    if (typeof one === "object" && one !== null)
      for (const [key, child] of Object.entries(one)) visit(child, [...path, key]);
  };
  visit(value, []);
  return fc
    .tuple(fc.constantFrom(...places), fc.oneof(json, text))
    .map(([path, other]) => replaced(value, path, other));
};
function replaced(value: unknown, [key, ...rest]: readonly string[], other: unknown): unknown {
  if (key === undefined) return other;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, other);
  return copy;
}
/** Texts of words that a grammar knows, and of others. */
const wordy = (...words: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: text }), {
      maxLength: 30,
    })
    .map((all) => all.join(""));

/** @param documented Whether an error is one that the door documents. */
function tried(
  run: () => unknown,
  documented: (error: unknown) => boolean = (error) => RunError.isInstance(error),
): void {
  try {
    run();
  } catch (error) {
    if (!documented(error)) throw error;
    harmless(printed((error as Error).message));
  }
}

describe("what comes from outside", function () {
  this.timeout("10m");

  const REPORT = {
    ...{
      status: "changed",
      changed: ["/etc/x"],
      digest: "",
      image: "r.example/p:1",
      kubelet: "",
      node: "a",
      pinned: true,
    },
    ...{
      previousImage: "",
      restarted: ["containerd"],
      runtime: "containerd",
      runtimeVersion: "2.1",
      scriptVersion: "x",
    },
  };
  it("as a node's report is read or refused", () => {
    const reports = fc.oneof(
      nearly(REPORT).map((one) => JSON.stringify(one)),
      json.map((one) => JSON.stringify(one)),
      text,
      wordy("{", "}", '"status"', ":", ",", "\n", JSON.stringify(REPORT)),
    );
    fc.assert(
      fc.property(reports, (stdout) => {
        tried(() => {
          const report = parseReport(stdout);
          harmless(JSON.stringify(report));
          assert.ok(Object.keys(report).every((field) => field in REPORT));
        });
      }),
      { numRuns },
    );
  });

  it("as a node's facts is judged, or could not be looked at", () => {
    const { failed, ...facts } = factsOf("registry.example:5000/platform/pause:1");
    const lines = (all: object): string =>
      Object.entries(all)
        .map(([fact, value]) => JSON.stringify({ fact, value: value as unknown }))
        .join("\n");
    const stdouts = fc.oneof(
      {
        weight: 4,
        arbitrary: nearly(facts).map((one) => (typeof one === "object" && one !== null ? lines(one) : String(one))),
      },
      json.map((one) => `{"fact":${JSON.stringify(one)}}`),
      text,
    );
    fc.assert(
      fc.property(stdouts, (stdout) => {
        tried(
          () => {
            const found = diagnose({ node: "a", host: "a", facts: parseFacts(stdout), walks: [], ourSeconds: 0 });
            harmless(printed(diagnosesText([redactedIn(found)], painter(true))).replace(/\p{Cc}\[\d+m/gu, ""));
          },
          (error) => error instanceof CouldNotLook,
        );
      }),
      { numRuns },
    );
    assert.deepEqual(failed, {});
  });

  it("as Pods and Events is shown, or passed over", async () => {
    const pod = {
      metadata: { name: "a", namespace: "x", uid: "1" },
      spec: { nodeName: "n" },
      status: { conditions: [{ type: "PodReadyToStartContainers", status: "False" }] },
    };
    const event = { involvedObject: { uid: "1" }, message: "m", lastTimestamp: "2026-01-01T00:00:00Z" };
    await fc.assert(
      fc.asyncProperty(nearly([pod]), nearly([event]), async (pods, events) => {
        const list = (items: unknown) => () => Promise.resolve({ items, metadata: {} });
        const cluster = {
          server: "https://x",
          called: "it",
          pods: list(pods),
          events: list(events),
        } as unknown as Cluster;
        try {
          const found = await stuckPods(cluster);
          harmless(
            printed(
              found.map(({ namespace, name, node, event: said }) => [namespace, name, node, said].join(" ")).join("\n"),
            ),
          );
        } catch (error) {
          tried(() => {
            throw error;
          });
        }
      }),
      { numRuns },
    );
  });

  it("as a registry's answers is read, or refused with what to do", async () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
    const bodies = fc
      .oneof(
        nearly({ manifests: [{ digest, artifactType: BUNDLE, annotations: { x: "y" } }] }),
        nearly({ layers: [{ mediaType: BUNDLE, digest }] }),
        nearly({ token: "x" }),
      )
      .map((one) => JSON.stringify(one));
    const answer = fc.record({
      status: fc.constantFrom(200, 200, 200, 401, 307, 404, 500, 0),
      type: fc.constantFrom("application/vnd.oci.image.index.v1+json", "text/html"),
      location: fc.oneof(text, fc.webUrl()),
      link: fc.constantFrom("", "</v2/pause/referrers/x>; rel=next", "<http://other/>; rel=next", "<%>; rel=next"),
      challenge: fc.oneof(
        text,
        fc.constantFrom('Bearer realm="https://x/t"', 'Bearer realm="http://x/t"', "Basic", "Bearer"),
      ),
      body: fc.oneof(bodies, text),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 6 }), async (answers) => {
        let asked = 0;
        const fetch = (url: string): unknown => {
          assert.match(url, /^https:/);
          const one = answers[asked++ % answers.length];
          const headers: Record<string, string | undefined> = {
            location: one?.location,
            link: one?.link,
            "content-type": one?.type,
            "www-authenticate": one?.challenge,
          };
          return Promise.resolve({
            status: one?.status,
            headers: { get: (name: string) => headers[name] },
            body: [Buffer.from(one?.body ?? "")],
          });
        };
        const requests = new Requests(fetch as never, "https://r.example", "s", {
          username: "bob",
          password: "hunter2",
        });
        const repository = new (Repository as unknown as new (...given: unknown[]) => Repository)(
          requests,
          "https://r.example/v2/pause/",
        );
        try {
          const read: unknown[] = [];
          for await (const one of repository.bundles(await repository.referrers(digest), "x")) read.push(one);
        } catch (error) {
          assert.ok(!["TypeError", "RangeError", "SyntaxError"].includes((error as Error).name), String(error));
          const { message } = explainedSigning(error, { reference: "r.example/pause:1", digest }, "verified");
          harmless(message);
          assert.ok(!message.includes("hunter2"));
        }
        assert.ok(asked < 2000);
      }),
      { numRuns },
    );
  });

  it("as an inventory is read or refused", () => {
    const ini = wordy(
      "[",
      "]",
      ":",
      "children",
      "vars",
      "all",
      "a",
      "\n",
      " ",
      "=",
      "ansible_host",
      "ansible_port",
      "'",
      '"',
      "#",
      "[1:3]",
      "[a:c]",
      "-J b",
      "ansible_ssh_common_args",
      ",",
      "!",
      "*",
      "\\",
    );
    const yaml = wordy(
      "all:",
      "\n",
      "  ",
      "hosts:",
      "a:",
      "children:",
      "vars:",
      "&x",
      "*x",
      "- ",
      "{",
      "}",
      "'",
      "!!js",
      "|",
      ">",
      "? ",
      "ansible_port: 22",
    );
    const tree = nearly({
      _meta: { hostvars: { a: { ansible_port: 22, ansible_host: "x", ansible_ssh_common_args: "-J b" } } },
      all: { hosts: ["a"], children: ["g"] },
      g: { hosts: ["a"] },
    });
    fc.assert(
      fc.property(
        fc.oneof(
          ini,
          yaml,
          tree.map((one) => JSON.stringify(one)),
          text,
        ),
        fc.constantFrom("all", "g", "a"),
        (inventory, group) => {
          tried(() => nodesOfInventory(inventory, { group }));
        },
      ),
      { numRuns },
    );
  });

  it("as ssh_config or known_hosts is read or refused", () => {
    const config = wordy(
      "Host ",
      "w",
      "\n",
      " ",
      "Port ",
      "22",
      "HostName ",
      "%h",
      "%%",
      "%x",
      "ProxyJump ",
      "a,b",
      "Match ",
      "all",
      "exec ",
      '"',
      "User ",
      "=",
      "*",
      "?",
      "!",
      "#",
      "Include x",
      "IdentityFile ~/x",
    );
    const known = wordy(
      "w",
      ",",
      " ",
      "\n",
      "ssh-ed25519 ",
      "AAAA",
      "@revoked ",
      "@cert-authority ",
      "|1|",
      "=",
      "*",
      "!",
      "[w]:22",
      "#",
    );
    fc.assert(
      fc.property(config, known, (ssh, keys) => {
        tried(() => sshHostOf(ssh, "w"));
        tried(() => hostKeyOf(keys, "w"));
        tried(() => hostsOfKnownHosts(keys));
      }),
      { numRuns },
    );
  });

  it("as Node objects is taken, left out or refused", () => {
    const node = {
      metadata: { name: "n", labels: { pool: "a" } },
      status: {
        addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
        conditions: [{ type: "Ready", status: "True" }],
        nodeInfo: { operatingSystem: "linux" },
      },
    };
    fc.assert(
      fc.property(nearly([node, node]), fc.constantFrom("InternalIP", "pool", "__proto__"), (nodes, address) => {
        if (!Array.isArray(nodes)) return;
        tried(() => {
          const { found, leftOut } = selectNodes(nodes as never, { address, canaryLabel: "pool", groupLabel: "pool" });
          harmless(printed([...found, ...leftOut].map(({ name }) => name).join(" ")));
          nodesNotListed(nodes as never, ["n"]);
        });
      }),
      { numRuns },
    );
  });
});
