import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import * as path from "node:path";

import { renderBootSetup } from "../../components/boot/renderBootSetup";

describe("the payload for Ignition, as its own validator reads it", function () {
  this.timeout("10m");
  let validator: string;
  before(() => {
    const get = path.join(__dirname, "../../lab/toolchain/get");
    const stdio: ["ignore", "pipe", "inherit"] = ["ignore", "pipe", "inherit"];
    validator = execFileSync(get, ["ignition-validate"], { encoding: "utf8", stdio }).trim();
  });

  /** What the validator says: nothing where all is well. It warns of a field that it does not know. */
  const said = (config: string): string => {
    const { stdout, stderr, error } = spawnSync(validator, ["-"], { input: config, encoding: "utf8" });
    if (error) throw error;
    return stdout + stderr;
  };

  const settings = { image: "registry.example.com/pause:1", digest: `sha256:${"0".repeat(64)}` };
  for (const [name, more] of [
    ["with the program in it", {}],
    ["with the program at a URL", { programUrl: "https://boot.example.com/program" }],
  ] as const) {
    it(`is valid, and has no field that nobody reads: ${name}`, () => {
      assert.equal(said(renderBootSetup({ ...settings, ...more }, "ignition")), "");
    });
  }

  it("is refused with a wrong mode, and warned of with a misspelt field", () => {
    const config = renderBootSetup(settings, "ignition");
    assert.match(said(config.replace(/"mode": \d+/, '"mode": 99999')), /illegal file mode/);
    assert.match(said(config.replace('"enabled"', '"enabledd"')), /unused key enabledd/);
  });
});
