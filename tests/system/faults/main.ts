/** `make faults`: every fault, counted. `--short` runs what `make test` runs; `--only REGEXP` takes some rows. */
import { parseArgs } from "node:util";
import { prepare } from "./harness";
import { HOST_GONE, hostGone } from "./hostGone";
import { report, runSuite, survived } from "./suite";
import { faults } from "./table";
import { messageOf } from "../../../components/errors";
import { clusterDown, labStands } from "../../../lab/cluster";
import { lineLog } from "../../../lab/log";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      short: { type: "boolean", default: false },
      only: { type: "string", default: "" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      keep: { type: "boolean", default: false },
    },
  });
  const log = lineLog();
  log.info(`seed ${values.seed}`);
  const chosen = faults.filter(({ name }) => new RegExp(values.only).test(name));
  const stoodBefore = labStands();
  const targets = await prepare(log);
  const options = { form: values.short ? ("short" as const) : ("long" as const), seed: Number(values.seed) };
  try {
    const tallies = await runSuite(chosen, targets, log, options);
    // Minutes of the engine's time, so not in the short form.
    if (!values.short && new RegExp(values.only).test(HOST_GONE)) {
      tallies.push(await log.step(HOST_GONE, () => hostGone(targets)));
    }
    process.stdout.write(report(tallies));
    const asked = targets.reduce((sum, { prober }) => sum + prober.answered, 0);
    const failed = targets.reduce((sum, { prober }) => sum + prober.failed, 0);
    process.stdout.write(`${asked} requests answered by running Pods, ${failed} not; seed ${values.seed}\n`);
    if (!survived(tallies)) process.exitCode = 1;
  } finally {
    for (const { prober } of targets) await prober.stop();
    if (!values.keep && !stoodBefore) await clusterDown(log);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`make faults: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
