/** Processes of this machine, as /proc has them. A process number alone names nobody: it is used again. */
import { readFileSync } from "node:fs";

/** When a process started, in clock ticks since the machine did: with its number, its name. Undefined for none. */
export function startTicks(pid: number): string | undefined {
  try {
    // The second field is the command's name in parentheses, which may hold blanks and parentheses itself.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** The value of a variable that a process was started with; undefined where there is neither. */
export function variableOf(pid: number, name: string): string | undefined {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return variables.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}
