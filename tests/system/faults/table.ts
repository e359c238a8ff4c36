/** Every fault there is, in the order of the report. */
import { calls } from "./calls";
import { disks } from "./disks";
import type { Fault } from "./fault";
import { files } from "./files";
import { hostKey } from "./hostKey";
import { killed } from "./killed";
import { kubelet } from "./kubelet";
import { people } from "./people";
import { registry } from "./registry";
import { tools } from "./tools";
import { units } from "./units";
import { ownFileSystem } from "./var";

export const faults: Fault[] = [
  ...[...killed, ...calls, ...disks, ...ownFileSystem, ...registry, ...units, ...kubelet],
  ...[...files, ...people, ...tools, ...hostKey],
];
