/**
 * Kernel settings that belong to the whole host and that a kubelet changes when it starts, also in a container. They
 * are noted before the first node starts and set back when the lab goes down: the host is not the lab's to keep.
 */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { readIfThere, writeAtomic } from "./files";
import { labDir } from "./layout";

/** What the kubelet's container manager sets (its flag `--protect-kernel-defaults` would make it refuse instead). */
const SETTINGS = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
];

function settingsFile(): string {
  return path.join(labDir(), "kernel-settings.json");
}

/** Keeps the first note: a second run would find what the kubelet made of them. */
export async function saveKernelSettings(): Promise<void> {
  if (await readIfThere(settingsFile())) return;
  const values: Record<string, string> = {};
  for (const setting of SETTINGS) {
    const value = await readIfThere(`/proc/sys/${setting}`);
    if (value !== undefined) values[setting] = value.trim();
  }
  await writeAtomic(settingsFile(), JSON.stringify(values), 0o644);
}

export async function restoreKernelSettings(): Promise<void> {
  const note = await readIfThere(settingsFile());
  if (!note) return;
  for (const [setting, value] of Object.entries(JSON.parse(note) as Record<string, string>)) {
    if ((await readIfThere(`/proc/sys/${setting}`))?.trim() !== value)
      await fs.writeFile(`/proc/sys/${setting}`, value);
  }
}
