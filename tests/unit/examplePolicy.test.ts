/** The example of a policy pack: its functions, called with resources as the engine has them. */
import * as assert from "assert";

import type * as pulumi from "@pulumi/pulumi";
import type { PolicyResource, ResourceValidationArgs, StackValidationArgs } from "@pulumi/policy";

import { mocksOf } from "../../components/testing";
import { beforeNodes, wholeStack } from "../../examples/policy/registry";
import { preview } from "../support/exampleStacks";

const OWN = "registry.example.com:5000";
const OTHER = "registry.example.com/platform/pause:1.0.0";

type Resource = Pick<PolicyResource, "type" | "name" | "props">;

const node = (props: Record<string, unknown>): Resource => ({ type: "command:remote:Command", name: "node", props });
const asked = (image: string) => `sudo -n sh .pause-sandbox-0123456789abcdef.sh apply node=w image=${image} recheck=1`;
const report = (image: string) => `Welcome!\n${JSON.stringify({ node: "worker-1", image, status: "changed" })}\n`;

/** What the policy for a single resource reports. */
async function ofResource(resource: Resource): Promise<string[]> {
  const violations: string[] = [];
  const args = { ...resource, getConfig: () => ({ registry: OWN }) } as unknown as ResourceValidationArgs;
  const { validateResource } = beforeNodes;
  assert.ok(typeof validateResource === "function");
  await validateResource(args, (message) => violations.push(message));
  return violations;
}

/** What the policy for a stack reports, with the resource that it names. */
async function ofStack(resources: Resource[]): Promise<string[]> {
  const violations: string[] = [];
  const all = resources.map((one) => ({ ...one, urn: one.name }));
  const args = { resources: all, getConfig: () => ({ registry: OWN }) } as unknown as StackValidationArgs;
  await wholeStack.validateStack(args, (message, urn) => violations.push(`${urn ?? ""}: ${message}`));
  return violations;
}

/** The resources of an example as the engine has them after a run. */
async function stackOf(example: string): Promise<Resource[]> {
  const { registered } = await preview(example);
  const mocks = mocksOf();
  const made = registered.map(async ({ type, name, inputs }) => {
    const { state } = await mocks.newResource({ type, name, inputs } as pulumi.runtime.MockResourceArgs);
    return { type, name, props: state as Record<string, unknown> };
  });
  return await Promise.all(made);
}

describe("the example of a policy pack", () => {
  it("lets a node be told an image of the own registry", async () => {
    assert.deepStrictEqual(await ofResource(node({ create: asked(`${OWN}/platform/pause:1.0.0`) })), []);
  });

  it("stops a node that is told an image of another registry: the port counts", async () => {
    assert.deepStrictEqual(await ofResource(node({ create: asked(OTHER) })), [
      `${OTHER} is not allowed: the sandbox image must come from ${OWN}`,
    ]);
  });

  it("reads what a node of an example is really told", async () => {
    const nodes = (await stackOf("bare-metal")).filter(({ type }) => type === "command:remote:Command");
    assert.ok(nodes.length > 0);
    const told = nodes.map(({ props }) => / image=([^/]+)/.exec(String(props.create))?.[1]);
    for (const [i, one] of nodes.entries()) {
      assert.strictEqual((await ofResource(one)).length, told[i] === OWN ? 0 : 1);
    }
  });

  it("leaves commands and other resources alone that are no node", async () => {
    assert.deepStrictEqual(await ofResource(node({ create: "docker pull image=of-somebody" })), []);
    assert.deepStrictEqual(await ofResource(node({ create: "true" })), []);
    assert.deepStrictEqual(await ofResource({ ...node({ create: asked(OTHER) }), type: "local:Command" }), []);
    assert.deepStrictEqual(await ofStack([node({ stdout: "{not JSON of ours}\n" })]), []);
  });

  for (const type of ["PauseSandbox", "PauseImage"]) {
    it(`refuses a ${type} whose reference names another registry`, async () => {
      const stack = (reference: string) => ({
        type: `pause-sandbox:index:${type}`,
        name: "pause",
        props: { reference },
      });
      assert.deepStrictEqual(await ofStack([stack(`${OWN}/platform/pause:1.0.0`)]), []);
      assert.deepStrictEqual(await ofStack([stack(OTHER)]), [
        `pause: ${OTHER} is not allowed: the sandbox image must come from ${OWN}`,
      ]);
    });
  }

  it("finds the report of a node among other words of its login", async () => {
    assert.strictEqual((await ofStack([node({ stdout: report(OTHER) })])).length, 1);
    assert.deepStrictEqual(await ofStack([node({ stdout: report(`${OWN}/platform/pause:1.0.0`) })]), []);
  });

  it("reads the reports of a real stack: no node in the own registry is refused, and each in another one", async () => {
    assert.deepStrictEqual(await ofStack(await stackOf("bare-metal")), []);
    const named = (await ofStack(await stackOf("kubeadm-private-ca"))).map((violation) => violation.split(":")[0]);
    assert.deepStrictEqual(named, ["pause-worker-1", "pause-worker-2", "pause-control-1"]);
  });

  it("wants the registry to be set", () => {
    for (const { configSchema } of [beforeNodes, wholeStack])
      assert.deepStrictEqual(configSchema?.required, ["registry"]);
  });
});
