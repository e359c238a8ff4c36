/** `make up`: a cluster that cannot start Pods, the program run on it, and the proof that it can now. */
import { clusterUp } from "./cluster";
import { noticeLoss, openStack } from "./engine";
import { showFailure } from "./failure";
import { lineLog } from "./log";
import { CARRIED, registryIsOff, turnRegistryOff } from "./noRegistry";
import { faults, proofTable, prove, registryDigest } from "./proof";
import { messageOf } from "../components/errors";

async function up(): Promise<void> {
  const log = lineLog();
  const alone = registryIsOff();
  const lab = await clusterUp(log);
  if (alone) await turnRegistryOff(lab, log);
  await log.step("a Pod on every node, before anything is done about it", async () => {
    for (const [node, message] of await showFailure(lab)) log.info(`${node}: ${message}`);
  });
  const stack = await log.step("the tools that run the program", () => openStack(lab, alone ? CARRIED : {}));
  const { outputs } = await log.step("the program: image, nodes, sample Pods", async () => {
    await noticeLoss(stack);
    return stack.up({ onOutput: (text) => process.stderr.write(text), color: "never", suppressProgress: true });
  });
  const reference = String(outputs.reference?.value);
  const proofs = await log.step("the proof, from the cluster and the nodes", () => prove(lab));
  process.stdout.write(`${proofTable(proofs)}\n`);
  const digest = alone ? String(outputs.digest?.value) : await registryDigest(lab, reference);
  const wrong = faults(proofs, reference, digest);
  if (wrong.length > 0) throw new Error(`the proof fails:\n  ${wrong.join("\n  ")}`);
}

up().catch((error: unknown) => {
  process.stderr.write(`make up: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
