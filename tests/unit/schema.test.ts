/** What Pulumi's own analyzer makes of the components: the API of every other language. */
import type { PackageSpec, Property } from "@pulumi/pulumi/provider/experimental/schema";
import * as assert from "assert";
import * as fs from "fs";
import * as path from "path";

import { Components } from "../../plugin/schema";

const GOLDEN = path.join(__dirname, "schema.json");

/** As `pulumi package get-schema` has it, without a language host. */
const schema = async () => JSON.parse(await new Components().getSchema()) as PackageSpec;

describe("the components for other languages", function () {
  // The compiler reads the types of Kubernetes.
  this.timeout(120_000);
  let spec: PackageSpec;
  before(async () => {
    spec = await schema();
    if (process.env.PAUSE_SANDBOX_GOLDEN === "write") fs.writeFileSync(GOLDEN, `${JSON.stringify(spec, null, 2)}\n`);
  });

  it("have the schema that was agreed on (make update agrees on another one)", () => {
    assert.deepStrictEqual(spec, JSON.parse(fs.readFileSync(GOLDEN, "utf8")));
  });

  it("have every field of every type described, and the default of each that may be left out", () => {
    const missing: string[] = [];
    const look = (owner: string, fields: Record<string, Property> = {}, required: string[] = [], inputs = true) => {
      for (const [name, { description = "" }] of Object.entries(fields)) {
        if (description === "" || description.includes("{@")) missing.push(`${owner}.${name}`);
        if (inputs && !required.includes(name) && !/\bDefault: /.test(description))
          missing.push(`${owner}.${name}: default`);
      }
    };
    for (const [token, resource] of Object.entries(spec.resources)) {
      look(token, resource.inputProperties, resource.requiredInputs);
      look(token, resource.properties, resource.required, false);
    }
    const reports = /:(NodeReport|BootPayloads)$/;
    for (const [token, type] of Object.entries(spec.types)) {
      look(token, type.properties, type.required, !reports.test(token));
      for (const { name, description } of type.enum ?? []) if (!description) missing.push(`${token}.${name}`);
    }
    assert.deepStrictEqual(missing, []);
  });

  it("have no type whose name ends in Args: every generator adds that", () => {
    assert.deepStrictEqual(
      Object.keys(spec.types).filter((token) => token.endsWith("Args")),
      [],
    );
  });

  it("want plain values only where these decide which resources exist, their order or the engine's options", () => {
    const plain = new Set<string>();
    const look = (owner: string, fields: Record<string, Property> = {}) => {
      for (const [name, field] of Object.entries(fields)) if (field.plain) plain.add(`${owner}.${name}`);
    };
    const short = (token: string) => token.split(":").pop() ?? "";
    for (const [token, { inputProperties }] of Object.entries(spec.resources)) look(short(token), inputProperties);
    for (const [token, { properties }] of Object.entries(spec.types)) look(short(token), properties);
    assert.deepStrictEqual([...plain].sort(), [
      ...[
        "ClusterNode.canary",
        "ClusterNode.gone",
        "ClusterNode.group",
        "ClusterNode.name",
        "ClusterNode.restoreOnRemoval",
        "ClusterNode.sftp",
      ],
      // An option of the engine's, as canary is one of the order.
      ...["LocalhostPod.readyTimeoutSeconds"],
      ...["PauseImage.alsoTags", "PauseImage.plainHttp", "PauseImage.platforms", "PauseImage.source"],
      // Without a proof, or with dryRun, there is no Pod.
      ...[
        "PauseSandbox.dryRun",
        "PauseSandbox.groups",
        "PauseSandbox.image",
        "PauseSandbox.maxUnavailable",
        "PauseSandbox.nodes",
      ],
      "PauseSandbox.proof",
      ...["Proof.readyTimeoutSeconds", "Proof.runtimeClasses", "Proof.scope"],
      ...["RolloutGroup.maxUnavailable", "RolloutGroup.name"],
      ...["SandboxImage.alsoTags", "SandboxImage.plainHttp", "SandboxImage.platforms", "SandboxImage.source"],
    ]);
  });
});
