/** `node --import tsx lab/cluster/main.ts up|down|clean|kubeconfig`: the cluster alone, without the program. */
import { clusterClean, clusterDown, clusterUp, readLab } from "./index";
import { messageOf } from "../../components/errors";
import { lineLog } from "../log";

const commands: Record<string, () => Promise<void>> = {
  up: async () => {
    const log = lineLog();
    const { kubeconfig } = await log.step("lab", () => clusterUp(log));
    process.stdout.write(`${kubeconfig}\n`);
  },
  down: async () => {
    await clusterDown(lineLog());
  },
  clean: async () => {
    await clusterClean(lineLog());
  },
  kubeconfig: () => {
    process.stdout.write(`${readLab().kubeconfig}\n`);
    return Promise.resolve();
  },
};

async function main(): Promise<void> {
  const command = commands[process.argv[2] ?? ""];
  if (!command) throw new Error(`usage: node --import tsx lab/cluster/main.ts ${Object.keys(commands).join("|")}`);
  await command();
}

main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
});
