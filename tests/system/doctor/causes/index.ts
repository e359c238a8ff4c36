import type { Cause } from "./cause";
import { IMAGE } from "./image";
import { KUBELET } from "./kubelet";
import { NETWORK } from "./network";
import { RUNTIME } from "./runtime";

export { again, type Cause, STARTS, type World } from "./cause";

export const CAUSES: readonly Cause[] = [...IMAGE, ...NETWORK, ...RUNTIME, ...KUBELET];
