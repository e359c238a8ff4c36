/** Programs that the lab's toolchain has, or gets. */
import { execFileSync } from "node:child_process";
import * as path from "node:path";

import { TREE } from "../../../lab/cluster/layout";

/** @param tools `name@version` each. @returns the path of each: an executable, or the directory of a runtime */
export function getTools(...tools: string[]): string[] {
  const program = path.join(TREE, "lab/toolchain/get");
  return execFileSync(program, tools, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .trim()
    .split("\n");
}
