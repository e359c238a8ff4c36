/** `lab.ts up` and `lab.ts down`: the lab that the suites of one run share. Its end is a test, too: nothing of it may remain. */
import { messageOf } from "../../components/errors";
import { clusterDown, clusterUp } from "../../lab/cluster";
import { lineLog } from "../../lab/log";
import { traces } from "../system/e2e/traces";

async function main(): Promise<void> {
  if (process.argv[2] === "up") {
    // A run that was killed may have left a stack whose nodes are gone, with their host keys.
    await clusterDown(lineLog());
    await clusterUp(lineLog());
    return;
  }
  await clusterDown(lineLog());
  // The parent is the run whose suites used the lab.
  const left = await traces(process.ppid);
  if (left.length > 0) throw new Error(`the lab is down, and this remains of it:\n${left.join("\n")}`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
});
