/** One `clusterUp` or `clusterDown` at a time: two would remove each other's containers. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { readIfThere } from "./files";
import { labDir } from "./layout";
import { startTicks } from "./process";

/** Runs `fn` while holding the lab's lock; a lock whose holder is gone does not count. */
export async function withLock<T>(fn: () => Promise<T>): Promise<T> {
  // Beside the lab's directory, because taking the lab down removes that.
  const file = `${labDir()}.lock`;
  await fs.mkdir(path.dirname(file), { recursive: true });
  await take(file);
  try {
    return await fn();
  } finally {
    await fs.rm(file, { force: true });
  }
}

async function take(file: string): Promise<void> {
  const mine = `${file}.${process.pid}`;
  await fs.writeFile(mine, `${process.pid} ${startTicks(process.pid) ?? ""}`);
  try {
    if (!holder(await readIfThere(file))) await fs.rm(file, { force: true });
    // A link appears with its content, unlike a file that is created and then written.
    await fs.link(mine, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const pid = holder(await readIfThere(file));
    throw new Error(
      `process ${pid ?? "of another run"} is working on the lab and holds ${file}: wait until it is done, or end it`,
      { cause: error },
    );
  } finally {
    await fs.rm(mine, { force: true });
  }
}

/** Number of the process that wrote a lock, while that process runs: another one may have its number by now. */
function holder(lock = ""): number | undefined {
  const [pid, ticks] = lock.split(" ");
  return pid && ticks && startTicks(Number(pid)) === ticks ? Number(pid) : undefined;
}
