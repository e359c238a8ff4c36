/** The binaries that come with the project: what its sources give, and no others. `make verify-pause` runs this. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import {
  architectureOf,
  buildablePlatforms,
  pauseContext,
  pauseVersion,
  prebuiltContext,
} from "../../../image/compile";
import { scratch } from "../../support/pause/fixture";

const BINARIES = path.join(__dirname, "../../../image/binaries");
const cache = () => fs.mkdtempSync(path.join(scratch, "prebuilt-"));
const archs = [...new Set(buildablePlatforms.map(architectureOf))].sort();

describe("the binaries of pause that come with the project", function () {
  this.timeout(60_000);

  it("are one per architecture, and their sums", () => {
    assert.deepEqual(fs.readdirSync(BINARIES).sort(), ["SHA256SUMS", ...archs.map((arch) => `pause-linux-${arch}`)]);
    const sums = archs.map((arch) => {
      const binary = fs.readFileSync(path.join(BINARIES, `pause-linux-${arch}`));
      return `${createHash("sha256").update(binary).digest("hex")}  pause-linux-${arch}\n`;
    });
    assert.equal(fs.readFileSync(path.join(BINARIES, "SHA256SUMS"), "utf8"), sums.join(""));
  });

  it("are, byte for byte, what this machine's compiler makes of the sources", () => {
    const built = pauseContext({ platforms: buildablePlatforms, version: pauseVersion(), cacheDir: cache() });
    for (const arch of archs) {
      const name = `pause-linux-${arch}`;
      const differ = `${name} differs: other sources, or another compiler than Debian 12's clang 14 and lld 14 (s390x: 19)`;
      assert.ok(fs.readFileSync(path.join(built, name)).equals(fs.readFileSync(path.join(BINARIES, name))), differ);
    }
  });

  it("make the same build context as compiling them does, without a compiler", () => {
    const platforms = ["linux/amd64", "linux/arm64"];
    const compiled = pauseContext({ platforms, version: pauseVersion(), cacheDir: cache() });
    const script = `console.log(require(${JSON.stringify(path.join(BINARIES, "../compile"))}).prebuiltContext(${JSON.stringify({ platforms, cacheDir: cache() })}))`;
    const env = { ...process.env, CLANG: "no-such-clang", LLD: "no-such-lld" };
    const run = spawnSync(process.execPath, ["--import", "tsx", "-e", script], { encoding: "utf8", env });
    assert.equal(path.basename(run.stdout.trim()), path.basename(compiled), run.stderr);
  });

  it("are refused for a platform that is not built", () => {
    assert.throws(
      () => prebuiltContext({ platforms: ["linux/mips"], cacheDir: cache() }),
      /platforms\[0\] "linux\/mips"/,
    );
  });
});
