/** The SDK for Python installs and imports, and carries a program's arguments to the components. */
import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";

import { asked, ran } from "../support/ran";
import {
  assertHostAndSecret,
  call,
  documented,
  type Ended,
  folder,
  generate,
  get,
  received,
  ROOT,
  succeed,
} from "./sdk";

const PROGRAMS = [
  ["the documented program", () => documented("python"), { "worker-1": "10.20.0.11" }],
  [
    "the example",
    () => fs.readFileSync(path.join(ROOT, "examples/python/__main__.py"), "utf8"),
    { "worker-1": "10.20.0.11", "worker-2": "10.20.0.12" },
  ],
] as const;

describe("the SDK for Python", function () {
  // Where they are not cached, packages are installed, and sdkgen is compiled.
  this.timeout("30m");
  let sdk: string;
  let installed: string;
  let executable: string;
  ran("Python, SDK", () => asked(executable));
  before(function () {
    const got = get("python");
    // What it said is on stderr: which registry to name.
    if (got.said.includes("PyPI cannot be reached")) this.skip();
    assert.equal(got.status, 0, got.said);
    executable = got.out.trim();
    sdk = generate("python", "python");
    installed = folder("site-packages");
    // Building it leaves files beside the sources.
    const copy = folder("python-copy");
    fs.cpSync(sdk, copy, { recursive: true });
    const offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", installed];
    succeed(copy, executable, ["-m", "pip", "install", ...offline, "."]);
  });

  const python = (...args: string[]): Ended =>
    call(folder("python-run"), executable, args, { PYTHONPATH: installed, MYPYPATH: installed });

  function program(text: string): string {
    const file = path.join(folder("python-run"), "program.py");
    fs.writeFileSync(file, text);
    return file;
  }

  const run = (text: string): Ended => python(path.join(__dirname, "wire.py"), program(text));
  // Of the SDK's own code nobody here can mend anything.
  const check = (text: string): Ended => python("-m", "mypy", "--follow-imports", "silent", program(text));

  it("compiles, each of its files", () => {
    const { status, said } = python("-m", "compileall", "-q", "-f", installed);
    assert.deepEqual([status, said], [0, ""]);
  });

  for (const [what, text, hosts] of PROGRAMS) {
    it(`hands secrets inside of the nodes, and hosts that are known later, to the component: ${what}`, async () => {
      const { status, said, out } = run(text());
      assert.equal(status, 0, said);
      const registered = await received(out);
      for (const [node, host] of Object.entries(hosts)) assertHostAndSecret(registered, node, host);
    });

    it(`has types that agree with ${what}`, () => {
      const { status, said } = check(text());
      assert.equal(status, 0, said);
    });
  }

  it("refuses a misspelt argument, when the program runs", () => {
    const { status, said } = run(documented("python").replace("max_unavailable", "max_unavailble"));
    assert.notEqual(status, 0);
    assert.match(said, /TypeError: .* unexpected keyword argument 'max_unavailble'/);
  });

  for (const [what, right, wrong] of [
    ["a misspelt key inside of a dictionary", '"host_key"', '"hostkey"'],
    ["a missing key", '"name": "worker-1",', ""],
    ["another type", '"10%"', "10"],
  ] as const) {
    it(`has types that disagree with ${what}`, () => {
      const { status, said } = check(documented("python").replace(right, wrong));
      assert.equal(status, 1, said);
      assert.match(said, /No overload variant of "PauseSandbox" matches/);
    });
  }

  it("has the same names where the package comes from a git repository of somebody", () => {
    const theirs = generate("python", "python-acme", { namespace: "acme" });
    const files = (at: string) => fs.readdirSync(at, { recursive: true, encoding: "utf8" }).sort();
    assert.deepEqual(files(theirs), files(sdk));
  });
});
