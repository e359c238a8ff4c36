import * as fs from "node:fs";
import * as path from "node:path";
import { compileUpstream, helper, host, ownPause, scratch, sh, upstreamPause } from "../../tests/support/pause/fixture";
import { parseFigure, Running } from "../../tests/support/pause/running";

/** One figure of both pauses, or why it is missing. */
export interface Pair {
  readonly own?: number;
  readonly upstream?: number;
  readonly skipped?: string;
}

/** The value in the middle: what a machine does beside the measurement moves the ends. */
export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** The two programs that are compared. */
export interface Programs {
  readonly own: string;
  readonly upstream: string;
}

/** Upstream needs a C library for each architecture: clang's name of it, and Debian's in the packages' names. */
const foreign: Readonly<Record<string, { target: string; debian: string }>> = {
  amd64: { target: "x86_64-linux-gnu", debian: "amd64" },
  arm: { target: "arm-linux-gnueabihf", debian: "armhf" },
  arm64: { target: "aarch64-linux-gnu", debian: "arm64" },
  ppc64le: { target: "powerpc64le-linux-gnu", debian: "ppc64el" },
  riscv64: { target: "riscv64-linux-gnu", debian: "riscv64" },
  s390x: { target: "s390x-linux-gnu", debian: "s390x" },
};

export const architectures: readonly string[] = Object.keys(foreign);

export function fileBytes(arch: string): Pair {
  const own = fs.statSync(ownPause(arch)).size;
  if (arch === host.arch) {
    return { own, upstream: fs.statSync(upstreamPause()).size };
  }
  const { target, debian } = foreign[arch] ?? { target: arch, debian: arch };
  if (!fs.existsSync(`/usr/${target}/lib/libc.a`)) {
    return { own, skipped: `no C library (Debian: libc6-dev-${debian}-cross libgcc-12-dev-${debian}-cross)` };
  }
  return { own, upstream: fs.statSync(compileUpstream(path.join(scratch, `up-${arch}`), target, newestLld())).size };
}

/** s390x wants a recent one; see build.sh. */
function newestLld(): string {
  const folders = (process.env.PATH ?? "").split(":");
  const names = [22, 21, 20, 19, 18].map((version) => `ld.lld-${version}`);
  const found = names
    .flatMap((name) => folders.map((folder) => path.join(folder, name)))
    .find((file) => fs.existsSync(file));
  return found ?? "lld";
}

type Memory = ReturnType<Running["memory"]>;

/**
 * Memory of each, in kB, as PID 1 and with nothing in its environment, which would lie on its stack. The median of
 * several runs, since the kernel places the stack at random: it may begin a page or end one.
 */
export async function memory(programs: Programs): Promise<Record<keyof Memory, Pair>> {
  const measure = async (program: string): Promise<Memory[]> => {
    const measured: Memory[] = [];
    for (let i = 0; i < 15; i++) {
      const running = await Running.start(["env", "-i", program], true);
      measured.push(running.memory());
      running.destroy();
    }
    return measured;
  };
  const own = await measure(programs.own);
  const upstream = await measure(programs.upstream);
  const pair = (key: keyof Memory): Pair => ({
    own: median(own.map((run) => run[key])),
    upstream: median(upstream.map((run) => run[key])),
  });
  return { rss: pair("rss"), anonymous: pair("anonymous"), pageTables: pair("pageTables") };
}

/** Instructions in user space from the first one to the system call in which it waits, counted one by one. */
export function instructions(programs: Programs): Pair {
  if (host.arch !== "amd64") {
    return { skipped: "counted on amd64 only" };
  }
  const [pause, rtSigtimedwait] = host.waits;
  const count = (program: string, untilCall: number | undefined) =>
    parseFigure("instructions", /^(\d+)$/m, sh("env", ["-i", helper(), "steps", `${untilCall ?? 0}`, program]));
  return { own: count(programs.own, rtSigtimedwait), upstream: count(programs.upstream, pause) };
}
