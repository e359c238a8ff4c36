import * as pulumi from "@pulumi/pulumi";
import { strict as assert } from "node:assert";

import { failureOf } from "../../components/rollout/failure";

const CONNECTION = { host: "10.0.0.5", port: 2222, user: "ops", privateKey: "not shown" };

/** Marks a value as the engine does between plugin and program. */
const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});

describe("the failure of a node names its host", () => {
  for (const [what, connection] of [
    ["plain", CONNECTION],
    ["secret", pulumi.secret(CONNECTION)],
    ["secret twice, as the published plugin has it", pulumi.secret(secret(CONNECTION))],
    ["with a secret host", { ...CONNECTION, host: pulumi.secret(secret("10.0.0.5")) }],
  ] as const) {
    it(`where its connection is ${what}`, async () => {
      const type = "command:remote:Command";
      const errors = ["after 3 failed attempts: dial tcp 10.0.0.5:2222: connect: no route to host"];
      const run = { urn: "", id: "", name: "a", type, newInputs: { connection }, failedOperation: "create", errors };
      const { login } = await failureOf(run as unknown as pulumi.ErrorHookArgs);
      assert.match(login?.text ?? "", /^PS-L001 10\.0\.0\.5:2222 does not answer/);
    });
  }

  const lost = (failedOperation: string, before = "") => {
    const error = `Process exited with status 3: running "sh -c '…;echo PS-N027 no copy …'":\n${before}`;
    const run = {
      name: "pause-a",
      type: "command:remote:Command",
      newInputs: { connection: CONNECTION },
      errors: [error],
    };
    return failureOf({ urn: "", id: "", failedOperation, ...run } as unknown as pulumi.ErrorHookArgs);
  };
  const PRINTED = "PS-N027 no copy of the script passes sha256sum, see docs/errors/PS-N027.md\n";

  it("where the script is not whole, with the command that copies it again", async () => {
    assert.deepEqual(await lost("update", PRINTED), {
      became: "Nothing was changed on that node.",
      wayOut:
        "The script on 10.0.0.5:2222 is not whole. What to do: pulumi up --replace '**pause-a-script'. See docs/errors/PS-N027.md.",
    });
    assert.match((await lost("delete", PRINTED)).wayOut ?? "", /put the node back, .*--replace '\*\*pause-a-script'/);
  });

  it("where the script is whole, though the command has the words of one that is not", async () => {
    assert.deepEqual(await lost("update", "[a] PS-N003 crictl is missing\n"), {
      became: "Nothing was changed on that node.",
    });
  });
});
