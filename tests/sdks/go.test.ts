/** The SDK for Go compiles, and carries a program's arguments to the components. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { asked, ran } from "../support/ran";
import { assertHostAndSecret, call, documented, type Ended, folder, generate, get, received, ROOT } from "./sdk";

const IMPORT = "example.com/pulumi-pause-sandbox/sdk/go";

const MODULES = path.join(ROOT, "lab/toolchain/modules");

/** Versions are those that lab/toolchain builds sdkgen from. */
function toolchainModules(): { mod: string; sum: string } {
  const [name = "", ...others] = fs.readdirSync(MODULES).filter((one) => one.startsWith("sdkgen-"));
  assert.deepEqual(others, []);
  const read = (file: string) => fs.readFileSync(path.join(MODULES, name, file), "utf8");
  return { mod: read("go.mod"), sum: read("go.sum") };
}

/** Makes a folder a module that uses an SDK, at versions that are known: nothing else is fetched. */
function useModules(program: string, sdk: string): void {
  const { mod, sum } = toolchainModules();
  const own = `\nrequire ${IMPORT} v0.1.0\n\nreplace ${IMPORT} => ${sdk}\n`;
  fs.writeFileSync(
    path.join(program, "go.mod"),
    mod.replace(/^module .*/, "module pause").replace(/^tool .*/m, "") + own,
  );
  fs.writeFileSync(path.join(program, "go.sum"), sum);
  // The SDK asks for at least 3.30, and Go would look at the modules of that too.
  const [version = ""] = /github\.com\/pulumi\/pulumi\/sdk\/v3 v[\d.]+/.exec(mod) ?? [];
  const at = path.join(sdk, "go.mod");
  const wants = fs.readFileSync(at, "utf8");
  fs.writeFileSync(at, wants.replace(/github\.com\/pulumi\/pulumi\/sdk\/v3 v[\d.]+/, version));
}

describe("the SDK for Go", function () {
  // Where nothing is cached, sdkgen and the SDK's own packages are compiled.
  this.timeout("30m");
  let sdk: string;
  let executable: string;
  ran("Go, SDK", () => asked(executable, "version"));
  before(() => {
    const got = get("go");
    assert.equal(got.status, 0, got.said);
    executable = got.out.trim();
    sdk = generate("go", "go");
  });

  const go = (cwd: string, ...args: string[]): Ended =>
    // As lab/toolchain builds: else what it has compiled is compiled again.
    call(cwd, executable, args, { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly -trimpath", GOWORK: "off" });

  function program(name: string, text: string): string {
    const at = folder(name);
    fs.writeFileSync(path.join(at, "main.go"), text);
    useModules(at, sdk);
    return at;
  }

  it("has nothing that the compiler or vet objects to, and takes the documented program", () => {
    const { status, said } = go(program("go-vet", documented("go")), "vet", ".", `${IMPORT}/...`);
    assert.deepEqual([status, said], [0, ""]);
  });

  it("hands a secret inside of the nodes, and a host that is known later, to the component", async () => {
    const at = program("go-run", documented("go"));
    fs.copyFileSync(path.join(__dirname, "wire_test.go"), path.join(at, "wire_test.go"));
    const { status, said, out } = go(at, "test", "-vet=off", "-v", ".");
    assert.equal(status, 0, said);
    const line = out.split("\n").find((one) => one.startsWith("{"));
    assertHostAndSecret(await received(line ?? ""), "worker-1", "10.20.0.11");
  });

  for (const [what, right, wrong, says] of [
    ["a misspelt argument", "MaxUnavailable:", "MaxUnavailble:", /unknown field MaxUnavailble in struct literal/],
    ["a misspelt field of a node's connection", "HostKey:", "Hostkey:", /unknown field Hostkey in struct literal/],
    ["an Output where the value has to be plain", 'pulumi.StringRef("10%")', 'pulumi.String("10%")', /\*string value/],
  ] as const) {
    it(`refuses ${what}, when the program is compiled`, () => {
      const text = documented("go").replaceAll(right, wrong);
      const { status, said } = go(program("go-wrong", text), "vet", ".");
      assert.notEqual(status, 0);
      assert.match(said, says);
    });
  }

  it("has the same names where the package comes from a git repository of somebody", () => {
    const theirs = generate("go", "go-acme", { namespace: "acme" });
    const files = (at: string) => fs.readdirSync(at, { recursive: true, encoding: "utf8" }).sort();
    assert.deepEqual(files(theirs), files(sdk));
    const mod = fs.readFileSync(path.join(theirs, "go.mod"), "utf8");
    assert.match(mod, new RegExp(`^module ${IMPORT.replaceAll(".", "\\.")}$`, "m"));
  });
});
