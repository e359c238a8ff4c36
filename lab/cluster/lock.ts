/** One `clusterUp` or `clusterDown` at a time: two would remove each other's containers. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { readIfThere } from "./files";
import { labDir } from "./layout";

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
  await fs.writeFile(mine, String(process.pid));
  try {
    const holder = Number(await readIfThere(file));
    if (holder && !isRunning(holder)) await fs.rm(file, { force: true });
    // A link appears with its content, unlike a file that is created and then written.
    await fs.link(mine, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new Error(`process ${await readIfThere(file)} is working on the lab: wait until it is done`, {
      cause: error,
    });
  } finally {
    await fs.rm(mine, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
