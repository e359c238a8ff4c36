import * as k8s from "@pulumi/kubernetes";

import { PauseSandbox } from "./components";
import { readStackConfig } from "./config";

/** The program: the stack's configuration → one cluster with a pause image of its own → what was done to it. */
// eslint-disable-next-line @typescript-eslint/require-await -- the engine and the automation library want a promise
export = async () => {
  const { args, kubeconfig, kubeContext } = readStackConfig();
  const cluster = new k8s.Provider("cluster", { kubeconfig, context: kubeContext });
  const sandbox = new PauseSandbox("pause", args, { providers: { kubernetes: cluster } });
  return {
    reference: sandbox.reference,
    digest: sandbox.digest,
    nodes: sandbox.nodes,
    pods: sandbox.pods,
  };
};
