/** `make up`: a cluster that cannot start Pods, the program run on it, and the proof that it can now. */
import { clusterUp } from "./cluster";
import { noticeLoss, openStack } from "./engine";
import { showFailure } from "./failure";
import { lineLog } from "./log";
import { faults, proofTable, prove, registryDigest } from "./proof";
import { messageOf } from "../components/errors";

async function up(): Promise<void> {
  const log = lineLog();
  const lab = await clusterUp(log);
  await log.step("a Pod on every node, before anything is done about it", async () => {
    for (const [node, message] of await showFailure(lab)) log.info(`${node}: ${message}`);
  });
  const stack = await log.step("the tools that run the program", () => openStack(lab));
  const { outputs } = await log.step("the program: image, nodes, sample Pods", async () => {
    await noticeLoss(stack);
    return stack.up({ onOutput: (text) => process.stderr.write(text), color: "never", suppressProgress: true });
  });
  const reference = String(outputs.reference?.value);
  const proofs = await log.step("the proof, from the cluster and the nodes", () => prove(lab));
  process.stdout.write(`${proofTable(proofs)}\n`);
  const wrong = faults(proofs, reference, await registryDigest(lab, reference));
  if (wrong.length > 0) throw new Error(`the proof fails:\n  ${wrong.join("\n  ")}`);
}

up().catch((error: unknown) => {
  process.stderr.write(`make up: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
