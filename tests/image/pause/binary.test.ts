import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { ET_EXEC, parseElf, PF_R, PF_W, PF_X, PT_GNU_STACK, PT_LOAD } from "./elf";
import { imageDir, ownPause, scratch, sh, version } from "../../support/pause/fixture";
import { type Ending, Running } from "../../support/pause/running";

/** Each architecture with its number in an ELF header, and the name that qemu gives it. */
const architectures = [
  { arch: "amd64", machine: 62, qemu: "x86_64" },
  { arch: "arm", machine: 40, qemu: "arm" },
  { arch: "arm64", machine: 183, qemu: "aarch64" },
  { arch: "ppc64le", machine: 21, qemu: "ppc64le" },
  { arch: "riscv64", machine: 243, qemu: "riscv64" },
  { arch: "s390x", machine: 22, qemu: "s390x" },
];

for (const { arch, machine, qemu } of architectures) {
  describe(`pause for ${arch}`, function () {
    this.timeout(60_000);
    const elf = () => parseElf(fs.readFileSync(ownPause(arch)));

    it("is an executable of that architecture", () => {
      assert.deepEqual({ machine: elf().machine, type: elf().type }, { machine, type: ET_EXEC });
    });

    it("is one segment, read and executed but never written, of less than a page, with the entry in it", () => {
      const loads = elf().segments.filter((segment) => segment.type === PT_LOAD);
      assert.equal(loads.length, 1);
      const [load] = loads;
      assert.ok(load);
      assert.equal(load.flags, PF_R | PF_X);
      assert.equal(load.memoryBytes, load.fileBytes, "nothing beyond the file: no .bss");
      assert.ok(load.memoryBytes <= 4096);
      assert.equal(load.address % 65536, 0, "on a page boundary, for pages of up to 64 KiB");
      assert.ok(elf().entry > load.address && elf().entry < load.address + load.memoryBytes);
    });

    it("has a stack that is not executable, and no other kind of segment", () => {
      const rest = elf().segments.filter((segment) => segment.type !== PT_LOAD);
      assert.deepEqual(
        rest.map(({ type, flags }) => ({ type, flags })),
        [{ type: PT_GNU_STACK, flags: PF_R | PF_W }],
      );
    });

    it(`is ${arch === "amd64" ? "at most 1,000" : "less than 1,500"} bytes`, () => {
      const { size } = fs.statSync(ownPause(arch));
      assert.ok(arch === "amd64" ? size <= 1000 : size < 1500, `${size} bytes`);
    });

    it("comes out the same in another folder, at another date, with other settings", () => {
      const folder = path.join(scratch, `another folder of ${arch}`);
      fs.cpSync(imageDir, folder, { recursive: true });
      const out = path.join(folder, "out");
      const env = { VERSION: version, TZ: "Asia/Kathmandu", HOME: folder, SOURCE_DATE_EPOCH: "1" };
      sh("faketime", ["2001-02-03 04:05:06", "sh", "-c", 'umask 077; cd "$0"; ./build.sh "$1" out', folder, arch], {
        env,
      });
      assert.deepEqual(fs.readFileSync(out), fs.readFileSync(ownPause(arch)));
      assert.deepEqual(
        fs.readdirSync(folder).sort(),
        [...fs.readdirSync(imageDir), "out"].sort(),
        "nothing but the output is left",
      );
    });

    describe("run by qemu", () => {
      const emulator = `qemu-${qemu}-static`;
      const command = (...args: string[]) => [emulator, ownPause(arch), ...args];
      const ending = (stdout: string, stderr: string): Ending => ({ code: 0, signal: null, stdout, stderr });
      const warning = "Warning: pause should be the first process\n";

      it("prints its version for -v and -V", async () => {
        for (const option of ["-v", "-V"]) {
          const run = await Running.start(command("other", option), false);
          assert.deepEqual(await run.ending, ending(`pause.c ${version}\n`, ""));
        }
      });

      for (const [signal, text] of [
        ["SIGINT", "Interrupt"],
        ["SIGTERM", "Terminated"],
      ] as const) {
        it(`ends on ${signal}, with a warning only where it is not PID 1`, async () => {
          for (const asPid1 of [true, false]) {
            const run = await Running.start(command(), asPid1);
            run.kill(signal);
            const said = `${asPid1 ? "" : warning}Shutting down, got signal: ${text}\n`;
            assert.deepEqual(await run.ending, ending("", said));
          }
        });
      }

      it("reaps orphans and waits on", async () => {
        const run = await Running.start(command(), true);
        await run.inside(["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do (: & :) & done; wait"]);
        await run.reaped();
        assert.deepEqual(await run.terminate(), ending("", "Shutting down, got signal: Terminated\n"));
      });

      it("ends as any process does by a signal that it leaves alone", async () => {
        const run = await Running.start(command(), false);
        run.kill("SIGHUP");
        assert.equal((await run.ending).signal, "SIGHUP");
      });
    });
  });
}

describe("build.sh refuses", () => {
  const refusals: { what: string; args: string[]; env?: NodeJS.ProcessEnv; says: RegExp }[] = [
    { what: "an unknown architecture", args: ["mips", "out"], says: /"mips": amd64, arm, .* can be built/ },
    { what: "a missing argument", args: ["amd64"], says: /usage: build\.sh ARCH OUT/ },
    { what: "a missing compiler", args: ["amd64", "out"], env: { CLANG: "no-clang" }, says: /no-clang.*install clang/ },
    { what: "a missing linker", args: ["amd64", "out"], env: { LLD: "no-lld" }, says: /install lld/ },
    {
      what: "a linker too old for s390x",
      args: ["s390x", "out"],
      env: { LLD: "no-lld" },
      says: /s390x: .* 18 or newer/,
    },
    { what: "a compiler without that target", args: ["riscv64", "out"], env: { CLANG: "false" }, says: /riscv64/ },
    { what: "a version with a quote in it", args: ["amd64", "out"], env: { VERSION: '1"' }, says: /VERSION "1""/ },
  ];
  for (const { what, args, env, says } of refusals) {
    it(`${what}, and writes nothing`, () => {
      const cwd = fs.mkdtempSync(path.join(scratch, "refused-"));
      const run = spawnSync(path.join(imageDir, "build.sh"), args, {
        cwd,
        encoding: "utf8",
        env: { ...process.env, ...env },
      });
      assert.equal(run.status, 1);
      assert.match(run.stderr, says);
      assert.equal(run.stderr.trim().split("\n").length, 1, run.stderr);
      assert.deepEqual(fs.readdirSync(cwd), []);
    });
  }
});
