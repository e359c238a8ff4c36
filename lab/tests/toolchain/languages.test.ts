import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PULUMI } from "../../toolchain/versions";
import { Machine, toolchain } from "./double";

describe("lab/toolchain/get: Go and Python", function () {
  this.timeout(60_000);
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
  });
  afterEach(() => {
    machine.remove();
  });

  /** A Python 3.11 whose virtual environments have a pip that does what it is told to. */
  function installPython(pip: string): void {
    machine.install(
      "python3",
      `case $1 in
  -c) case $2 in *version_info*) echo 3.11 ;; esac ;;
  -m) mkdir -p "$3/bin"; echo '#!/bin/sh' >"$3/bin/python"; echo '${pip}' >>"$3/bin/python"; chmod 755 "$3/bin/python" ;;
esac`,
    );
  }

  const environments = (): string[] =>
    existsSync(join(machine.cache, "python")) ? readdirSync(join(machine.cache, "python")) : [];

  it("takes the Go on PATH that can build sdkgen", async () => {
    machine.installGo();
    const { code, paths } = await machine.get("go");
    assert.deepEqual([code, paths, machine.leftovers()], [0, [join(machine.bin, "go")], []]);
  });

  it("installs Python's packages once, from the list that is here", async () => {
    const calls = join(machine.home, "calls");
    installPython(`echo "$@" >>${calls}`);
    const first = await machine.get("python");
    const second = await machine.get("python");
    assert.deepEqual([first.code, first.paths], [0, second.paths]);
    assert.match(first.paths[0] ?? "", /python\/3\.11-[0-9a-f]{12}\/bin\/python$/);
    const list = `-m pip install --only-binary :all: --requirement ${join(toolchain, "python.txt")}\n`;
    assert.equal(readFileSync(calls, "utf8"), list);
    assert.match(second.log, /python: cached/);
  });

  it("says that PyPI cannot be reached, and leaves nothing", async () => {
    installPython('echo "ProxyError(Cannot connect to proxy.)"; exit 1');
    const { code, paths, log } = await machine.get("python");
    assert.deepEqual([code, paths, environments(), machine.leftovers()], [1, [], [], []]);
    assert.match(log, /ProxyError[^]*error: PyPI cannot be reached; name a mirror with PIP_INDEX_URL/);
  });

  it("shows what pip said when it is something else", async () => {
    installPython('echo "No matching distribution found for pulumi"; exit 1');
    const { code, log } = await machine.get("python");
    assert.equal(code, 1);
    assert.match(log, /No matching distribution found for pulumi/);
    assert.doesNotMatch(log, /PyPI cannot be reached/);
  });

  it("pins each of Python's packages, and Pulumi's at no newer version than pulumi", () => {
    const packages = readFileSync(join(toolchain, "python.txt"), "utf8").trim().split("\n").slice(1);
    assert.deepEqual(
      packages.filter((line) => !/^[\w-]+==\d[\w.]*$/.test(line)),
      [],
    );
    const [pulumi = ""] = packages.flatMap((line) => /^pulumi==(.*)$/.exec(line)?.[1] ?? []);
    assert.match(pulumi, /^3\.\d+\.\d+$/);
    assert.ok(Number(pulumi.split(".")[1]) <= Number(PULUMI.split(".")[1]), `${pulumi} is newer than ${PULUMI}`);
  });
});
