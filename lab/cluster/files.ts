/** Files of the lab's directory: read if there, written whole or not at all. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { startTicks } from "./process";

export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Readers see the old content or the new one, never a part; an unchanged file is not touched. */
export async function writeAtomic(file: string, content: string, mode: number): Promise<void> {
  if ((await readIfThere(file)) === content) return;
  await fs.mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.new`;
  await fs.writeFile(temporary, content, { mode });
  await fs.rename(temporary, file);
}

/**
 * Where to make a file or directory that appears under its own name when it is whole. Another run may be making the same
 * at the same time, for another lab; what runs that were killed left in that directory is removed.
 */
export async function draftOf(target: string): Promise<string> {
  const directory = path.dirname(target);
  const draft = `${target}.${process.pid}`;
  await fs.mkdir(directory, { recursive: true });
  for (const name of await fs.readdir(directory)) {
    const file = path.join(directory, name);
    const pid = /\.([0-9]+)$/.exec(name)?.[1];
    if (file === draft || (pid !== undefined && startTicks(Number(pid)) === undefined)) {
      await fs.rm(file, { recursive: true, force: true });
    }
  }
  return draft;
}

/** Whether there is anything in a directory beside one name; nothing is in one that is not there. */
export async function holdsMoreThan(directory: string, name: string): Promise<boolean> {
  return (await fs.readdir(directory).catch(() => [])).some((found) => found !== name);
}

/** Removes what a directory holds but for one name, and the directory itself when nothing is left. */
export async function removeAllBut(directory: string, kept: string): Promise<void> {
  const names = await fs.readdir(directory).catch(() => []);
  const others = names.filter((name) => name !== kept);
  await Promise.all(others.map((name) => fs.rm(path.join(directory, name), { recursive: true, force: true })));
  if (names.length === others.length) await fs.rm(directory, { recursive: true, force: true });
}
