/** The example many-clusters: its order, and the program of each stack. */
import * as assert from "assert";

import type { NodeReport } from "../../components";
import { cluster, clusters, image, type Pushed } from "../../examples/many-clusters/clusters";
import { rollOut, type Up } from "../../examples/many-clusters/rollOut";
import { SETTINGS } from "../support/exampleStacks";
import { type Registered, run } from "../support/mocks";
import { configure } from "../support/stackFiles";

/** Not the digest that the mocks give by themselves. */
const DIGEST = `sha256:${"1".repeat(64)}`;
const PUSHED: Pushed = { reference: "registry.example.com:5000/platform/pause:1.0.0", digest: DIGEST };

/** Notes the stacks that are brought up; the named one fails. */
function recorded(failing?: string): { stacks: string[]; up: Up } {
  const stacks: string[] = [];
  const up: Up = (stack) => {
    stacks.push(stack);
    if (stack === failing) return Promise.reject(new Error(`${stack}: a node was not healed`));
    return Promise.resolve({ ...PUSHED });
  };
  return { stacks, up };
}

/** What the program of a cluster's stack registers, and what its nodes report. */
async function previewed(name: string): Promise<{ registered: Registered[]; reports: NodeReport[] }> {
  let reports: NodeReport[] = [];
  const registered = await run(() => {
    configure(SETTINGS["many-clusters"] ?? {});
    const found = clusters.find((one) => one.name === name);
    assert.ok(found);
    return cluster(found, PUSHED).nodes.apply((nodes) => (reports = Object.values(nodes)));
  });
  return { registered, reports };
}

describe("the example many-clusters", () => {
  it("brings up the image, then the clusters, one after the other", async () => {
    const { stacks, up } = recorded();
    await rollOut(clusters, up);
    assert.deepStrictEqual(stacks, ["image", "staging", "production"]);
  });

  for (const [failing, untouched] of [
    ["image", "staging"],
    ["staging", "production"],
  ] as const) {
    it(`does not start with ${untouched} when ${failing} failed, and says why`, async () => {
      const { stacks, up } = recorded(failing);
      await assert.rejects(rollOut(clusters, up), new RegExp(`${failing}: a node was not healed`));
      assert.ok(!stacks.includes(untouched), stacks.join(", "));
    });
  }

  it("starts a stack only when the one before is done", async () => {
    const running = new Set<string>();
    const up: Up = async (stack) => {
      assert.deepStrictEqual([...running], []);
      running.add(stack);
      await new Promise((resolve) => setImmediate(resolve));
      running.delete(stack);
      return { ...PUSHED };
    };
    await rollOut(clusters, up);
  });

  it("gives each cluster what the stack of the image put out", async () => {
    const programs = new Map<string, () => unknown>();
    await rollOut(clusters, (stack, program) => {
      programs.set(stack, program);
      return Promise.resolve({ ...PUSHED });
    });
    const registered = await run(() => {
      configure(SETTINGS["many-clusters"] ?? {});
      return programs.get("staging")?.();
    });
    assert.ok(registered.some(({ type }) => type === "command:remote:Command"));
  });

  it("pushes the image once, in a stack of its own", async () => {
    const pushed = (await run(image)).map(({ type }) => type);
    assert.ok(pushed.includes("docker-build:index:Index"), pushed.join(", "));
    for (const { name } of clusters) {
      const types = (await previewed(name)).registered.map(({ type }) => type);
      assert.deepStrictEqual(
        types.filter((type) => type.startsWith("docker")),
        [],
      );
    }
  });

  it("proves every node of production, in the cluster of its own context, and no node of staging", async () => {
    const { registered: production } = await previewed("production");
    const pods = production.filter(({ type }) => type === "kubernetes:core/v1:Pod");
    assert.deepStrictEqual(
      pods.map(({ name, provider }) => `${name} by ${provider ?? "none"}`),
      ["production-proof-production-1-pod by production", "production-proof-production-2-pod by production"],
    );
    assert.strictEqual(
      production.find(({ type }) => type === "pulumi:providers:kubernetes")?.inputs.context,
      "production",
    );
    assert.ok((await previewed("staging")).registered.every(({ type }) => type !== "kubernetes:core/v1:Pod"));
  });

  it("has every node check the digest of what was pushed", async () => {
    const { reports } = await previewed("production");
    assert.deepStrictEqual(
      reports.map(({ node, image: used, digest }) => [node, used, digest]),
      ["production-1", "production-2"].map((node) => [node, PUSHED.reference, DIGEST]),
    );
  });
});
