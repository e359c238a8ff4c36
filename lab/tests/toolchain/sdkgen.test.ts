import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PULUMI } from "../../toolchain/versions";
import { toolchain } from "./double";

const schema = {
  name: "small-package",
  version: "1.2.3",
  resources: {
    "small-package:index:Thing": {
      isComponent: true,
      inputProperties: { firstName: { type: "string" } },
      requiredInputs: ["firstName"],
    },
  },
};

describe("sdkgen", function () {
  // Where it is not cached it is built.
  this.timeout(20 * 60_000);
  let sdkgen: string;
  let folder: string;
  before(() => {
    sdkgen = execFileSync(join(toolchain, "get"), ["sdkgen"], { encoding: "utf8" }).trim();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sdkgen-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function run(language: string, spec: object): { status: number | null; stderr: string } {
    writeFileSync(join(folder, "schema.json"), JSON.stringify(spec));
    return spawnSync(sdkgen, [language, join(folder, "schema.json"), join(folder, "sdk")], { encoding: "utf8" });
  }

  it("was built from the source that is here; else remove tools/sdkgen-* from the cache", () => {
    const source = join(toolchain, "modules", `sdkgen-${PULUMI}`, "main.go");
    assert.equal(execFileSync(sdkgen, ["source"], { encoding: "utf8" }), readFileSync(source, "utf8"));
  });

  for (const [language, file, holds] of [
    ["go", "smallpackage/thing.go", /FirstName pulumi\.StringInput/],
    ["go", "go.mod", /^module example\.com\/pulumi-small-package\/sdk\/go$/m],
    ["python", "pulumi_small_package/thing.py", /first_name: pulumi\.Input\[/],
    ["python", "setup.py", /VERSION = "1\.2\.3"/],
  ] as const) {
    it(`writes ${file} of the SDK for ${language}, as "pulumi package add" does`, () => {
      const { status, stderr } = run(language, schema);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.match(readFileSync(join(folder, "sdk", file), "utf8"), holds);
    });
  }

  const inputs = (firstName: object): object => ({
    ...schema,
    resources: { "small-package:index:Thing": { inputProperties: { firstName } } },
  });
  for (const [what, language, spec, says] of [
    ["a language that it has no generator for", "csharp", schema, /no generator for "csharp", there are go and python/],
    ["a schema with a type that it lacks", "go", inputs({ $ref: "#/types/small-package:index:No" }), /:index:No/],
    [
      "a schema that refers to another package",
      "python",
      inputs({ $ref: "/other/v1.0.0/schema.json#/types/other:index:Type" }),
      /refers to the package other, and sdkgen reads one schema only/,
    ],
  ] as const) {
    it(`refuses ${what}, and writes nothing`, () => {
      const { status, stderr } = run(language, spec);
      assert.equal(status, 1);
      assert.match(stderr, says);
      assert.equal(existsSync(join(folder, "sdk")), false);
    });
  }

  it("says how it is called", () => {
    const { status, stderr } = spawnSync(sdkgen, [], { encoding: "utf8" });
    assert.equal(status, 2);
    assert.match(stderr, /^usage: sdkgen go\|python SCHEMA\.json FOLDER$/m);
  });
});
