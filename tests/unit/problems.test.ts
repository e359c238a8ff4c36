import * as pulumi from "@pulumi/pulumi";
import * as assert from "assert";

import { PauseSandbox } from "../../components";
import { Problems } from "../../components/problems";
import { run } from "../support/mocks";

/** The error that a constructor throws. */
async function errorOf(construct: () => unknown): Promise<pulumi.InputPropertiesError> {
  let caught: unknown;
  await run(() => {
    try {
      construct();
    } catch (error) {
      caught = error;
    }
  });
  assert.ok(pulumi.InputPropertiesError.isInstance(caught), String(caught));
  return caught;
}

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00";
const good = (name: string) => ({ name, connection: { host: name, hostKey } });

describe("an error about arguments", () => {
  const broken = () =>
    new PauseSandbox("pause", {
      image: { reference: "pause", digest: "sha256:1" },
      nodes: [good("a"), good("b"), { name: "c", connection: { host: "c" } }],
      maxUnavailable: "0%",
    });

  it("gives a program the path and the reason of each problem", async () => {
    const { errors } = await errorOf(broken);
    assert.deepStrictEqual(errors.map(({ propertyPath }) => propertyPath).sort(), [
      "image.digest",
      "image.digest",
      "image.reference",
      "maxUnavailable",
      "nodes[2].connection.hostKey",
    ]);
    for (const { propertyPath, reason } of errors) {
      assert.match(reason, /is not allowed; it must be|left out with/);
      assert.ok(!reason.startsWith(propertyPath), "the reason does not say the path again");
    }
  });

  it("gives a person the same in its message, a line a problem", async () => {
    const { message, errors } = await errorOf(broken);
    const lines = errors.map(({ propertyPath, reason }) => `  - ${propertyPath}: ${reason}`);
    assert.strictEqual(message, ['PauseSandbox "pause": 5 problems with the arguments', ...lines].join("\n"));
  });

  it("shows a plain program's user the whole message: the engine prints the stack", async () => {
    const { message, stack } = await errorOf(broken);
    assert.ok(stack?.startsWith(`Error: ${message}\n`), stack);
  });

  it("keeps the message of a check that does not begin with the path", () => {
    const problems = new Problems("x");
    problems.attempt("a.b", () => {
      throw new Error("the disk is full");
    });
    assert.throws(() => {
      problems.throwIfAny();
    }, /- a\.b: the disk is full$/);
  });
});
