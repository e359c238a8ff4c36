import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { PauseImageSource, PauseSandbox } from "./components";
import { leftOutBy } from "./components/pauseSandbox";
import { readStackConfig } from "./settings/config";
import { keptOnFailure, summaryOf } from "./settings/outputs";
import { inSettings } from "./settings/words";
import { withWords } from "./components/wording";
import { findNodes, reportNodesLeftOut } from "./settings/found";

/** The program: the stack's configuration → one cluster with a pause image of its own → what was done to it. */
export = keptOnFailure(async () => {
  try {
    return await withWords(inSettings, cluster);
  } catch (error) {
    throw reportable(error);
  }
});

async function cluster() {
  const found = await findNodes();
  const { args, kubeconfig, kubeContext, requireAllNodes } = readStackConfig(undefined, found);
  await reportNodesLeftOut({ listed: args.nodes.map(({ name }) => name), found, required: requireAllNodes });
  const kubernetes = new k8s.Provider("cluster", { kubeconfig, context: kubeContext });
  const sandbox = new PauseSandbox("pause", args, { providers: { kubernetes } });
  // Every report is an output of the component; in the stack's outputs 5,000 of them would be no output for people.
  const listed = args.nodes.map(({ name }) => name);
  const gone = args.nodes.filter((node) => node.gone === true).map(({ name }) => name);
  const nodes = pulumi
    .all([sandbox.nodes, leftOutBy(sandbox)])
    .apply(([reports, leftOut]) => summaryOf(reports, { listed, gone, leftOut }));
  return {
    reference: sandbox.reference,
    // An existing image that gives none has none: an undefined output is a warning of each run.
    ...(args.image.source === PauseImageSource.Existing && args.image.digest === undefined
      ? {}
      : { digest: sandbox.digest }),
    nodes: nodes.count,
    differingNodes: nodes.differing,
    pods: sandbox.pods,
    // Text of some 60 kB in several forms: as a secret it is not printed after each run.
    ...(args.bootSetup === undefined ? {} : { bootSetup: pulumi.secret(sandbox.bootSetup) }),
  };
}

/**
 * An error as the SDK reports it well. One that the user can mend is its message alone, any other has its stack.
 *
 * The SDK's source maps misplace files such as `resource.ts` right in the folder of the scope, node_modules/@pulumi.
 * Frames in such a place make Node.js colour the stack without end (nodejs/node#64011), so they are left out.
 */
function reportable(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (pulumi.InputPropertiesError.isInstance(error)) {
    // Only a RunError is reported without "failed with an unhandled exception" around it.
    return Object.assign(new pulumi.RunError(error.message), { stack: "" });
  }
  const misplaced = /[\\/]node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+$/;
  error.stack = error.stack
    ?.split("\n")
    .filter((line) => !misplaced.test(line))
    .join("\n");
  return error;
}
